"""Parsing bytes, and what every refusal is like."""

from collections.abc import Callable
from pathlib import Path

import pytest

from super_resolution_gans.io import ReadError
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.parse import parse
from super_resolution_gans.io.vendor.volume import Volume

Parse = Callable[[str, bytes], Volume]
Refusal = Callable[[str, bytes], str]

NAMES = {
    "vol": "a.vol",
    "e2e": "a.E2E",
    "topcon": "a.fda",
    "oct": "a.OCT",
    "img": "P_Macular Cube 4x3_1-1-2001_1-1-1_OD_sn1_cube_z.img",
    "xml": "a.xml",
}


@pytest.fixture
def parsed(tmp_path: Path) -> Parse:
    """Parse bytes as a file of this kind, in this process."""

    def of(kind: str, data: bytes, max_pixels: int = 1 << 20) -> Volume:
        path = tmp_path / NAMES[kind]
        path.write_bytes(data)
        return parse(kind, path, str(path), Limits(max_pixels, 1 << 30, 1 << 30))

    return of


@pytest.fixture
def refusal(parsed: Parse, tmp_path: Path) -> Refusal:
    """The reason for which bytes are refused."""

    def of(kind: str, data: bytes, max_pixels: int = 1 << 20) -> str:
        with pytest.raises(ReadError) as caught:
            parsed(kind, data, max_pixels)
        message = str(caught.value)
        assert message.isprintable()
        assert message.startswith(f"{tmp_path / NAMES[kind]}: ")
        return caught.value.reason

    return of

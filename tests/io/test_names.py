"""Suffixes of one part and of two."""

from pathlib import Path

import pytest

from super_resolution_gans.io import ends_in, suffix_of, with_suffix


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("eye.tif", ".tif"),
        ("eye.12.TIF", ".TIF"),
        ("eye.nii.gz", ".nii.gz"),
        ("eye.v2.NII.gz", ".NII.gz"),
        ("eye.tar.gz", ".gz"),
        ("eye.ome.tif", ".ome.tif"),
        ("eye.ome.tiff", ".ome.tiff"),
        ("eye.ome.png", ".png"),
        ("eye.ome.zarr", ".ome.zarr"),
        ("eye.zarr/", ".zarr"),
        ("eye.zarr.zip", ".zarr.zip"),
        (".nii.gz", ".gz"),
        ("eye", ""),
        (".hidden", ""),
        ("folder.d/eye", ""),
    ],
)
def test_the_suffix_of_a_name(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix
    path = Path("a") / name
    assert with_suffix(path, ".x").name == path.name.removesuffix(suffix) + ".x"
    if suffix:
        assert ends_in(name, (suffix.lower(),))


def test_a_name_that_is_a_suffix_ends_in_none() -> None:
    assert not ends_in(".png", (".png",))
    assert ends_in("a.PNG", (".tif", ".png"))
    assert not ends_in("a.png.txt", (".png",))

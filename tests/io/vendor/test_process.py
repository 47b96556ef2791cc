"""Parsing in a child: what comes back, and what becomes of a child that fails."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor import child, process

VALUES = np.random.default_rng(7).integers(0, 65536, (4, 9, 8), dtype=np.uint16)
LIMITS = Limits(1 << 20, 1 << 30, 1 << 30)


@pytest.fixture
def path(tmp_path: Path, vendor_files: ModuleType) -> Path:
    path = tmp_path / "eye.OCT"
    path.write_bytes(vendor_files.bioptigen(VALUES))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return caught.value.reason


def fake_construct(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The child, unlike this process, imports this instead of the library."""
    (folder / "fake").mkdir()
    (folder / "fake" / "construct.py").write_text(code)
    monkeypatch.syspath_prepend(folder / "fake")


def test_a_scan_comes_back_as_it_was_stored(path: Path) -> None:
    scan = read_scan(path)
    assert scan.dtype == np.uint16
    np.testing.assert_array_equal(scan.to_array(), VALUES)
    assert scan.spacing == (9 / 4, 2 / 9, 6 / 8)
    assert scan.details["format"] == "Bioptigen .OCT"
    assert scan.source == str(path)


def test_a_large_volume_is_read_piece_by_piece(path: Path) -> None:
    scan = read_scan(path, lazy_above=100)
    assert scan.is_lazy
    path.unlink()  # the pixels are elsewhere
    np.testing.assert_array_equal(scan.stored_slice(2), VALUES[2])
    np.testing.assert_array_equal(scan.load().to_array(), VALUES)
    assert scan.details["device"] == "Bioptigen"


def test_names_that_no_encoding_knows_are_no_obstacle(path: Path) -> None:
    for name in ("Auge \u4e2d \u00e9.OCT", os.fsdecode(b"\xff\xfe.OCT")):
        try:
            renamed = path.rename(path.with_name(name))
        except OSError:
            continue  # a file system that wants UTF-8
        np.testing.assert_array_equal(read_scan(renamed).to_array(), VALUES)
        renamed.rename(path)


def test_dimensions_come_from_the_name_that_a_user_knows(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    """An address is fetched into a file with another name."""
    cube = np.resize(VALUES.astype(np.uint8), (3, 1024, 4))
    fetched = tmp_path / "temporary"
    fetched.write_bytes(vendor_files.img(cube))
    scan = process.read_vendor("img", fetched, "http://host/Macular Cube 4x3_cube_z.img", LIMITS)
    np.testing.assert_array_equal(scan.to_array(), cube)


def test_the_limit_of_pixels_reaches_the_child(path: Path) -> None:
    with pytest.raises(ReadError, match="over the limit of 71"):
        read_scan(path, max_pixels=71)


def test_a_child_that_hangs_is_killed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_construct(tmp_path, monkeypatch, "while True: pass")
    monkeypatch.setattr(child, "SECONDS", 2)
    assert "takes more than 2 seconds" in refusal(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits and signals")
def test_a_child_that_wants_too_much_memory_or_dies_is_said(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_construct(tmp_path, monkeypatch, "bytes(5 << 30)")
    assert refusal(path) == "needs too much memory to read"
    (tmp_path / "fake" / "construct.py").write_text("import os\nos.abort()")
    assert "failed (SIGABRT)" in refusal(path)
    (tmp_path / "fake" / "construct.py").write_text("import os, signal\nos.kill(os.getpid(), 9)")
    assert "ended by the system" in refusal(path)


def test_a_missing_library_is_named_with_its_cure(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor_files: ModuleType
) -> None:
    code = "raise ModuleNotFoundError('none', name='construct')"
    fake_construct(tmp_path, monkeypatch, code)
    assert refusal(path) == 'this format needs construct: pip install "SuperResolution-GANs[oct]"'
    # These two do not need it.
    xml = vendor_files.hedx(tmp_path, VALUES)
    np.testing.assert_array_equal(read_scan(xml).to_array(), VALUES)
    cube = tmp_path / "a 2x1_cube_z.img"
    cube.write_bytes(bytes(2048))
    assert read_scan(cube).shape == (1, 1024, 2)


def test_the_text_of_an_unexpected_error_is_not_told(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_construct(tmp_path, monkeypatch, "raise ValueError('born 1.1.1950')")
    assert refusal(path) == "damaged or not supported (ValueError)"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "print('no JSON')",
        "print('{')",
        "print('[]')",
        "print('{}')",
        'print(\'{"shape": [4, 9, 8], "dtype": "object", "spacing": [], "details": {}}\')',
        'print(\'{"shape": [4, 9, 8], "dtype": "uint16", "spacing": [1, 1, 1], "details": {}}\')',
        'print(\'{"shape": [-4, -9, 8], "dtype": "uint16", "spacing": [1, 1, 1], "details": {}}\')',
        'print(\'{"shape": [1e9], "dtype": "uint16", "spacing": [1, 1, 1], "details": {}}\')',
    ],
)
def test_an_answer_that_makes_no_sense_is_not_believed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(code)
    false = SimpleNamespace(__file__=str(script), SECONDS=20, PIXELS_AT=child.PIXELS_AT)
    monkeypatch.setattr(process, "child", false)
    reason = refusal(path)
    assert "makes no sense" in reason or "failed (status 0)" in reason


def test_whatever_the_child_prints_does_not_disturb_its_answer(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import construct

    real = Path(construct.__file__).parent.parent
    code = f"print('noise')\nimport sys\nsys.path.insert(0, {str(real)!r})\n"
    code += "del sys.modules['construct']\nimport construct\n"
    fake_construct(tmp_path, monkeypatch, code)
    np.testing.assert_array_equal(read_scan(path).to_array(), VALUES)

"""A thousand files that image readers have choked on, each read in a child process with limits."""

import csv
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from super_resolution_gans.io import read_scan

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the worker sets POSIX limits")

_WORKER = Path(__file__).with_name("reader_worker.py")
_ROOMS = (
    *("pngsuite/", "pillow/", "libpng/", "libtiff/", "libjpeg-turbo/", "libvips/", "image-rs/"),
    *("go-fuzz/", "made/bombs/", "made/modes/", "made/sizes/", "made/tiff/", "made/trunc/"),
    *("made/wrong/", "made/oct/", "made/dicom/", "pydicom/", "pydicom_data/"),
)

# Valid files that are refused on purpose, with the words of the refusal.
_REFUSED = {
    # Pages of 10 x 10 and 20 x 20 pixels: no slices of one scan.
    "pillow/modes/multipage-mmap.tiff": "its pages are not slices of one scan",
}
_DICOM = ("made/dicom/", "pydicom/", "pydicom_data/", "libvips/dicom_test_image.dcm")
if find_spec("imagecodecs") is None:
    _cure = 'need another decoder: pip install "SuperResolution-GANs[dicom]"'
    _REFUSED["pydicom/JPGExtended.dcm"] = _cure
    _REFUSED["pydicom/SC_rgb_jls_lossy_line.dcm"] = _cure
    _REFUSED["pydicom_data/JPGLosslessP14SV1_1s_1f_8b.dcm"] = _cure
    _REFUSED["pydicom_data/emri_small_jpeg_ls_lossless.dcm"] = _cure


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    folder = shared / "corpus"
    if not (folder / "manifest.tsv").is_file():
        pytest.skip(f"no corpus at {folder}")
    return folder


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[dict[str, str]]:
    with (corpus / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        every = list(csv.DictReader(file, delimiter="\t"))
    return [r for r in every if r["path"].startswith(_ROOMS) and r["expected"] != "-"]


@pytest.fixture(scope="module")
def answers(
    corpus: Path, rows: list[dict[str, str]], reader_process: ModuleType
) -> dict[str, dict[str, Any]]:
    """What became of each file."""
    with reader_process.ReaderProcess(_WORKER) as reader:
        return {row["path"]: reader.ask(str(corpus / row["path"])) for row in rows}


def test_no_file_crashes_or_hangs_the_reader(answers: dict[str, dict[str, Any]]) -> None:
    bad = {p: a["message"] for p, a in answers.items() if a["outcome"] in ("crash", "hang")}
    assert bad == {}
    assert len(answers) > 700


def test_every_refusal_is_one_line_that_names_the_file(
    corpus: Path, answers: dict[str, dict[str, Any]]
) -> None:
    refusals = {p: a["message"] for p, a in answers.items() if a["outcome"] == "error"}
    assert len(refusals) > 70
    for path, message in refusals.items():
        assert message.startswith(f"{corpus / path}: "), message
        assert message.isprintable(), message
        assert len(message) < 500, message


def test_valid_files_are_read_and_invalid_ones_refused(
    rows: list[dict[str, str]], answers: dict[str, dict[str, Any]]
) -> None:
    wrong, counts = {}, Counter[str]()
    for row in rows:
        path, expected = row["path"], row["expected"]
        answer = answers[path]
        if path in _REFUSED:
            assert _REFUSED[path] in answer["message"]
            expected = "error"
        counts[expected] += 1
        if expected != "either" and answer["outcome"] != expected:
            wrong[path] = (expected, answer)
    assert wrong == {}
    assert min(counts["ok"], counts["error"]) > 70


def test_what_is_wrong_with_a_vendors_file_is_said(answers: dict[str, dict[str, Any]]) -> None:
    said = {
        "e2e_4e9_entries.e2e": "its directory is not in the file",
        "e2e_directory_self_loop.e2e": "its directory leads back to itself",
        "e2e_two_cycle.e2e": "its directory leads back to itself",
        "e2e_past_end.e2e": "its directory is not in the file",
        "fda_chunk_size_max.fda": "a chunk would end behind the file",
        "fds_header_only.fds": "no B-scans in this file",
        "img_1000_bytes.img": "dimensions not certain",
        "oct_bioptigen_noise.oct": "not a Bioptigen .OCT file",
        "poct_noise.poct": "format not supported",
        "vol_huge.vol": "over the limit",
    }
    assert {p for p in answers if p.startswith("made/oct/")} == {f"made/oct/{n}" for n in said}
    for name, words in said.items():
        assert words in answers[f"made/oct/{name}"]["message"]


def test_valid_files_have_the_size_that_pillow_gives(
    corpus: Path, rows: list[dict[str, str]], answers: dict[str, dict[str, Any]]
) -> None:
    compared = 0
    for row in rows:
        answer = answers[row["path"]]
        if row["path"].startswith(_DICOM):
            continue  # compared in test_read_dicom.py
        # Pillow does not know TIFF of float64.
        if row["expected"] == answer["outcome"] == "ok" and answer["dtype"] != "float64":
            with Image.open(corpus / row["path"]) as image:
                # Pillow turns TIFF by itself, and says so only after loading.
                image.load()
                width, height = ImageOps.exif_transpose(image).size
            assert answer["shape"][1:3] == [height, width], row["path"]
            compared += 1
    assert compared > 180


def test_valid_eight_bit_files_have_the_pixels_that_pillow_gives(
    corpus: Path, rows: list[dict[str, str]], answers: dict[str, dict[str, Any]]
) -> None:
    compared = 0
    for row in rows:
        answer, path = answers[row["path"]], corpus / row["path"]
        if row["expected"] != "ok" or answer["outcome"] != "ok" or answer["dtype"] != "uint8":
            continue
        if row["path"].startswith(_DICOM):
            continue
        with Image.open(path) as image:
            image.load()
            if image.mode not in ("1", "L", "RGB", "CMYK", "P") or "transparency" in image.info:
                continue
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        values = read_scan(path).to_array()[0]
        if values.ndim == 2:
            values = np.dstack([values] * 3)
        np.testing.assert_array_equal(values, expected, err_msg=row["path"])
        compared += 1
    assert compared > 100


def test_sixteen_bit_files_stay_sixteen_bit(answers: dict[str, dict[str, Any]]) -> None:
    deep = [
        *("made/modes/gray16.png", "made/tiff/uint16_be.tif", "libtiff/rgb-3c-16b.tiff"),
        *("pillow/modes/tiff_16bit_RGBa.tiff", "pillow/modes/tiff_strip_planar_16bit_RGB.tiff"),
        *("libpng/good/rgb-16.png", "libpng/good/rgb-alpha-16.png", "pngsuite/basi6a16.png"),
    ]
    assert {answers[path].get("dtype") for path in deep} == {"uint16"}

"""Heidelberg's XML export, beside eyepy's reading."""

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.parse import parse
from super_resolution_gans.io.vendor.volume import Volume

GREY = np.random.default_rng(2).integers(0, 256, (4, 6, 5), dtype=np.uint8)
LIMITS = Limits(1 << 20, 1 << 30, 1 << 30)


def parsed(path: Path) -> Volume:
    return parse("xml", path, str(path), LIMITS)


def refusal(path: Path) -> str:
    with pytest.raises(ReadError) as caught:
        parsed(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()
    return caught.value.reason


def test_the_real_sample_is_what_eyepy_reads(shared: Path) -> None:
    eyepy = pytest.importorskip("eyepy")
    path = shared / "data/formats/eyepy_xml/test_volume/test_dummy.xml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        second = eyepy.import_heyex_xml(path.parent)
    scan, meta = read_scan(path), second.meta
    assert scan.shape == (10, 40, 50)
    assert scan.dtype == np.uint8
    np.testing.assert_array_equal(scan.to_array(), second.data)
    assert scan.spacing == pytest.approx((meta["scale_z"], meta["scale_y"], meta["scale_x"]))
    assert scan.details["eye"] == "right (OD)"
    assert scan.details["device"] == "Heidelberg Spectralis"
    assert "Doe" not in repr(scan)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".bmp"])
@pytest.mark.parametrize("declared", ["", '<?xml version="1.0"?>', "\ufeff<?xml version='1.0'?>"])
def test_images_of_each_kind_are_read_in_order(
    tmp_path: Path, vendor_files: ModuleType, suffix: str, declared: str
) -> None:
    path = vendor_files.hedx(tmp_path, GREY, suffix=suffix, declared=declared)
    volume = parsed(path)
    np.testing.assert_array_equal(volume.pixels, GREY)
    assert volume.spacing == pytest.approx((0.1, 0.0039, 0.0118))


def test_sixteen_bits_stay_sixteen(tmp_path: Path, vendor_files: ModuleType) -> None:
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(parsed(vendor_files.hedx(tmp_path, deep)).pixels, deep)


def test_grey_stored_as_colour_is_grey_and_colour_is_refused(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    path = vendor_files.hedx(tmp_path, GREY[:1], suffix=".png")
    Image.fromarray(GREY[0]).convert("RGB").save(tmp_path / "B0.png")
    np.testing.assert_array_equal(parsed(path).pixels[0], GREY[0])
    colour = np.dstack([GREY[0], GREY[1], GREY[2]])
    Image.fromarray(colour).save(tmp_path / "B0.png")
    assert "B-scan 1 is not one grey image" in refusal(path)


def test_a_missing_or_damaged_image_is_an_error_that_does_not_tell_its_name(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    path = vendor_files.hedx(tmp_path, GREY)
    (tmp_path / "B2.tif").unlink()
    assert refusal(path) == "the image of B-scan 3 is not in the folder of the XML"
    (tmp_path / "B2.tif").write_bytes((tmp_path / "B1.tif").read_bytes()[:60])
    reason = refusal(path)
    assert reason.startswith("the image of B-scan 3: ")
    assert "B2" not in reason
    Image.fromarray(GREY[0, :4]).save(tmp_path / "B2.tif")
    assert "the image of B-scan 3 has 5 x 4 pixels, uint8; expected 5 x 6" in refusal(path)
    Image.fromarray(GREY[0].astype(np.uint16)).save(tmp_path / "B2.tif")
    assert "the image of B-scan 3 has 5 x 6 pixels, uint16; expected 5 x 6, uint8" in refusal(path)


def test_only_images_in_the_folder_are_read(tmp_path: Path, vendor_files: ModuleType) -> None:
    path = vendor_files.hedx(tmp_path, GREY)
    text = path.read_text(encoding="utf-8")
    for name, said in [
        ("../B1.tif", None),
        ("..", "no name of a TIFF"),
        ("C:B1.tif", "no name of a TIFF"),
        ("", "no name of a TIFF"),
        ("B1.exe", "no name of a TIFF"),
        ("folder/other.tif", "is not in the folder"),
    ]:
        path.write_text(text.replace("\\B1.tif", f"\\{name}"), encoding="utf-8")
        if said is None:  # of a path the last part counts, since folders are those of the clinic
            np.testing.assert_array_equal(parsed(path).pixels, GREY)
        else:
            assert said in refusal(path)


def test_another_number_of_images_than_announced_is_refused(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    path = vendor_files.hedx(tmp_path, GREY, announced=50)
    assert refusal(path) == "announces 50 images and lists 5"


def test_every_truncation_is_refused(tmp_path: Path, vendor_files: ModuleType) -> None:
    path = vendor_files.hedx(tmp_path, GREY[:1])
    whole = path.read_bytes()
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        assert "XML" in refusal(path)


def test_bscans_unequally_apart_have_no_distance(tmp_path: Path, vendor_files: ModuleType) -> None:
    path = vendor_files.hedx(tmp_path, GREY)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<Y>2.1</Y>", "<Y>2.15</Y>"), encoding="utf-8")
    assert parsed(path).spacing[0] is None
    path.write_text(text.replace("<Y>2.1</Y>", "<Y>?</Y>"), encoding="utf-8")
    assert parsed(path).spacing[0] is None
    path.write_text(text.replace("<Type>Volume<", "<Type>Circle<"), encoding="utf-8")
    assert parsed(path).spacing[0] is None
    dense = vendor_files.hedx(tmp_path, GREY, step_mm=0.0113)  # written as .011, .023, .034
    assert parsed(dense).spacing[0] == pytest.approx(0.0113, rel=0.02)


def test_of_several_series_the_one_with_most_bscans_is_read(
    tmp_path: Path, vendor_files: ModuleType
) -> None:
    path = vendor_files.hedx(tmp_path, GREY)
    text = path.read_text(encoding="utf-8")
    start, end = text.index("<Series>"), text.index("</Series>") + len("</Series>")
    other = text[start:end].replace("<Type>OCT</Type>", "<Type>LOCALIZER</Type>", 3)
    path.write_text(text[:start] + other + text[start:], encoding="utf-8")
    volume = parsed(path)
    np.testing.assert_array_equal(volume.pixels, GREY)
    assert volume.details["volume"] == "2 of 2 (the largest)"


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ('<?xml version="1.0"?><svg/>', "XML that is no Heidelberg export"),
        ("<HEDX></HEDX>", "without B-scans"),
        ("<HEDX>&SECRET;</HEDX>", "truncated or damaged XML"),
        ('<!DOCTYPE h [<!ENTITY a "b">]><HEDX>&a;</HEDX>', "document type"),
        ('<?xml version="1.0" encoding="none"?><HEDX/>', "damaged XML"),
        ("<HEDX\0/>", "damaged XML"),
    ],
)
def test_other_xml_is_refused(tmp_path: Path, xml: str, words: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(xml, encoding="utf-8")
    reason = refusal(path)
    assert words in reason
    assert "SECRET" not in reason

"""The curves of a run as a picture."""

import json
from pathlib import Path

import pytest
from PIL import Image

from super_resolution_gans.training.curves import draw_curves

ROWS = [
    {"update": 1, "split": "train", "loss": 0.5},
    {"update": 2, "split": "train", "loss": 0.25, "note": "of another version"},
    {"update": 2, "split": "val", "psnr": 20.0},
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [json.dumps(row) for row in ROWS]
    (folder / "metrics.jsonl").write_text("\n".join([*lines, '{"torn']), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".SVG", b"<?xml"), (".pdf", b"%PDF")]
)
def test_the_suffix_is_the_format_and_the_same_numbers_give_the_same_bytes(
    run: Path, tmp_path: Path, suffix: str, start: bytes
) -> None:
    for name in ("a", "b"):
        draw_curves(run, tmp_path / f"{name}{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert data.startswith(start)
    assert data == (tmp_path / f"b{suffix}").read_bytes()


def test_an_existing_picture_is_replaced_and_every_quantity_has_a_panel(
    run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    draw_curves(run, target)
    with Image.open(target) as image:
        wide = image.width
    (run / "metrics.jsonl").write_text(json.dumps(ROWS[0]) + "\n", encoding="utf-8")
    draw_curves(run, target)
    with Image.open(target) as image:
        assert wide == 2 * image.width  # loss and PSNR, the note is no number


@pytest.mark.parametrize("name", ["curves", "curves.xyz", "."])
def test_a_name_that_is_no_picture_is_refused_and_nothing_is_written(
    run: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        draw_curves(run, tmp_path / name)
    assert list(tmp_path.iterdir()) == [run]


def test_a_missing_folder_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        draw_curves(run, tmp_path / "none" / "a.png")
    assert error.value.filename == str(tmp_path / "none" / "a.png")

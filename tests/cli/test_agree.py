"""``srgan agree`` as a person runs it."""

import numpy as np
import pytest
from PIL import Image


def table(path, rows, columns="image,person,method,label"):
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


@pytest.fixture
def labels(tmp_path):
    """40 people with an image each; the model is wrong on bicubic for 12 of them, on SR for 2."""
    rows = []
    for number in range(40):
        truth = "DME" if number % 2 else "NORMAL"
        other = "NORMAL" if number % 2 else "DME"
        rows.append(f"i{number},p{number},HR,{truth}")
        rows.append(f"i{number},p{number},bicubic,{other if number < 12 else truth}")
        rows.append(f"i{number},p{number},SR,{other if number >= 38 else truth}")
    return table(tmp_path / "labels.csv", rows)


def test_labels_are_compared_with_hr(srgan, labels):
    result = srgan("agree", labels, "--against", "bicubic", "--margin", 0.05)
    assert result.exit_code == 0, result.output
    assert "reference: HR; images: 40; people: 40" in result.stdout
    assert "28 of 40" in result.stdout
    assert "38 of 40" in result.stdout
    assert "agree in the first alone 2, in the second alone 12; McNemar" in result.stdout
    assert "McNemar exact p = 0.0129" in result.stdout
    assert "SR no worse than bicubic by 0.05: shown; difference +0.250" in result.stdout


def test_any_method_can_be_the_reference(srgan, labels):
    result = srgan("agree", labels, "--reference", "SR")
    assert "reference: SR" in result.stdout
    assert "26 of 40" in result.stdout


def test_masks_are_read_beside_the_table(srgan, tmp_path):
    (tmp_path / "masks").mkdir()
    rows = []
    for number in range(3):
        for method in ("HR", "SR"):
            mask = np.zeros((8, 10), np.uint8)
            mask[2:6] = 1
            if method == "SR":
                mask[2:4] = 0
            name = f"masks/{method}-{number}.png"
            Image.fromarray(mask).save(tmp_path / name)
            rows.append(f"i{number},p{number},{method},{name}")
    path = table(tmp_path / "masks.csv", rows, "image,person,method,mask")
    result = srgan("agree", path)
    assert result.exit_code == 0, result.output
    line = result.stdout.splitlines()[-1].split()
    assert line[:6] == ["1", "SR", "3", "0", "0.6667", "0.5000"]
    assert "3 people are too few to resample (20)" in result.stdout


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ("image,person,label", ["a,p,x"], "has no column 'method'"),
        ("image,person,method", ["a,p,HR"], "needs one of the columns 'label' and 'mask'"),
        ("image,person,method,label", [], "holds no predictions"),
        ("image,person,method,label", ["a,p,HR"], "row 1 has no prediction"),
        ("image,person,method,label", ["a,p,SR,x"], "no such method"),
        ("image,person,method,mask", ["a,p,HR,no.png", "a,p,SR,no.png"], "no.png: "),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(srgan, error, tmp_path, columns, rows, words):
    result = srgan("agree", table(tmp_path / "t.csv", rows, columns))
    assert result.exit_code == 1
    assert words in error(result)


def test_what_is_no_table_is_one_line(srgan, error, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00image")
    assert "is no CSV file" in error(srgan("agree", path))
    assert "No such file" in error(srgan("agree", tmp_path / "missing.csv"))


def test_a_mask_in_colour_or_of_fractions_is_refused(srgan, error, tmp_path):
    colours = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    Image.fromarray(colours).save(tmp_path / "colour.png")
    np.save(tmp_path / "fractions.npy", np.zeros((4, 4), np.float32))
    for name in ("colour.png", "fractions.npy"):
        rows = [f"a,p,HR,{name}", f"a,p,SR,{name}"]
        path = table(tmp_path / "t.csv", rows, "image,person,method,mask")
        assert f"{name}: is no mask" in error(srgan("agree", path))


def test_masks_without_labels_are_refused(srgan, error, tmp_path):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    path = table(tmp_path / "t.csv", ["a,p,HR,a.png", "a,p,SR,a.png"], "image,person,method,mask")
    assert "no mask has a label other than 0" in error(srgan("agree", path))


def test_a_margin_needs_what_it_is_a_margin_to(srgan, labels, tmp_path):
    assert srgan("agree", labels, "--margin", 0.1).exit_code == 2
    assert srgan("agree", labels, "--against", "SR").exit_code == 2
    Image.fromarray(np.ones((4, 4), np.uint8)).save(tmp_path / "a.png")
    masks = table(tmp_path / "t.csv", ["a,p,HR,a.png", "a,p,SR,a.png"], "image,person,method,mask")
    assert srgan("agree", masks, "--against", "SR", "--margin", 0.1).exit_code == 2
    refused = srgan("agree", labels, "--against", "SR", "--margin", 2)
    assert refused.exit_code == 1

"""Pairs read from folders, manifests and HR/LR twins."""

import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.data.inventory import DataError, Entry, find_entries
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.evaluation.pairs import make_pair


def save(path, shape=(24, 32), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values


def test_a_folder_of_images_becomes_pairs_with_names_and_patients(tmp_path):
    values = save(tmp_path / "CNV-1016042-1.png")
    save(tmp_path / "sub" / "b.png", (25, 33, 3))
    first, second = read_pairs(find_entries(tmp_path), dataset="mine")
    assert (first.name, first.patient, first.dataset) == ("CNV-1016042-1.png", "1016042", "mine")
    np.testing.assert_array_equal(np.rint(first.hr * 255), values)
    np.testing.assert_array_equal(first.lr, make_pair("x", first.hr).lr)
    assert second.hr.shape == (24, 32, 3)
    assert second.patient is None


def test_ready_twins_are_used_as_they_are(tmp_path):
    save(tmp_path / "HR" / "a.png")
    low = save(tmp_path / "LR" / "a.png", (6, 8), seed=3)
    (pair,) = read_pairs(find_entries(tmp_path))
    np.testing.assert_array_equal(np.rint(pair.lr * 255), low)
    assert not pair.made_here


def test_a_volume_gives_a_pair_for_each_slice_at_its_own_depth(tmp_path):
    volume = np.random.default_rng(0).integers(0, 65536, (3, 16, 20), dtype=np.uint16)
    np.save(tmp_path / "v.npy", volume)
    pairs = list(read_pairs(find_entries(tmp_path)))
    assert [pair.name for pair in pairs] == ["v.npy[0]", "v.npy[1]", "v.npy[2]"]
    assert {pair.levels for pair in pairs} == {65535}
    np.testing.assert_array_equal(np.rint(pairs[2].hr * 65535), volume[2])


def test_an_unreadable_image_is_reported_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a png")
    save(tmp_path / "b.png")
    save(tmp_path / "c.png", (3, 3))
    said = []
    pairs = list(read_pairs(find_entries(tmp_path), on_error=said.append))
    assert [pair.name for pair in pairs] == ["b.png"]
    assert "a.png" in said[0]
    assert said[1].startswith("c.png: 3 x 3 pixels are too few")
    assert len(said) == 2


def test_without_a_listener_an_unreadable_image_is_raised(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not a png")
    with pytest.raises(ValueError, match=r"a\.png"):
        list(read_pairs(find_entries(tmp_path)))


@pytest.fixture
def entries(tmp_path):
    return [
        Entry(tmp_path / name, name, split=split, dataset=dataset, role=role)
        for name, split, dataset, role in [
            ("a", "test", "x", "clean"),
            ("b", "train", "x", "clean"),
            ("c", "test", "x", "noisy"),
            ("d", "ood", "y", "clean"),
        ]
    ]


def names(entries):
    return "".join(entry.name for entry in entries)


def test_entries_are_chosen_by_split_dataset_and_role(entries):
    assert names(select(entries)) == "abcd"
    assert names(select(entries, splits=["test", "ood"])) == "acd"
    assert names(select(entries, splits=["test"], roles=["clean"])) == "a"
    assert names(select(entries, datasets=["y"])) == "d"


def test_a_choice_that_leaves_nothing_says_what_there_is(entries):
    with pytest.raises(DataError, match="split val: no scan is of it; there is ood, test, train"):
        select(entries, splits=["val"])
    with pytest.raises(DataError, match="dataset y: no scan is of it; there is x"):
        select(entries, splits=["test"], datasets=["y"])


def test_roles_of_one_dataset_are_averaged_apart(entries):
    assert [entry.dataset for entry in apart_by_role(entries)] == [
        "x (clean)",
        "x (clean)",
        "x (noisy)",
        "y",
    ]

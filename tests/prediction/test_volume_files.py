"""Volumes through ``upscale_files``: containers, parts of scans, folders that are one scan."""

import json

import numpy as np
import pytest
import tifffile
import zarr

from super_resolution_gans.io import Selection, read_scan, write_scan
from super_resolution_gans.io.about import read_about
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.naming import fitting
from super_resolution_gans.prediction.plan import make_plan
from super_resolution_gans.prediction.provenance import sha256
from super_resolution_gans.prediction.upscale import load_upscaler
from super_resolution_gans.scan import Scan

SPACING = (0.12, 0.0039, 0.0114)
VALUES = np.random.default_rng(0).integers(0, 256, (5, 12, 20), dtype=np.uint8)
SUFFIXES = (".zarr", ".npz", ".nii", ".nii.gz", ".ome.tif", ".pngs", ".tif", ".npy")


@pytest.fixture
def nearest():
    return load_upscaler("nearest", scale=2)


def write(path, values=VALUES, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scan(Scan.from_array(values, spacing=SPACING), path, **options)
    return path


def run(sources, out, upscaler, plan_options=None, **options):
    return list(upscale_files(make_plan(sources, out, **(plan_options or {})), upscaler, **options))


def twice(values):
    return values.repeat(2, axis=1).repeat(2, axis=2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_container_goes_in_and_comes_out_as_itself(tmp_path, nearest, suffix):
    source = write(tmp_path / f"eye{suffix}")
    (outcome,) = run([source], tmp_path / "out", nearest)
    assert (outcome.status, outcome.note) == ("done", None)
    assert outcome.target == tmp_path / "out" / f"eye{suffix}"
    result = read_scan(outcome.target)
    np.testing.assert_array_equal(result.to_array(), twice(VALUES))
    if suffix != ".npy":
        assert result.spacing == pytest.approx((0.12, 0.00195, 0.0057))
    assert outcome.input_sha256 == sha256(source)
    (again,) = run([source], tmp_path / "out", nearest)
    assert again.status == "skipped"
    (replaced,) = run([source], tmp_path / "out", nearest, overwrite=True)
    assert replaced.status == "done"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        [f"eye{suffix}", "srgan-journal.jsonl"]
    )


def test_a_folder_of_volumes_to_one_format(tmp_path, nearest):
    folder = tmp_path / "in"
    write(folder / "a.zarr")
    write(folder / "deep" / "b.pngs")
    write(folder / "c.nii.gz")
    outcomes = run([folder], tmp_path / "out", nearest, {"format": "zarr"})
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    for name in ("a", "deep/b", "c"):
        group = zarr.open_group(tmp_path / "out" / f"{name}.zarr", mode="r")
        np.testing.assert_array_equal(group["0"][...], twice(VALUES))


def test_what_a_chosen_format_cannot_hold_is_a_failure_and_not_another_format(tmp_path, nearest):
    source = write(tmp_path / "eye.zarr")
    (outcome,) = run([source], tmp_path / "out", nearest, {"format": "png"})
    assert outcome.status == "failed"
    assert "PNG cannot hold 5 slices; .tif can" in outcome.reason


@pytest.mark.parametrize(
    ("chosen", "expected", "spacing"),
    [
        (Selection(slices=(3, 4)), VALUES[3:4], (0.12, 0.00195, 0.0057)),
        (Selection(slices=(1, None), rows=(2, 7), columns=(0, 9)), VALUES[1:, 2:7, :9], None),
        (Selection("enface"), VALUES.swapaxes(0, 1), (0.0039, 0.06, 0.0057)),
    ],
)
@pytest.mark.parametrize("suffix", [".zarr", ".tif"])
def test_a_part_is_upscaled_and_says_so(tmp_path, nearest, chosen, expected, spacing, suffix):
    source = write(tmp_path / f"eye{suffix}")
    (outcome,) = run([source], tmp_path / "out", nearest, selection=chosen)
    assert outcome.before == expected.shape
    result = read_scan(outcome.target)
    np.testing.assert_array_equal(result.to_array(), twice(expected))
    if spacing:
        assert result.spacing == pytest.approx(spacing)
    assert read_about(outcome.target)["selection"] == chosen.as_dict()
    (line,) = (tmp_path / "out" / "srgan-journal.jsonl").read_text().splitlines()
    assert json.loads(line)["selection"] == chosen.as_dict()


def test_the_whole_says_nothing_of_a_selection(tmp_path, nearest):
    source = write(tmp_path / "eye.tif")
    (outcome,) = run([source], tmp_path / "b.tif", nearest)
    assert "selection" not in read_about(outcome.target)


def test_a_slice_goes_into_a_picture(tmp_path, nearest):
    source = write(tmp_path / "eye.nii.gz")
    chosen = Selection(slices=(2, 3))
    (outcome,) = run([source], tmp_path / "b.png", nearest, selection=chosen)
    assert outcome.status == "done"
    np.testing.assert_array_equal(read_scan(tmp_path / "b.png").to_array(), twice(VALUES[2:3]))


def test_a_slice_that_is_not_there_is_that_file_s_failure_only(tmp_path, nearest):
    short, long = write(tmp_path / "short.tif", VALUES[:2]), write(tmp_path / "long.tif")
    chosen = Selection(slices=(4, 5))
    failed, done = run([short, long], tmp_path / "out", nearest, selection=chosen)
    assert (failed.status, done.status) == ("failed", "done")
    assert failed.reason == "has no slice 4: there are 2, numbered 0 to 1"


@pytest.mark.parametrize("suffix", [".zarr", ".pngs"])
def test_a_store_is_not_written_onto_itself(tmp_path, nearest, suffix):
    source = write(tmp_path / f"eye{suffix}")
    (outcome,) = run([source], source, nearest, overwrite=True)
    assert outcome.status == "failed"
    assert "would overwrite the input" in outcome.reason
    np.testing.assert_array_equal(read_scan(source).to_array(), VALUES)


@pytest.mark.parametrize("suffix", [".zarr", ".ome.tif", ".npz", ".nii.gz", ".pngs"])
def test_two_runs_give_the_same_bytes(tmp_path, nearest, suffix):
    source = write(tmp_path / "eye.zarr")
    for name in ("a", "b"):
        run([source], tmp_path / f"{name}{suffix}", nearest)
    assert sha256(tmp_path / f"a{suffix}") == sha256(tmp_path / f"b{suffix}")


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "expected"),
    [
        ("a.nii.gz", (5, 4, 4), "f2", "a.tif"),
        ("a.zarr.zip", (5, 4, 4), "u1", "a.zarr"),
        ("a.vol", (5, 4, 4), "f4", "a.tif"),
        ("a.vol", (1, 4, 4), "u1", "a.png"),
        ("a.fda", (5, 4, 4), "u2", "a.tif"),
        ("a.gif", (1, 4, 4), "u1", "a.png"),
        ("a.pngs", (5, 4, 4), "f4", "a.tif"),
        ("a.ome.tif", (5, 4, 4), "i8", "a.tif"),
    ],
)
def test_what_cannot_be_written_gets_the_nearest_format(tmp_path, name, shape, dtype, expected):
    scan = Scan.from_array(np.zeros((*shape, 1), dtype))
    assert fitting(tmp_path / name, scan) == tmp_path / expected


def test_the_digest_of_a_folder_is_that_of_its_list(tmp_path):
    import hashlib

    for name, content in (("b/0.0", b"x"), ("b.c", b"y"), ("a", b"")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  ./{name}\n"
        for name, content in (("a", b""), ("b.c", b"y"), ("b/0.0", b"x"))
    ]
    assert sha256(tmp_path) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_pages_of_a_lazy_volume_arrive_one_by_one(tmp_path, nearest):
    values = np.random.default_rng(1).integers(0, 256, (9, 700, 800), dtype=np.uint8)
    source = write(tmp_path / "eye.zarr", values)
    assert read_scan(source, stream_above=4 << 20).is_lazy
    (outcome,) = run([source], tmp_path / "b.ome.tif", nearest)
    assert outcome.status == "done"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.ome.tif"), twice(values))

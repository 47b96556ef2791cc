"""From inputs to outputs, before anything is computed."""

import os

import numpy as np
import pytest

from super_resolution_gans.io import write_scan
from super_resolution_gans.prediction import PredictionError
from super_resolution_gans.prediction.plan import make_plan
from super_resolution_gans.scan import Scan


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(plan, out):
    return [job.target.relative_to(out).as_posix() for job in plan.jobs if not job.problem]


def problems(plan):
    return [job.problem for job in plan.jobs if job.problem]


def test_one_file_goes_to_one_file(tmp_path):
    plan = make_plan([tmp_path / "a.png"], tmp_path / "b.tif")
    assert plan.folder is None
    assert [(job.target, job.fixed) for job in plan.jobs] == [(tmp_path / "b.tif", True)]


@pytest.mark.parametrize("out", ["there", "new/", "suffixless"])
def test_one_file_goes_into_a_folder_if_out_is_or_looks_like_one(tmp_path, out):
    (tmp_path / "there").mkdir()
    plan = make_plan([tmp_path / "a.png"], f"{tmp_path}/{out}")
    assert plan.folder == tmp_path / out
    assert names(plan, tmp_path / out) == ["a.png"]


def test_a_folder_keeps_its_tree_and_names_and_counts_what_is_no_image(tmp_path):
    scans = tmp_path / "scans"
    touch(scans / "b.PNG", scans / "a.tif", scans / "eye" / "left" / "c.jpeg")
    touch(scans / "notes.txt", scans / ".DS_Store", scans / ".hidden.png", scans / "eye" / "x.xml")
    plan = make_plan([scans], tmp_path / "out")
    assert names(plan, tmp_path / "out") == ["a.tif", "b.PNG", "eye/left/c.jpeg"]
    assert plan.ignored == 4


def test_several_folders_keep_their_own_names(tmp_path):
    touch(tmp_path / "one" / "a.png", tmp_path / "two" / "a.png", tmp_path / "b.png")
    plan = make_plan([tmp_path / "one", tmp_path / "two", tmp_path / "b.png"], tmp_path / "out")
    assert names(plan, tmp_path / "out") == ["one/a.png", "two/a.png", "b.png"]


def test_an_output_folder_inside_the_input_folder_is_not_read_again(tmp_path):
    touch(tmp_path / "a.png", tmp_path / "out" / "a.png", tmp_path / "out" / "deep" / "b.png")
    assert names(make_plan([tmp_path], tmp_path / "out"), tmp_path / "out") == ["a.png"]


def test_the_input_folder_cannot_be_the_output_folder(tmp_path):
    touch(tmp_path / "a.png")
    with pytest.raises(PredictionError, match="is the input folder"):
        make_plan([tmp_path], f"{tmp_path}/.")


def test_a_file_cannot_be_the_output_folder(tmp_path):
    touch(tmp_path / "a.png", tmp_path / "b.png", tmp_path / "out.png")
    with pytest.raises(PredictionError, match="need a folder"):
        make_plan([tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "out.png")


def test_the_second_of_two_inputs_with_one_output_has_a_problem(tmp_path):
    touch(tmp_path / "1" / "a.png", tmp_path / "2" / "a.png")
    first = str(tmp_path / "1" / "a.png")
    plan = make_plan([first, tmp_path / "2" / "a.png"], tmp_path / "out")
    assert names(plan, tmp_path / "out") == ["a.png"]
    (problem,) = problems(plan)
    assert f"already that of {first}" in problem


def test_an_input_that_is_named_twice_is_done_once(tmp_path):
    touch(tmp_path / "a.png", tmp_path / "b.png")
    plan = make_plan([tmp_path / "a.png", tmp_path / "b.png", tmp_path / "a.png"], tmp_path / "out")
    assert names(plan, tmp_path / "out") == ["a.png", "b.png"]
    assert problems(plan) == []


def test_a_folder_without_images_is_a_problem(tmp_path):
    touch(tmp_path / "in" / "notes.txt")
    plan = make_plan([tmp_path / "in"], tmp_path / "out")
    assert problems(plan) == ["there are no images in this folder"]
    assert plan.ignored == 1


def test_no_inputs_are_refused(tmp_path):
    with pytest.raises(PredictionError, match="no inputs"):
        make_plan([], tmp_path)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://host/a/scan.png?key=1#x", "scan.png"),
        ("http://host/a%20b%2F..%2Fc.tif", "a b_.._c.tif"),
        ("HTTPS://host/", "host"),
        ("https://www.host.org/", "www_host_org"),
        ("http://127.0.0.1:8000/", "127_0_0_1_8000"),
        ("http://[::1/a.png", "a.png"),
        ("https://user:secret@host", "host"),
        ("https://host/..", "host"),
    ],
)
def test_an_address_gives_a_harmless_name(tmp_path, address, name):
    assert names(make_plan([address], f"{tmp_path}/"), tmp_path) == [name]


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "y/" * 2200 + "a.png", "a\0b.png"])
def test_names_that_no_file_can_have_are_left_to_reading_and_writing(tmp_path, name):
    (job,) = make_plan([name], tmp_path / "b.png").jobs
    assert job.source == name
    (job,) = make_plan([tmp_path / "a.png"], f"{tmp_path}/{name}").jobs
    assert job.target == tmp_path / name


@pytest.mark.parametrize(("source", "out"), [("", "b.png"), ("a.png", "")])
def test_an_empty_name_is_refused_and_not_taken_for_the_working_folder(source, out):
    with pytest.raises(PredictionError, match="empty name"):
        make_plan([source], out)


def test_a_folder_that_is_named_like_an_image_must_be_meant(tmp_path):
    touch(tmp_path / "in" / "a.png", tmp_path / "b.png")
    several = [tmp_path / "in", tmp_path / "b.png"]
    for sources in (several, several[:1]):
        with pytest.raises(PredictionError, match="named like a file"):
            make_plan(sources, tmp_path / "out.png")
    assert make_plan(several, f"{tmp_path}/out.png/").folder == tmp_path / "out.png"
    assert make_plan(several, tmp_path / "results.2024").folder == tmp_path / "results.2024"


def test_a_folder_that_cannot_be_listed_is_a_problem_not_a_silence(tmp_path, monkeypatch):
    touch(tmp_path / "in" / "a.png", tmp_path / "in" / "closed" / "b.png")
    scandir = os.scandir

    def refusing(path):  # chmod means nothing to root
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    plan = make_plan([tmp_path / "in"], tmp_path / "out")
    assert names(plan, tmp_path / "out") == ["a.png"]
    (job,) = (job for job in plan.jobs if job.problem)
    assert job.source == str(tmp_path / "in" / "closed")
    assert job.problem == "cannot be listed: Permission denied"


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_links_in_a_circle_end(tmp_path):
    touch(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    out = tmp_path / "out"
    plan = make_plan([tmp_path / "in", tmp_path / "one"], out)
    assert names(plan, out) == ["in/a.png", "one"]


def test_the_name_of_a_job_keeps_secrets(tmp_path):
    (job,) = make_plan(["https://me:pass@host/a.png?token=1"], tmp_path / "a.png").jobs
    assert job.name == "https://host/a.png"


def a_series(folder):
    write_scan(Scan.from_array(np.zeros((3, 4, 5), np.uint8)), folder)
    return folder


def a_store(folder, name=".zarray"):
    touch(folder / name, folder / "0.0.0")
    return folder


@pytest.mark.parametrize("name", [".zarray", ".zgroup", "zarr.json"])
def test_a_zarr_store_is_one_input_and_keeps_its_name(tmp_path, name):
    store = a_store(tmp_path / "eye.zarr", name)
    (job,) = make_plan([f"{store}/"], tmp_path / "b.tif").jobs
    assert (job.target, job.fixed) == (tmp_path / "b.tif", True)
    assert names(make_plan([store], tmp_path / "out"), tmp_path / "out") == ["eye.zarr"]


def test_stores_and_series_in_a_folder_are_scans_and_not_folders(tmp_path):
    folder = tmp_path / "in"
    touch(folder / "a.png", folder / "z.nii.gz", folder / "x.npz", folder / "y.tar.gz")
    a_store(folder / "deep" / "eye.zarr")
    a_store(folder / "m.zarr" / "0")
    touch(folder / "m.zarr" / ".zgroup")
    a_series(folder / "s.pngs")
    plan = make_plan([folder], tmp_path / "out")
    assert names(plan, tmp_path / "out") == [
        "a.png",
        "m.zarr",
        "s.pngs",
        "x.npz",
        "z.nii.gz",
        "deep/eye.zarr",
    ]
    assert plan.ignored == 1


@pytest.mark.parametrize("out", ["result.zarr", "result.zarr/"])
def test_a_store_that_is_there_is_a_result_not_a_folder_for_results(tmp_path, out):
    touch(tmp_path / "a.tif")
    a_store(tmp_path / "result.zarr")
    (job,) = make_plan([tmp_path / "a.tif"], f"{tmp_path}/{out}").jobs
    assert job.target == tmp_path / "result.zarr"
    with pytest.raises(PredictionError, match="is one scan; several inputs"):
        make_plan([tmp_path], f"{tmp_path}/{out}")


@pytest.mark.parametrize("out", ["new.zarr", "new.pngs", "new.nii.gz", "new.ome.tif"])
def test_several_inputs_need_a_folder_and_not_one_named_like_a_scan(tmp_path, out):
    touch(tmp_path / "a.tif", tmp_path / "b.tif")
    with pytest.raises(PredictionError, match="named like a file"):
        make_plan([tmp_path / "a.tif", tmp_path / "b.tif"], tmp_path / out)


def test_a_format_gives_every_result_its_suffix(tmp_path):
    touch(tmp_path / "in" / "a.nii.gz", tmp_path / "in" / "b.v2.tif", tmp_path / "in" / "c.PNG")
    plan = make_plan([tmp_path / "in"], tmp_path / "out", format="OME.tif")
    assert names(plan, tmp_path / "out") == ["a.ome.tif", "b.v2.ome.tif", "c.ome.tif"]
    assert all(job.fixed for job in plan.jobs)
    (job,) = make_plan([tmp_path / "a.tif"], tmp_path / "out", format=".zarr").jobs
    assert job.target == tmp_path / "out" / "a.zarr"


def test_two_inputs_that_a_format_gives_one_name_clash(tmp_path):
    touch(tmp_path / "in" / "a.tif", tmp_path / "in" / "a.png")
    (problem,) = problems(make_plan([tmp_path / "in"], tmp_path / "out", format="zarr"))
    assert "which is already that of" in problem


def test_formats_that_are_none_or_contradict_the_name_are_refused(tmp_path):
    with pytest.raises(PredictionError, match="format: xyz cannot be written; known are png, tif"):
        make_plan([tmp_path / "a.tif"], tmp_path / "out", format="xyz")
    with pytest.raises(PredictionError, match="is not named like the format zarr"):
        make_plan([tmp_path / "a.tif"], tmp_path / "b.tif", format="zarr")
    assert make_plan([tmp_path / "a.tif"], tmp_path / "b.zarr", format="zarr").folder is None

"""HDF5 files of strangers: what is plain is read, all else is refused in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from super_resolution_gans.models import hdf5, hdf5_child
from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.hdf5 import read_hdf5

SECRET = 1234.5


def refusal(path: str | os.PathLike[str]) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_hdf5(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path).encode("unicode_escape").decode()[:100])
    assert len(message) < 800
    return message


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Callable[[h5py.File], Any]], Path]:
    def write(fill: Callable[[h5py.File], Any]) -> Path:
        path = tmp_path / "model.h5"
        with h5py.File(path, "w") as opened:
            fill(opened)
        return path

    return write


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as opened:
        opened["kernel"] = np.full((3, 3), SECRET, "f4")
    return path


Write = Callable[[Callable[[h5py.File], Any]], Path]


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True}]
)
def test_tensors_of_all_float_types_and_packings_come_back(
    file: Write, dtype: str, options: dict[str, Any]
) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype) / 8
    path = file(lambda f: f.create_dataset("a/b", data=values, **options))
    stored = read_hdf5(path)
    assert list(stored.tensors) == ["a/b"]
    assert list(stored.groups) == ["a"]
    assert stored.tensors["a/b"].dtype == torch.float32
    np.testing.assert_array_equal(stored.tensors["a/b"].numpy(), values.astype("f4"))


def test_scalars_and_empty_tensors_have_their_shapes(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        f["scalar"] = np.float32(2.5)
        f["empty"] = np.empty((0, 3), "f4")

    tensors = read_hdf5(file(fill)).tensors
    assert tensors["scalar"].shape == ()
    assert tensors["scalar"].item() == 2.5
    assert tensors["empty"].shape == (0, 3)


def test_what_training_left_behind_is_not_looked_at(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        f["model_weights/kernel"] = np.ones(2, "f4")
        f["optimizer_weights/iterations"] = np.int64(7)

    assert list(read_hdf5(file(fill)).tensors) == ["model_weights/kernel"]


@pytest.mark.parametrize("text", ["text", b"text", np.bytes_(b"text")])
def test_texts_are_read_however_they_are_stored(file: Write, text: Any) -> None:
    path = file(lambda f: f.attrs.__setitem__("keras_version", text))
    assert read_hdf5(path).attributes == {"": {"keras_version": "text"}}


@pytest.mark.parametrize("names", [["a", "é"], np.array([b"a", "é".encode()]), []])
def test_lists_of_names_are_read_however_they_are_stored(file: Write, names: Any) -> None:
    path = file(lambda f: f.attrs.__setitem__("layer_names", names))
    assert read_hdf5(path).attributes[""]["layer_names"] == list([] if not len(names) else "aé")


def test_lists_that_keras_has_split_are_joined(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        f.attrs["layer_names0"], f.attrs["layer_names1"] = ["a", "b"], ["c"]

    assert read_hdf5(file(fill)).attributes[""]["layer_names"] == ["a", "b", "c"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.h5")
    assert "not a file" in refusal(tmp_path)
    (tmp_path / "empty.h5").touch()
    assert "not an HDF5 file" in refusal(tmp_path / "empty.h5")
    assert "cannot be read" in refusal(tmp_path / ("n" * 300))


def test_a_web_page_in_place_of_a_download_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_text("\n<!DOCTYPE html><html>Quota exceeded</html>")
    assert "a web page, not a model" in refusal(tmp_path / "model.h5")


def test_a_file_whose_name_is_odd_is_read(tmp_path: Path) -> None:
    path = tmp_path / "-I é\nx.h5"
    with h5py.File(path, "w") as opened:
        opened["a"] = np.ones(1, "f4")
    assert list(read_hdf5(path).tensors) == ["a"]


def test_links_out_of_the_file_are_refused_unopened(file: Write, secret: Path) -> None:
    path = file(lambda f: f.__setitem__("kernel", h5py.ExternalLink(str(secret), "/kernel")))
    assert "kernel is a link to another file" in refusal(path)
    path = file(lambda f: f.__setitem__("model_weights", h5py.ExternalLink(str(secret), "/")))
    assert "model_weights is a link to another file" in refusal(path)


def test_soft_links_are_refused(file: Write) -> None:
    assert "a is a soft link" in refusal(file(lambda f: f.__setitem__("a", h5py.SoftLink("/b"))))


def test_data_outside_the_file_is_refused(file: Write, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(np.full(4, SECRET, "f4").tobytes())
    places = [(str(tmp_path / "raw"), 0, 16)]
    path = file(lambda f: f.create_dataset("a", (4,), "f4", external=places))
    assert "a lies in another file" in refusal(path)


def test_virtual_datasets_are_refused(file: Write, secret: Path) -> None:
    layout = h5py.VirtualLayout((3, 3), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "kernel", (3, 3))
    path = file(lambda f: f.create_virtual_dataset("a", layout))
    assert "a is a virtual dataset" in refusal(path)


def test_nothing_but_the_model_can_be_opened_even_past_the_rules(secret: Path) -> None:
    """The right to open files is given up, so that a rule with a hole in it leaks nothing."""
    program = (
        "import sys, hdf5_child\n"
        "reader = hdf5_child._Reader(sys.argv[1])\n"
        "try:\n    print(open(sys.argv[1]).read(1))\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(hdf5_child.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", program, secret], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "24", done.stderr  # too many open files


def test_filters_that_need_plugins_are_refused(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4,))
        plan.set_filter(32099, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((4,))
        data = h5py.h5d.create(f.id, b"a", h5py.h5t.IEEE_F32LE, space, dcpl=plan)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones(4, "f4"))

    assert "a is packed by HDF5 filter 32099; gzip" in refusal(file(fill))


def test_plugins_are_not_searched_for(
    file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: dict[str, Any] = {}
    real = subprocess.run

    def run(*args: Any, **options: Any) -> Any:
        ran.update(options["env"])
        return real(*args, **options)

    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", run)
    read_hdf5(file(lambda f: f.create_dataset("a", data=np.ones(2, "f4"))))
    assert ran["HDF5_PLUGIN_PRELOAD"] == "::"
    assert "HDF5_PLUGIN_PATH" not in ran


@pytest.mark.parametrize(
    "values",
    [
        np.ones(3, "i4"),
        np.array([b"text"]),
        np.ones(3, np.dtype([("x", "f4")])),
        np.ones(3, "c8"),
        np.ones(3, bool),
    ],
)
def test_what_is_no_floating_point_is_refused(file: Write, values: Any) -> None:
    assert "a does not hold floating-point" in refusal(file(lambda f: f.__setitem__("a", values)))


def test_numbers_of_any_length_and_references_are_refused(file: Write) -> None:
    path = file(lambda f: f.create_dataset("a", (2,), h5py.vlen_dtype("f4")))
    assert "a does not hold floating-point" in refusal(path)
    path = file(lambda f: f.create_dataset("a", (2,), h5py.ref_dtype))
    assert "a does not hold floating-point" in refusal(path)
    path = file(lambda f: f.__setitem__("a", np.dtype("f4")))
    assert "a is neither a group nor a dataset" in refusal(path)


def test_five_dimensions_are_refused(file: Write) -> None:
    assert "a has 5 dimensions" in refusal(
        file(lambda f: f.create_dataset("a", data=np.ones((1,) * 5, "f4")))
    )


def test_sizes_that_the_file_has_no_bytes_for_are_refused(file: Write) -> None:
    path = file(lambda f: f.create_dataset("a", (1 << 20, 1 << 20), "f4", chunks=(1, 1 << 10)))
    assert "more than 256 MiB" in refusal(path)
    path = file(lambda f: f.create_dataset("a", (1 << 10, 1 << 10), "f4"))
    assert "stores nothing" in refusal(path)
    zeros = np.zeros((2048, 2048), "f4")
    path = file(lambda f: f.create_dataset("a", data=zeros, compression="gzip"))
    assert "a has shape [2048, 2048] and stores" in refusal(path)


def test_many_tensors_count_together(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        # One dataset under many names: small on disk.
        f["a0"] = np.ones((1 << 10, 1 << 10), "f4")
        for place in range(1, 80):
            f[f"a{place}"] = f["a0"]

    assert "more than 256 MiB of weights" in refusal(file(fill))


def test_groups_in_groups_without_end_are_refused(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        f["a/x"] = np.ones(1, "f4")
        f["a/again"] = f["a"]

    assert "nested more than 24 deep" in refusal(file(fill))


def test_more_objects_than_any_model_has_are_refused(file: Write) -> None:
    def fill(f: h5py.File) -> None:
        f["a"] = np.ones(1, "f4")
        group = f.create_group("many")
        for place in range(9_000):
            group[str(place)] = f["a"]

    assert "more than 8,192 objects" in refusal(file(fill))


def test_attributes_are_of_sane_types_and_sizes(file: Write) -> None:
    path = file(lambda f: f.attrs.__setitem__("model_config", 7))
    assert "attribute model_config of / is no text" in refusal(path)
    path = file(lambda f: f.attrs.__setitem__("layer_names", "text"))
    assert "attribute layer_names of / has shape []" in refusal(path)
    path = file(lambda f: f.attrs.__setitem__("model_config", "x" * (9 << 20)))
    assert "longer than 8 MiB" in refusal(path)


def test_damage_at_any_place_is_survived(file: Write, tmp_path: Path) -> None:
    def fill(f: h5py.File) -> None:
        f.attrs["layer_names"] = ["a"]
        f["a/kernel"] = np.ones((3, 3, 4, 4), "f4")

    whole = file(fill).read_bytes()
    paths = []
    for place in range(8, len(whole) // 2, len(whole) // 40):
        path = tmp_path / f"{place}.h5"
        path.write_bytes(
            whole[:place] + bytes(x ^ 0xA5 for x in whole[place : place + 8]) + whole[place + 8 :]
        )
        paths.append(path)
    assert outcomes(paths)


def outcomes(paths: list[Path]) -> dict[str, str]:
    """ "read", or why not."""

    def outcome(path: Path) -> str:
        try:
            read_hdf5(path)
        except ModelFileError as error:
            return str(error)
        return "read"

    with ThreadPoolExecutor(2) as pool:
        return dict(zip((path.name for path in paths), pool.map(outcome, paths), strict=True))


def test_files_that_broke_hdf5_before_break_nothing_here(shared: Path) -> None:
    paths = sorted((shared / "corpus" / "hdf5_cve").glob("*.h5"))
    assert len(paths) > 60
    results = outcomes(paths)
    assert all(outcome.isprintable() for outcome in results.values())
    assert sum(outcome != "read" for outcome in results.values()) > 50


@pytest.fixture
def child_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts another program in the child's place."""

    def put(code: str) -> None:
        (tmp_path / "child.py").write_text(code)
        monkeypatch.setattr(hdf5_child, "__file__", str(tmp_path / "child.py"))

    return put


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "the HDF5 library fails on it (SIGSEGV)"),
        ("import os; os.kill(os.getpid(), 9)", "ended by the system"),
        ("import os; os.abort()", "(SIGABRT)"),
        ("import signal; signal.setitimer(signal.ITIMER_PROF, .01)\nwhile 1: pass", "too long"),
        ("import sys; sys.exit(3)", "(status 3)"),
        ("", "(status 0)"),
        ("print('no json')", "could not be read"),
        ("print('[]')", "could not be read"),
        ("print('{}')", "could not be read"),
        ("print('[' * 100000)", "could not be read"),
        ("""print('{"attributes": {}, "groups": [], "tensors": [["a", [2]]]}')""", "too short"),
        ("""print('{"attributes": {}, "groups": [], "tensors": [["a", [-2]]]}')""", "could not"),
        ("""print('{"attributes": {}, "groups": [], "tensors": [["a", [%d]]]}' % 10**12)""", ""),
        ("""print('{"attributes": {"": {"x": 1}}, "groups": [], "tensors": []}')""", "attribute x"),
    ],
)
def test_whatever_the_child_does_is_one_line(
    file: Write, child_that: Callable[[str], None], code: str, reason: str
) -> None:
    path = file(lambda f: f.create_dataset("a", data=np.ones(2, "f4")))
    child_that(code)
    assert reason in refusal(path)


def test_a_child_that_hangs_is_ended(
    file: Write, child_that: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(lambda f: f.create_dataset("a", data=np.ones(2, "f4")))
    child_that("import time; time.sleep(100)")
    monkeypatch.setattr(hdf5, "_SECONDS", 0.2)
    assert "takes too long" in refusal(path)


def test_a_missing_h5py_is_told_with_its_cure(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(lambda f: f.create_dataset("a", data=np.ones(2, "f4")))
    monkeypatch.setattr(sys, "path", ["relative"])
    assert "pip install h5py" in refusal(path)


def test_the_child_has_limits_of_memory_time_and_files() -> None:
    program = (
        "import json, resource, hdf5_child as c\n"
        "c._limit('RLIMIT_AS', c._MEMORY); c._allow(0.05)\n"
        "try:\n    bytearray(2 << 30); print('memory')\n"
        "except MemoryError:\n    print('limited', flush=True)\n"
        "while True: pass\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(hdf5_child.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "limited\n"
    assert done.returncode < 0


def test_the_child_imports_nothing_of_ours() -> None:
    program = "import json, sys, hdf5_child, h5py; print(json.dumps(sorted(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(Path(hdf5_child.__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stdout)
    assert not {"torch", "super_resolution_gans", "keras", "tensorflow"} & set(loaded)

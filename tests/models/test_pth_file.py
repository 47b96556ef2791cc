"""Files of strangers: whatever is in them, one line, at once, and nothing of it runs."""

import builtins
import importlib
import io
import json
import os
import pickle
import random
import runpy
import struct
import subprocess
import sys
import tarfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.pth_file import read_state_dict
from super_resolution_gans.models.pth_scan import ScanError, scan_bytes

CANARY = "SRGAN_CANARY_EXECUTED"
CHILD = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from super_resolution_gans.models.checkpoint import ModelFileError, load_generator
from super_resolution_gans.models.pth_model import load_pth
from super_resolution_gans.models.pth_file import read_state_dict
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
for path in sys.stdin.read().splitlines():
    load = load_generator if path.endswith(".safetensors") else load_pth
    start, memory = time.process_time(), used()
    try:
        load(path)
        outcome = "loaded"
    except ModelFileError as error:
        outcome = str(error)
    print(json.dumps([path, outcome, time.process_time() - start, used() - memory]), flush=True)
"""


def outcomes(paths: list[Path], folder: Path) -> dict[Path, str]:
    """What comes of each file in a child of little memory; time, memory and canary are checked."""
    work = folder / "cwd"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input="\n".join(map(str, paths)),
        cwd=work, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == list(map(str, paths))
    for path, outcome, seconds, grown in rows:
        assert outcome == "loaded" or outcome.startswith(f"{path}: "), path
        assert outcome.isprintable(), path
        assert len(outcome) < 1500, path
        assert seconds < 2, path  # of this process, whatever else the machine does
        assert grown < 2048, path
    assert not list(work.iterdir())
    return {Path(row[0]): row[1] for row in rows}


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_state_dict(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


@pytest.mark.usefixtures("unmeasured")
def test_the_corpus_is_refused_as_its_manifest_says(shared: Path, tmp_path: Path) -> None:
    expected = {}
    for line in (shared / "corpus" / "manifest.tsv").read_text().splitlines()[1:]:
        path, _, _, outcome, *_ = line.split("\t")
        if path.startswith(("made/pth/", "made/safetensors/")):
            expected[shared / "corpus" / path] = outcome
    assert len(expected) == 25
    found = outcomes(list(expected), tmp_path)
    assert [p.name for p, o in expected.items() if o == "error" and found[p] == "loaded"] == []


class Call:
    """Pickles to a call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function, self.arguments


TOUCH = f"open({CANARY!r}, 'w').close()"
SHELL = f"touch {CANARY}"


def canaries(folder: Path) -> dict[str, Any]:
    """Objects that do something when they are unpickled by a loader that lets them."""
    inner = folder / "inner.bin"
    inner.write_bytes(pickle.dumps(Call(builtins.exec, TOUCH), protocol=2))
    return {
        "os_system": Call(os.system, SHELL),
        "os_open": Call(os.open, CANARY, os.O_CREAT | os.O_WRONLY),
        "eval": Call(builtins.eval, f"__import__('os').system({SHELL!r})"),
        "exec": Call(builtins.exec, TOUCH),
        "open": Call(io.open, CANARY, "w"),
        "popen": Call(os.popen, SHELL),
        "run": Call(subprocess.check_call, ["touch", CANARY]),
        "import": Call(importlib.import_module, "antigravity_of_nobody"),
        "runpy": Call(runpy.run_path, str(inner)),
        "getattr": Call(builtins.getattr, 1, "real"),
        "torch_load": Call(torch.load, str(inner), "cpu"),
        "pickle_loads": Call(pickle.loads, inner.read_bytes()),
        "torch_save": Call(torch.save, {}, CANARY),
        "tensor": Call(torch.Tensor, 1 << 40),
        "bytearray": Call(bytearray, 1 << 40),
    }


def legacy(value: Any, storages: Any = ()) -> bytes:
    """The older container around a value."""
    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, value, list(storages))
    return b"".join(pickle.dumps(part, protocol=2) for part in parts)


def archive(path: Path, pickled: bytes, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (("archive/data.pkl", pickled), ("archive/version", b"3\n"), *members):
            file.writestr(name, data)
    return path


def test_canaries_sing_where_they_are_let(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("os_system", "exec", "torch_save", "pickle_loads"):
        torch.save({"w": canaries(tmp_path)[name]}, tmp_path / "bad.pth")
        torch.load(tmp_path / "bad.pth", weights_only=False)
        assert (tmp_path / CANARY).exists(), name
        (tmp_path / CANARY).unlink()


@pytest.mark.usefixtures("unmeasured")
def test_no_canary_sings_in_any_container(tmp_path: Path) -> None:
    paths = []
    for name, canary in canaries(tmp_path).items():
        for protocol in (0, 2, 4):
            stored = {"state_dict": {"w": torch.ones(2), "x": canary}, "epoch": canary}
            paths.append(tmp_path / f"{name}_{protocol}.pth")
            torch.save(stored, paths[-1], pickle_protocol=max(2, protocol))
            paths.append(tmp_path / f"{name}_{protocol}.bare.pth")
            paths[-1].write_bytes(pickle.dumps(canary, protocol=protocol))
            paths.append(tmp_path / f"{name}_{protocol}.hand.pth")
            archive(paths[-1], pickle.dumps({"w": canary}, protocol=protocol))
        paths.append(tmp_path / f"{name}_legacy.pth")
        paths[-1].write_bytes(legacy({"w": canary}))
        paths.append(tmp_path / f"{name}_keys.pth")  # where the order of storages stands
        paths[-1].write_bytes(legacy({}, [canary]))
    found = outcomes(paths, tmp_path)
    assert "loaded" not in found.values()
    assert "asks for posix.system, which is no part" in found[tmp_path / "os_system_2.pth"]
    assert "asks for torch.serialization.load" in found[tmp_path / "torch_load_2.pth"]
    assert "written in pickle protocol 4" in found[tmp_path / "exec_4.hand.pth"]


def good() -> dict[str, torch.Tensor]:
    return {"conv.weight": torch.rand(4, 3, 3, 3), "conv.bias": torch.rand(4)}


def text(words: str) -> bytes:
    return b"X" + struct.pack("<I", len(words.encode())) + words.encode()


def nested_keys(depth: int) -> bytes:
    """A key of tuples within tuples, each twice the one before: its hash takes 2**depth steps."""
    body = b"\x80\x02)q\x00"
    for level in range(depth):
        body += bytes([ord("h"), level, ord("h"), level, 0x86, ord("q"), level + 1])
    return body + bytes([ord("}"), ord("h"), depth]) + b"Ns."


def storage(kind: str, key: str, count: int) -> bytes:
    number = b"\x8a\x09" + count.to_bytes(9, "little", signed=True)
    return (
        b"(" + text("storage") + f"ctorch\n{kind}Storage\n".encode() + text(key) + text("cpu")
        + number + b"tQ"
    )  # fmt: skip


def tensor(stored: bytes, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    numbers = [b"(" + b"".join(b"J" + struct.pack("<i", n) for n in each) + b"t"
               for each in (shape, stride)]  # fmt: skip
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + stored + b"K\x00" + b"".join(numbers)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def state(*entries: tuple[str, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in entries) + b"u."


def hostile(folder: Path) -> list[Path]:
    """One file of each kind, none of which may load."""
    made: list[Path] = []

    def zipped(name: str, pickled: bytes, *members: tuple[str, bytes]) -> None:
        made.append(archive(folder / name, pickled, *members))

    def plain(name: str, data: bytes) -> Path:
        made.append(folder / name)
        made[-1].write_bytes(data)
        return made[-1]

    four = b"\0" * 16
    zipped("hash.pth", nested_keys(60))
    plain("long_legacy.pth", legacy(0)[:-18] + (b"\x80\x02" + b"N" * 290_000 + b".") * 5)
    plain("hash_legacy.pth", legacy(0)[:-100] + nested_keys(60))
    zipped("endless.pth", b"\x80\x02" + b"N" * ((2 << 20) - 9))
    zipped("endless_marks.pth", b"\x80\x02" + b"(" * 290_000 + b".")
    zipped(
        "endless_puts.pth",
        b"\x80\x02N" + b"".join(b"r" + struct.pack("<I", n) for n in range(290_000)),
    )
    zipped("endless_tuples.pth", b"\x80\x02N" + b"\x85" * 290_000 + b".")
    zipped("endless_lists.pth", b"\x80\x02" + b"]" * 140_000 + b"a" * 140_000)
    zipped("long_structure.pth", b"\x80\x02" + text("x" * (3 << 20)) + b".")
    zipped("lying_text.pth", b"\x80\x02X\xff\xff\xff\x7fabc.")
    zipped("empty_stack.pth", b"\x80\x02.")
    zipped("no_end.pth", b"\x80\x02N")
    zipped("no_memo.pth", b"\x80\x02h\x07.")
    zipped("no_mark.pth", b"\x80\x02t.")
    zipped("nothing.pth", b"")
    zipped("strange.pth", b"\x80\x02}i__main__\nx\n.")
    zipped("inst.pth", f"(S'{SHELL}'\nios\nsystem\n.".encode())
    zipped("state.pth", b"\x80\x02}" + text("x") + b"b.")
    zipped("call_text.pth", b"\x80\x02" + text("os.system") + b")R.")
    zipped(
        "call_tensor.pth",
        b"\x80\x02" + tensor(storage("Float", "0", 4), (4,), (1,)) + b")R.",
        ("archive/data/0", four),
    )
    zipped("pairs.pth", b"\x80\x02ccollections\nOrderedDict\n]\x85R.")
    # tensors
    zipped(
        "declared_2_40.pth",
        state(("w", tensor(storage("Float", "0", 1 << 40), (4,), (1,)))),
        ("archive/data/0", four),
    )
    zipped(
        "declared_negative.pth",
        state(("w", tensor(storage("Float", "0", -1), (4,), (1,)))),
        ("archive/data/0", four),
    )
    zipped(
        "declared_twice.pth",
        state(
            ("v", tensor(storage("Float", "0", 4), (4,), (1,))),
            ("w", tensor(storage("Double", "0", 4), (4,), (1,))),
        ),
        ("archive/data/0", four),
    )
    zipped("no_storage.pth", state(("w", tensor(storage("Float", "../../etc", 4), (4,), (1,)))))
    zipped(
        "no_kind.pth",
        state(("w", tensor(storage("Complex", "0", 4), (4,), (1,)))),
        ("archive/data/0", four),
    )
    zipped(
        "beyond.pth",
        state(("w", tensor(storage("Float", "0", 4), (1000, 1000), (1000, 1)))),
        ("archive/data/0", four),
    )
    zipped(
        "negative.pth",
        state(("w", tensor(storage("Float", "0", 4), (-4,), (1,)))),
        ("archive/data/0", four),
    )
    zipped(
        "expanded.pth",
        state(("w", tensor(storage("Float", "0", 4), (2**30, 2**30), (0, 0)))),
        ("archive/data/0", four),
    )
    many = [(f"w{n}", tensor(storage("Float", "0", 1 << 20), (1 << 20,), (1,))) for n in range(300)]
    zipped("shared.pth", state(*many), ("archive/data/0", b"\0" * (4 << 20)))
    shadowed = b"}(" + text("items") + b"K\x01" + text("get") + b"K\x01ub"  # its own attributes
    entry = text("w") + tensor(storage("Float", "0", 4), (4,), (1,))
    zipped(
        "shadow.pth",
        b"\x80\x02ccollections\nOrderedDict\n)R(" + entry + b"u" + shadowed + b".",
        ("archive/data/0", four),
    )
    # containers
    directory = folder / "directory.pth"
    with zipfile.ZipFile(directory, "w") as file:
        file.writestr("archive/data.pkl", state())
        for number in range(60_000):
            file.writestr(f"archive/data/{number}", b"")
    made.append(directory)
    for name, members in {
        "twice.pth": ["archive/data.pkl", "archive/data.pkl"],
        "roots.pth": ["archive/data.pkl", "other/data.pkl"],
        "up.pth": ["archive/data.pkl", "archive/../../x"],
        "absolute.pth": ["/etc/data.pkl"],
        "backslash.pth": ["archive/data.pkl", "archive/..\\x"],
        "bell.pth": ["archive/data.pkl", "archive/\x07"],
        "script.pth": ["archive/data.pkl", "archive/constants.pkl"],
        "code.pth": ["archive/data.pkl", "archive/code/__torch__.py"],
        "no_pickle.pth": ["archive/other"],
    }.items():
        with warnings.catch_warnings(), zipfile.ZipFile(folder / name, "w") as file:
            warnings.simplefilter("ignore")
            for member in members:
                file.writestr(member, b"x")
        made.append(folder / name)
    with zipfile.ZipFile(folder / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", state())
        file.writestr("archive/data/0", b"\0" * (64 << 20))
    made.append(folder / "deflated.pth")
    plain("no_directory.pth", b"PK\x03\x04" + b"\0" * 5000)
    plain("empty.pth", b"")
    plain("text.pth", b"<html>Quota exceeded</html>")
    plain("zeros.pth", b"\0" * 100_000)
    plain("magic_only.pth", legacy(0)[:16])
    plain(
        "older_declared.pth",
        legacy(0).replace(
            b"K\x00.",
            state(("w", tensor(storage("Float", "0", 1 << 38)[:-2] + b"NtQ", (4,), (1,)))),
            1,
        ),
    )
    with (folder / "large.pth").open("wb") as file:  # sparse: takes no room
        file.write(b"PK\x03\x04")
        file.truncate((1 << 30) + 1)
    made.append(folder / "large.pth")
    with tarfile.open(folder / "old.pth", "w") as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(Call(os.system, SHELL), protocol=2)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    made.append(folder / "old.pth")
    # both a tar file and the older container, whose pickles hide the rest of the header
    head = legacy(0)[:27] + b"\x80\x02" + b"X" + struct.pack("<I", 470)
    with tarfile.open(folder / "both.pth", "w", format=tarfile.USTAR_FORMAT) as file:
        member = tarfile.TarInfo("x" * 90)
        member.size = 0
        file.addfile(member)
    raw = bytearray((folder / "both.pth").read_bytes())
    raw[: len(head)] = head
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw[:512]):06o}\0 ".encode()
    (folder / "both.pth").write_bytes(raw)
    made.append(folder / "both.pth")
    # things that torch itself writes, and that are no state dicts
    for name, value in {
        "list.pth": [torch.ones(2)], "tensor.pth": torch.ones(2), "number.pth": 7,
        "empty_dict.pth": {}, "numbers.pth": {"epoch": 3}, "nan_key.pth": {1: torch.ones(2)},
        "sparse.pth": {"w": torch.eye(3).to_sparse()}, "whole_module.pth": nn.Conv2d(1, 1, 1),
        "integers.pth": {"w": torch.ones(2, dtype=torch.int64)},
        "complex.pth": {"w": torch.ones(2, dtype=torch.complex64)},
        "nests.pth": {"model": {"model": {"model": {"model": {"model": good()}}}}},
    }.items():  # fmt: skip
        torch.save(value, folder / name)
        made.append(folder / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Conv2d(1, 1, 1)), folder / "jit.pth")
    made.append(folder / "jit.pth")
    return made


@pytest.mark.usefixtures("unmeasured")
def test_files_made_to_hurt_are_refused_at_once(tmp_path: Path) -> None:
    made = hostile(tmp_path)
    found = outcomes(made, tmp_path)
    assert [path.name for path, outcome in found.items() if outcome == "loaded"] == []
    said = {path.name: outcome for path, outcome in found.items()}
    for name, reason in {
        "hash.pth": "keys that are neither words nor numbers",
        "endless.pth": "more than 300,000 instructions",
        "long_structure.pth": "has more instructions than a state dict",
        "declared_2_40.pth": "storage '0' declares 4398046511104 bytes and has 16 bytes",
        "declared_twice.pth": "declares storage '0' twice",
        "no_storage.pth": "storage '../../etc' declares 16 bytes and has nothing",
        "expanded.pth": "w has shape [1073741824, 1073741824], larger than its data",
        "shared.pth": "holds more than 200,000,000 weights",
        "directory.pth": "an archive of too many members",
        "twice.pth": "names a member twice",
        "up.pth": "a member 'archive/../../x'",
        "jit.pth": "is a TorchScript archive, which is a program; save its state_dict() instead",
        "deflated.pth": "is a compressed archive",
        "old.pth": "is a tar file",
        "both.pth": "is a tar file",
        "large.pth": "1024 are read at most",
        "older_declared.pth": "declares 1099511627776 bytes of weights and has",
        "text.pth": "is no file of weights that PyTorch wrote",
        "list.pth": "holds a value of type list, no state dict",
        "numbers.pth": "holds no state dict of tensors (it has epoch)",
        "nan_key.pth": "1 is of type Tensor; expected tensors by name",
        "integers.pth": "w has type int64, expected floating point",
        "whole_module.pth": "asks for torch.nn.modules.conv.Conv2d",
    }.items():
        assert reason in said[name], said[name]


@pytest.mark.parametrize("zipped", [True, False])
def test_every_kind_of_damage_is_one_line_or_harmless(tmp_path: Path, zipped: bool) -> None:
    path, draw = tmp_path / "m.pth", random.Random(0)
    torch.save(good(), path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    assert set(read_state_dict(path)) == set(good())
    refused = 0
    for number in range(400):
        damaged = bytearray(whole)
        if number % 4 == 0:
            damaged = damaged[: draw.randrange(len(whole))]
        for _ in range(number % 4):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            read_state_dict(path)
        except ModelFileError:
            refused += 1
    assert refused > 150


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.pth").endswith("no such file")
    assert refusal(tmp_path).endswith("not a file")
    assert "cannot be read" in refusal(tmp_path / ("n" * 300))
    secret = tmp_path / "secret.pth"
    torch.save(good(), secret)
    secret.chmod(0)
    if os.geteuid():
        assert "cannot be read (Permission denied)" in refusal(secret)


def test_tensors_are_what_was_saved(tmp_path: Path) -> None:
    saved = good() | {"half": torch.rand(3).half(), "view": torch.rand(4, 4)[:, 1]}
    for zipped in (True, False):
        torch.save(saved, tmp_path / "m.pth", _use_new_zipfile_serialization=zipped)
        found = read_state_dict(tmp_path / "m.pth")
        assert list(found) == list(saved)
        assert all(torch.equal(found[name], saved[name]) for name in saved)


def test_a_scan_says_which_storages_a_pickle_declares(tmp_path: Path) -> None:
    torch.save(good(), tmp_path / "m.pth")
    with zipfile.ZipFile(tmp_path / "m.pth") as file:
        pickled = file.read("m/data.pkl")
    assert scan_bytes(pickled).storages == {"0": 4 * 108, "1": 16}
    assert scan_bytes(pickle.dumps(1001, protocol=2)).value == 1001
    for end in range(len(pickled)):
        with pytest.raises(ScanError):
            scan_bytes(pickled[:end])


def test_a_scan_is_quick_however_the_largest_pickle_is_made() -> None:
    body = b"\x80\x02" + b"".join(text("www") for _ in range(100_000))
    start = time.process_time()
    scan_bytes(body + b".")
    assert time.process_time() - start < 2

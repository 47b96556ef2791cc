"""``srgan dicom-node`` as a process: killed, stopped, without disk; and with dcmtk's tools."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from pydicom import dcmread
from pydicom.dataset import Dataset

pytest.importorskip("pynetdicom", reason="needs the extra node")

LISTENING = re.compile(r"listening as SRGAN@127\.0\.0\.1:(\d+), by bicubic")


class Process:
    """The command, its lines as they come, and its end."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "super_resolution_gans.cli", "dicom-node"]
        command += ["--store", str(folder / "store"), "--port", "0", "--model", "bicubic", *options]
        self.said = ""
        self._child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever runs tests in the background has SIGINT ignored, and so would the program.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        match = self.wait_for(LISTENING)
        self.port, self.pid = int(match[1]), self._child.pid

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Read on until a line matches; fails if the command ends before."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.said += line
            if match := pattern.search(line):
                return match
        raise AssertionError(f"ended without {pattern.pattern}: {self.said}")

    def end(self, number: int) -> int:
        """Send a signal and read the rest; the exit status."""
        self._child.send_signal(number)
        rest, _ = self._child.communicate(timeout=60)
        self.said += rest
        return self._child.returncode


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def started(*options: str) -> Process:
        processes.append(Process(tmp_path, *options))
        return processes[-1]

    yield started
    for process in processes:
        process._child.kill()
        process._child.communicate()


@pytest.fixture(scope="session")
def peers() -> ModuleType:
    """Archives and senders."""
    import importlib.util

    path = Path(__file__).parents[1] / "service" / "conftest.py"
    spec = importlib.util.spec_from_file_location("cli_service_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def archive(peers: ModuleType) -> Iterator[Any]:
    made = peers.Archive()
    yield made
    made.close()


@pytest.fixture
def scan(dicom_objects: ModuleType) -> Dataset:
    made: Dataset = dicom_objects.tomography(dicom_objects.noise((3, 12, 16)))
    return made


def test_what_was_acknowledged_survives_two_kills_and_is_delivered_once(
    start: Callable[..., Process], peers: ModuleType, archive: Any, scan: Dataset
) -> None:
    archive.close()
    away = ("--send-to", str(archive.peer))
    node = start(*away)
    assert peers.send(node.port, scan) == [0x0000]
    assert node.end(signal.SIGKILL) == -signal.SIGKILL

    node = start(*away)
    node.wait_for(re.compile(r": 3 x 12 x 16 -> 3 x 48 x 64, "))
    node.wait_for(re.compile("cannot be reached"))
    assert node.end(signal.SIGKILL) == -signal.SIGKILL

    back = peers.Archive(port=archive.port)
    try:
        node = start(*away)
        node.wait_for(re.compile(": sent to ARCHIVE@"))
        status = node.end(signal.SIGTERM)
    finally:
        back.close()
    assert status == 143
    assert len(back.objects) == 1
    assert back.objects[0].NumberOfFrames == 3
    last = node.said.splitlines()[-1]
    assert last == (
        "stopped: 0 received, 0 upscaled, 1 sent, 0 failed, 0 refused; "
        "left: 0 to upscale, 0 to send"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process: Linux only")
def test_a_disk_that_takes_no_more_is_said_politely_and_harms_nothing(
    start: Callable[..., Process], peers: ModuleType, dicom_objects: ModuleType, tmp_path: Path
) -> None:
    import resource

    node = start("--out", str(tmp_path / "out"))
    large = dicom_objects.plain(np.zeros((600, 600), np.uint8))
    small = dicom_objects.plain(np.ones((8, 10), np.uint8))
    limits = resource.prlimit(node.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (100_000, limits[1]))
    assert peers.send(node.port, large, small) == [0xA700, 0x0000]
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, limits)
    assert peers.send(node.port, large) == [0x0000]
    node.wait_for(re.compile("600 x 600 -> "))
    assert node.end(signal.SIGINT) == 130
    assert "refused an object: the disk cannot be written to (0xA700)" in node.said
    assert "stopped: 2 received, 2 upscaled, 0 sent, 0 failed, 1 refused" in node.said
    assert list((tmp_path / "store" / "incoming").iterdir()) == []
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.skipif(shutil.which("storescu") is None, reason="needs dcmtk: storescu, storescp")
def test_dcmtk_sends_and_receives(
    start: Callable[..., Process], dicom_objects: ModuleType, scan: Dataset, tmp_path: Path
) -> None:
    source = dicom_objects.save(scan, tmp_path / "scan.dcm")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    receiver = subprocess.Popen(
        ["storescp", "--output-directory", inbox, "--fork", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        node = start("--send-to", f"STORESCP@127.0.0.1:{port}", "--allow-aet", "STORESCU")
        called = ["-aec", "SRGAN", "127.0.0.1", str(node.port)]
        subprocess.run(["echoscu", "-aet", "STORESCU", *called], check=True, timeout=60)
        refused = subprocess.run(["echoscu", *called], capture_output=True, timeout=60)
        assert refused.returncode != 0
        sending = ["storescu", "-aet", "STORESCU", *called, source]
        subprocess.run(sending, check=True, timeout=60)
        node.wait_for(re.compile(": sent to STORESCP@"))
        assert node.end(signal.SIGTERM) == 143
    finally:
        receiver.terminate()
        receiver.wait(timeout=60)
    (result,) = map(dcmread, inbox.iterdir())
    assert (result.NumberOfFrames, result.Rows, result.Columns) == (3, 48, 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "error: results: either are sent on (--send-to) or stay in a folder (--out)"),
        (["--send-to", "PACS"], "error: PACS: is not written as AET@HOST:PORT"),
        (["--send-to", "A@h:1", "--aet", "SEVENTEEN LETTERS"], "is no AE title"),
        (["--out", "o", "--model", "nothing.h5"], "error: nothing.h5"),
    ],
)
def test_wrong_usage_is_one_line(
    srgan: Callable[..., Result],
    error: Callable[[Result], str],
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = srgan("dicom-node", "--store", "store", "--model", "bicubic", *options)
    assert result.exit_code == 2
    assert message in error(result)


def test_the_missing_library_and_its_cure_are_named(
    srgan: Callable[..., Result],
    error: Callable[[Result], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynetdicom", None)
    store, out = tmp_path / "store", tmp_path / "out"
    result = srgan("dicom-node", "--store", store, "--out", out, "--model", "bicubic")
    assert result.exit_code == 2
    cure = 'pip install "SuperResolution-GANs[node]"'
    assert error(result) == f"error: DICOM node: needs pynetdicom: {cure}"
    assert not store.exists()
    assert not out.exists()


def test_addresses_beyond_this_machine_are_warned_about(
    srgan: Callable[..., Result], tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store.write_text("no folder")
    options = ("--store", store, "--model", "bicubic", "--port", 0, "--keep-metadata")
    result = srgan("dicom-node", *options, "--send-to", "A@10.0.0.1:104", "--host", "0.0.0.0")
    assert result.exit_code == 2
    assert "neither encrypted nor authenticated" in result.stderr
    assert "results with names and dates are sent on without encryption" in result.stderr
    assert f"error: {store}: cannot be used" in result.stderr

"""Ray for one run: started on this machine or joined, silent, and gone afterwards."""

import logging
import math
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from super_resolution_gans.program import processors

log = logging.getLogger(__name__)

LOCAL = "local"
_CURE = 'pip install "SuperResolution-GANs[cluster]"'
_MARK = "SRGAN_RAY_SESSION"  # in the environment of every process of a local Ray
_STORE_BYTES = 256 << 20  # of a local object store; scans pass through it only from remote stores
_REACH_SECONDS, _END_SECONDS = 5.0, 4.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the future default; without it Ray warns
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_DEDUP_LOGS": "0",  # what it holds back it prints at the end
}


class ClusterError(ValueError):
    """A cluster that cannot be used; one line, ``name: reason``."""

    def __init__(self, name: object, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


@dataclass(frozen=True)
class Cluster:
    """A Ray that this process is connected to, and how it is shared out.

    Attributes:
        workers: how many model actors there are.
        cpus, gpus: what each of them gets; ``gpus`` below 1 if several share one.
        spare: whether a CPU is left for tasks beside them.
    """

    address: str
    workers: int
    cpus: int
    gpus: float
    spare: bool = True

    def device(self, wanted: str) -> str:
        """The device of a worker: ``auto`` is the CPU where it has no GPU of its own."""
        return "cpu" if wanted == "auto" and not self.gpus else wanted


@contextmanager
def joined(
    address: str, workers: int | None, device: str, afterwards: Callable[[], None]
) -> Iterator[Cluster]:
    """Start or join Ray, and leave it at the end; what this process started ends with it.

    Args:
        address: ``local``; ``auto`` for the cluster that this machine belongs to; or ``host:port``
            of a cluster's head.
        workers: by default one a GPU, or else one for every two CPUs.
        device: as for ``load_upscaler``; decides whether GPUs are taken.
        afterwards: called when no worker of this run lives any more.

    Raises:
        ClusterError: if Ray is not installed or the cluster cannot be joined.
    """
    check_address(address)
    mark = secrets.token_hex(8)
    with ExitStack() as stack:
        stack.callback(afterwards)
        _set_environment(address, mark)
        ray = _import_ray()
        stack.enter_context(_ray_unheard())
        if address == LOCAL:
            cores = processors()
            workers = workers or max(1, cores // 2)
            cpus = max(1, cores // workers)
            folder = tempfile.mkdtemp(prefix="srgan-ray-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.push(lambda kind, *_: _end_marked(mark, 0.0 if kind else _END_SECONDS))
            stack.callback(ray.shutdown)
            _initialise(
                ray,
                address,
                num_cpus=workers * cpus + 1,
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                _temp_dir=folder,
            )
        else:
            stack.callback(ray.shutdown)
            _initialise(ray, address)
        yield _shared_out(ray, address, workers, device)


def check_address(address: str) -> None:
    """Raise ClusterError for what is no cluster, rather than let Ray wait for it."""
    if address in (LOCAL, "auto"):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not (host and colon and port.isdecimal()):
        raise ClusterError(
            address, "is no cluster; known are local, auto and HOST:PORT of its head (port 6379)"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClusterError(address, f"cannot be reached: {reason}") from None


def _set_environment(address: str, mark: str) -> None:
    """What Ray reads while it is imported, and what its processes inherit."""
    os.environ |= _QUIET
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address == LOCAL:
        os.environ[_MARK] = mark
        # So long this process waits at its end for a part of Ray that was ended in its beginning.
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
        # Ray listens on all interfaces unless it is told that this machine is no cluster.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        missing = error.name or "ray"
        raise ClusterError("--cluster", f"needs {missing}: {_CURE}") from None
    return ray


def _initialise(ray: Any, address: str, **settings: Any) -> None:
    ours = signal.getsignal(signal.SIGTERM)
    try:
        with _descriptor_unheard():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **settings)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = one_line(error)
        if isinstance(error, ConnectionError) and "RAY_AUTH_MODE" not in os.environ:
            reason += " (if it asks for a token: RAY_AUTH_MODE=token)"
        raise ClusterError(address, reason) from None
    except SystemExit as stopped:
        # Ray takes SIGTERM for itself, with statuses of its own.
        own = stopped.code in (1, signal.SIGTERM)
        raise SystemExit(128 + signal.SIGTERM if own else stopped.code) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ours)
    logging.getLogger("ray").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _shared_out(ray: Any, address: str, workers: int | None, device: str) -> Cluster:
    resources = ray.cluster_resources()
    all_cpus, all_gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    wants_gpu = device.startswith("cuda") or (device == "auto" and all_gpus > 0)
    for_models = max(1, all_cpus - 1)
    if workers is None:
        workers = max(1, all_gpus if wants_gpu else for_models // 2)
    largest = max((int(node["Resources"].get("CPU", 0)) for node in ray.nodes()), default=1)
    cpus = max(1, min(for_models // workers, largest))
    gpus = 0.0
    if wants_gpu:
        gpus = 1 / math.ceil(workers / all_gpus) if all_gpus else 1.0
    return Cluster(address, workers, cpus, gpus, spare=workers * cpus < all_cpus)


class _Heard:
    """A stream without what the threads of Ray print: that workers were lost and replaced."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            log.debug("%s", text)
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _descriptor_unheard() -> Iterator[None]:
    """Without what Ray's part in C++ writes to stderr while it starts."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


@contextmanager
def _ray_unheard() -> Iterator[None]:
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Heard(out), _Heard(err)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


def _end_marked(mark: str, patience: float) -> None:
    """Wait until the processes of a local Ray have ended, and end those that have not (Linux)."""
    del os.environ[_MARK]
    deadline = time.monotonic() + patience
    while (living := list(_marked(mark))) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in living:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    wanted = f"{_MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        # A process of somebody else, or one that has ended by now.
        with suppress(OSError):
            process = int(folder.name)
            if process != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield process


def one_line(error: BaseException) -> str:
    """The last line of what Ray says, which is where its errors come to the point."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

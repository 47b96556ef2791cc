"""A DICOM node: receives OCT objects, upscales them, and sends the results on.

Threads receive (:mod:`dicom_receive`) and send (:mod:`dicom_send`); the network works in the main
thread, where signals arrive. Between them lies nothing but the spool (:mod:`dicom_spool`), so that
whatever was acknowledged survives the end of the process.
"""

import math
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from super_resolution_gans.io import ReadError, read_scan
from super_resolution_gans.io.dicom_quiet import silent
from super_resolution_gans.io.read import MAX_PIXELS
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.outcome import Outcome
from super_resolution_gans.prediction.plan import Job, Plan
from super_resolution_gans.prediction.upscaler import Upscaler
from super_resolution_gans.scan import ScanError
from super_resolution_gans.service.dicom_errors import NodeError
from super_resolution_gans.service.dicom_peer import Peer, checked_aet
from super_resolution_gans.service.dicom_spool import Spool

if TYPE_CHECKING:
    from super_resolution_gans.service.dicom_send import Pauses

_LOOK_SECONDS = 1.0
_GRACE = 2.0
_SPARE_BYTES = 64 << 20
# How often work on an object may begin: one that ends the process each time is set aside.
_MOST_STARTS = 5

Tell = Callable[[str, str], None]  # kind (said, warning, refused), one line


@dataclass(frozen=True)
class Settings:
    """What a node is.

    Attributes:
        store: the folder of the spool.
        send_to: where results go; if nowhere, they stay in ``out``.
        allowed: AE titles of callers that are accepted; all if empty.
        most_bytes: of an object; a larger one is refused.
        most_waiting: objects in the spool; beyond that others are refused.
        keep_metadata: as for ``write_scan``.
    """

    store: Path
    send_to: tuple[Peer, ...] = ()
    out: Path | None = None
    aet: str = "SRGAN"
    host: str = "127.0.0.1"
    port: int = 11112
    allowed: tuple[str, ...] = ()
    most_bytes: int = 1 << 30
    associations: int = 8
    most_waiting: int = 1000
    max_pixels: int = MAX_PIXELS
    keep_metadata: bool = False


class Node:
    """A node that listens from its making on; :meth:`run` works until it is interrupted.

    To be used with ``with``, since it holds a port and a folder. Meanwhile neither pydicom nor
    pynetdicom, in this process, says anything.

    Args:
        tell: called by any thread with lines for people; nothing in them is from an object.
        pauses: between tries, of peers that are away and of work that fails.

    Attributes:
        counts: received, refused, upscaled, sent, failed.

    Raises:
        NodeError: if the settings make no sense, the folders cannot be used or the port not be had,
            or pynetdicom is missing.
    """

    def __init__(
        self,
        settings: Settings,
        upscaler: Upscaler,
        tell: Tell,
        pauses: "Pauses | None" = None,
    ) -> None:
        _check(settings)
        from super_resolution_gans.service.dicom_receive import Listening, Receiver
        from super_resolution_gans.service.dicom_send import Courier, Pauses

        self._settings, self._upscaler, self._tell = settings, upscaler, tell
        self._pauses = pauses or Pauses()
        self.counts: Counter[str] = Counter()
        self._counting, self._news = threading.Lock(), threading.Event()
        self._later: dict[str, float] = {}
        self.spool = Spool(settings.store, settings.most_waiting)
        peers = tuple(map(str, settings.send_to))
        if peers:
            self.spool.tidy(peers)
        where = Listening(
            settings.aet,
            settings.host,
            settings.port,
            settings.allowed,
            settings.most_bytes,
            settings.associations,
            settings.max_pixels,
        )
        self._quiet = _quiet_libraries(self._unexpected)
        self._quiet.__enter__()
        try:
            self._receiver = Receiver(where, self.spool, self._on_stored, self._on_refused)
        except BaseException:
            self._quiet.__exit__(None, None, None)
            self.spool.close()
            raise
        self._couriers = [
            Courier(
                settings.aet, peer, peers, self.spool, self._pauses, self._on_sent, self._on_away
            )
            for peer in settings.send_to
        ]
        self._receiver.start()
        for courier in self._couriers:
            courier.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._receiver.port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Listen no more, give what is under way some seconds, and let go of the spool."""
        try:
            for courier in self._couriers:
                courier.stop()
            self._receiver.close(_GRACE)
            for courier in self._couriers:
                courier.close(_GRACE)
        finally:
            self._quiet.__exit__(None, None, None)
            self.spool.close()

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Upscale what comes, one object after the other, until an exception from outside.

        Ctrl-C and SIGTERM are such; the object that is worked on stays in the spool.

        Args:
            until: asked between objects; true ends the work.
        """
        while not until():
            name = self._next()
            if name is None:
                soonest = min(self._later.values(), default=math.inf) - time.monotonic()
                self._news.wait(max(0.0, min(_LOOK_SECONDS, soonest)))
                self._news.clear()
                continue
            try:
                self._work_on(name)
            except (KeyboardInterrupt, SystemExit):
                self.spool.interrupt(name)
                raise
            except OSError as error:
                # A disk that is full or gone: the object stays where it is.
                self._postpone(name, error.strerror or "the spool cannot be used", 5)

    def summary(self) -> str:
        """What was done, and what is left."""
        done = ", ".join(
            f"{self.counts[what]} {what}"
            for what in ("received", "upscaled", "sent", "failed", "refused")
        )
        left = f"{len(self.spool.waiting())} to upscale, {len(self.spool.unsent())} to send"
        return f"{done}; left: {left}"

    def _next(self) -> str | None:
        now, waiting = time.monotonic(), self.spool.waiting()
        self._later = {name: at for name, at in self._later.items() if name in waiting}
        return next((name for name in waiting if self._later.get(name, 0.0) <= now), None)

    def _work_on(self, name: str) -> None:
        starts = self.spool.start(name)
        if starts > _MOST_STARTS:
            self._give_up(name, f"work on it began {_MOST_STARTS} times and never came to its end")
            return
        folder = self._settings.out
        target = self.spool.result(name) if folder is None else folder / f"{name}.dcm"
        outcome = self._upscale(name, target)
        for sentence in outcome.warnings:
            self._tell("warning", f"{name}: {sentence}")
        if outcome.status == "done":
            self.spool.done(name)
            self._count("upscaled")
            self._tell("said", f"{name}: {_sizes(outcome)} by {self._upscaler.name}")
            for courier in self._couriers:
                courier.wake()
        elif self._is_readable(name) and (
            starts < _MOST_STARTS or self._lacks_room(name, target.parent)
        ):
            # What keeps it from being written or computed may pass.
            self._postpone(name, outcome.reason or "", starts)
        else:
            self._give_up(name, outcome.reason or "")

    def _upscale(self, name: str, target: Path) -> Outcome:
        job = Job(str(self.spool.source(name)), target, fixed=True)
        outcomes = upscale_files(
            Plan((job,), None),
            self._upscaler,
            overwrite=True,
            max_pixels=self._settings.max_pixels,
            keep_metadata=self._settings.keep_metadata,
        )
        with closing(outcomes):
            return next(outcomes)

    def _is_readable(self, name: str) -> bool:
        """Whether the failure lies elsewhere than in the object."""
        try:
            read_scan(self.spool.source(name), max_pixels=self._settings.max_pixels)
        except (ReadError, ScanError):
            return False
        except (OSError, MemoryError):
            return True
        return True

    def _lacks_room(self, name: str, folder: Path) -> bool:
        """Whether the disk is so full that this may be why; then the work has not counted."""
        larger = 2 * math.prod(self._upscaler.scale)
        needed = _SPARE_BYTES + larger * self.spool.source(name).stat().st_size
        if shutil.disk_usage(folder).free >= needed:
            return False
        self.spool.interrupt(name)
        return True

    def _postpone(self, name: str, reason: str, starts: int) -> None:
        pause = self._pauses.after(starts)
        self._later[name] = time.monotonic() + pause
        self._tell("warning", f"{name}: {reason}; again in {pause:.0f} s")

    def _give_up(self, name: str, reason: str) -> None:
        self.spool.set_aside(name, reason)
        self._count("failed")
        self._tell("warning", f"{name}: set aside in {self.spool.failed.name}: {reason}")

    def _count(self, what: str) -> None:
        with self._counting:
            self.counts[what] += 1
        self._news.set()

    def _on_stored(self, name: str, size: int) -> None:
        self._count("received")
        self._tell("said", f"{name}: received, {size / 1e6:.1f} MB")

    def _on_refused(self, what: str) -> None:
        self._count("refused")
        self._tell("refused", f"refused {what}")

    def _on_sent(self, name: str, peer: Peer, refusal: str | None) -> None:
        self._count("failed" if refusal else "sent")
        if refusal:
            self._tell("warning", f"{name}: set aside for {peer}, which {refusal}")
        else:
            self._tell("said", f"{name}: sent to {peer}")

    def _on_away(self, peer: Peer, reason: str, pause: float) -> None:
        self._tell("warning", f"{peer} {reason}; again in {pause:.0f} s")

    def _unexpected(self, kind: str) -> None:
        self._tell("warning", f"a connection ended by an unexpected {kind}")


def _check(settings: Settings) -> None:
    if find_spec("pynetdicom") is None:
        cure = 'pip install "SuperResolution-GANs[node]"'
        raise NodeError("DICOM node", f"needs pynetdicom: {cure}")
    checked_aet(settings.aet)
    for title in settings.allowed:
        checked_aet(title)
    if bool(settings.send_to) == bool(settings.out):
        raise NodeError("results", "either are sent on (--send-to) or stay in a folder (--out)")
    if settings.out is not None:
        try:
            settings.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"this folder cannot be made: {error.strerror or error}"
            raise NodeError(str(settings.out), reason) from None


@contextmanager
def _quiet_libraries(unexpected: Callable[[str], None]) -> Iterator[None]:
    """Have pynetdicom and its threads say nothing: what they say quotes what they receive."""
    from pynetdicom import _config

    ours = {
        "LOG_HANDLER_LEVEL": "none",
        "STORE_SEND_CHUNKED_DATASET": True,  # from the disk, not by way of memory
        "STORE_RECV_CHUNKED_DATASET": False,  # to our spool, not to files of theirs
        "UNRESTRICTED_STORAGE_SERVICE": False,
    }
    before = {key: getattr(_config, key) for key in ours}
    hook = threading.excepthook

    def excepthook(event: threading.ExceptHookArgs) -> None:
        unexpected(event.exc_type.__name__)

    with silent():
        threading.excepthook = excepthook
        for key, value in ours.items():
            setattr(_config, key, value)
        try:
            yield
        finally:
            for key, value in before.items():
                setattr(_config, key, value)
            threading.excepthook = hook


def _sizes(outcome: Outcome) -> str:
    assert outcome.before is not None
    assert outcome.after is not None
    before, after = (" x ".join(map(str, shape)) for shape in (outcome.before, outcome.after))
    return f"{before} -> {after}, {outcome.seconds:.1f} s,"

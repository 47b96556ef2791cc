"""A folder that others put scans into: each is upscaled when it is complete.

By looking again and again, since network shares tell nobody what is new on them.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from super_resolution_gans.io import is_scan_folder
from super_resolution_gans.prediction.errors import NoRoomError, PredictionError
from super_resolution_gans.prediction.files import upscale_files
from super_resolution_gans.prediction.journal import JOURNAL_NAME
from super_resolution_gans.prediction.outcome import Outcome
from super_resolution_gans.prediction.plan import Job, Plan, make_plan
from super_resolution_gans.prediction.unchanged import Stamp
from super_resolution_gans.prediction.upscaler import Upscaler
from super_resolution_gans.prediction.worker import make_folder
from super_resolution_gans.service.arriving import Arriving, may_be_complete
from super_resolution_gans.service.past import Past

# How many images are upscaled until the folder is looked at again: at least so many, and of a large
# folder this share, or looking would take longer than upscaling.
_AT_A_TIME, _SHARE = 16, 0.01
_LOOKING = 0.1  # the share of the time that looking may take
_FULL_SECONDS = 60.0  # until a full disk is tried again


class Watch:
    """A folder and that of its results.

    Args:
        source: the folder to watch.
        out: where results go, with the tree of ``source``; it may lie in ``source``.
        settle: seconds for which a file has to be the same to be complete.
        format: suffix of the results; by default those of the inputs.

    Attributes:
        waiting: how many files were not complete at the last look.

    Raises:
        PredictionError: if ``source`` is no folder, or its results would become inputs, or ``out``
            cannot be made or its journals not be read.
    """

    def __init__(
        self,
        source: Path,
        out: Path,
        *,
        settle: float,
        format: str | None = None,  # noqa: A002
    ) -> None:
        self.source, self.out = source, out
        self._format, self._arriving = format, Arriving(settle)
        if not source.is_dir() or is_scan_folder(source):
            found = source.exists()
            raise PredictionError(
                source, "is no folder of scans to watch" if found else "there is no such folder"
            )
        if source.resolve().is_relative_to(out.resolve()):
            where = "is" if out.resolve() == source.resolve() else "lies in"
            raise PredictionError(
                source, f"{where} the folder of the results, which would be upscaled again"
            )
        make_plan([source], out, format=format)
        make_folder(out)
        try:
            self._past = Past(out)
        except OSError as error:
            raise PredictionError(
                out / JOURNAL_NAME, f"cannot be read: {error.strerror or error}"
            ) from None
        self._settled: dict[str, Stamp | None] = {}
        self.settle, self.waiting = settle, 0

    @property
    def is_there(self) -> bool:
        """Whether the folder can be listed; a network share comes and goes."""
        try:
            with os.scandir(self.source):
                return True
        except OSError:
            return False

    def look(self, now: float) -> Plan:
        """What is to be done: complete files without a result that were not tried as they are.

        Args:
            now: seconds of a clock that never goes back.
        """
        if not self.is_there:
            self.waiting = 0
            return Plan((), self.out)
        plan = make_plan([self.source], self.out, format=self._format)
        wanted = [job for job in plan.jobs if self._is_wanted(job)]
        complete = self._arriving.complete(wanted, now)
        self.waiting = len(wanted) - len(complete)
        most = max(_AT_A_TIME, int(_SHARE * len(plan.jobs)))
        ready = list(islice((job for job in complete if not self._is_settled(job)), most))
        chosen = set(ready)
        others = tuple(job for job in plan.jobs if job not in chosen)
        return replace(plan, jobs=tuple(ready), elsewhere=others)

    def settled(self, job: Job) -> None:
        """Remember that something became of a job; it is not tried again until it changes."""
        self._settled[job.source] = self._arriving.stamp_of(job)

    def _is_wanted(self, job: Job) -> bool:
        source = Path(job.source)
        if source == self.source or not may_be_complete(source, self.source):
            return False
        has_result = job.target.is_file() or is_scan_folder(job.target)
        return bool(job.problem) or not (has_result or self._past.has_result(job))

    def _is_settled(self, job: Job) -> bool:
        if job.source not in self._settled and self._past.is_settled(job):
            self.settled(job)
        tried = job.source in self._settled
        return tried and self._settled[job.source] == self._arriving.stamp_of(job)


def watch(
    folder: Watch,
    upscaler: Upscaler,
    *,
    interval: float,
    once: bool = False,
    on_absence: Callable[[bool], None] = lambda _: None,
    on_full: Callable[[NoRoomError, float], None] = lambda _problem, _pause: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    **settings: Any,
) -> Generator[Outcome, None, None]:
    """Upscale what arrives, and say what became of each; without end unless ``once``.

    Args:
        interval: seconds between two looks when there is nothing to do; more, if a look takes long.
        once: end when nothing complete is left, having waited once for files to settle.
        on_absence: told when the folder goes away (True) and when it comes back (False).
        on_full: told that there is no room for results, and in how many seconds it is tried again.
        clock, sleep: of a test.
        settings: of :func:`upscale_files`.

    Raises:
        NoRoomError: if there is no room for results, and it is to be done ``once``.
        PredictionError: if the journal cannot be written for another reason.
    """
    absent, started = False, None
    while True:
        now = clock()
        started = now if started is None else started
        plan = folder.look(now)
        if folder.is_there == absent:
            absent = not absent
            on_absence(absent)
        if plan.jobs:
            try:
                yield from _upscale(plan, folder, upscaler, settings)
            except NoRoomError as problem:
                if once:
                    raise
                on_full(problem, _FULL_SECONDS)
                sleep(_FULL_SECONDS)
        elif not once:
            sleep(max(interval, (clock() - now) / _LOOKING))
        elif now - started >= folder.settle:
            return
        else:
            sleep(min(interval, folder.settle - (now - started)))


def _upscale(
    plan: Plan, folder: Watch, upscaler: Upscaler, settings: dict[str, Any]
) -> Generator[Outcome, None, None]:
    with closing(upscale_files(plan, upscaler, **settings)) as outcomes:
        for outcome, job in zip(outcomes, plan.jobs, strict=False):
            if not outcome.no_room:
                folder.settled(job)
            yield outcome

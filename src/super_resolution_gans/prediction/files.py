"""Upscale files, folders and addresses; one that fails never stops the rest."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from super_resolution_gans.io import (
    ExistsError,
    can_hold,
    check_target,
    is_address,
    read_scan,
    write_scan,
)
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.journal import JOURNAL_NAME, Journal
from super_resolution_gans.prediction.plan import Inode, Job, Plan, clash, inode
from super_resolution_gans.prediction.provenance import sha256
from super_resolution_gans.prediction.upscale import Upscaler
from super_resolution_gans.scan import Scan, printable

log = logging.getLogger(__name__)

Status = Literal["done", "skipped", "failed"]
OnBatch = Callable[[Job, int, int], None]  # batches of tiles done, batches in all

_SPELLINGS = {".jpe": ".jpg", ".jfif": ".jpg", ".dib": ".bmp"}
# Above this many result pixels (256 MB of float32) they are computed as they are written.
_MANY = 1 << 26


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Attributes:
        source, target: the input (an address without secrets), and where its result lies or would.
        reason: why it was skipped or failed, without the name.
        note: something that was done differently than asked, if anything.
        before, after: shapes (slices, height, width[, 3]); None unless done.
        seconds: reading, upscaling and writing.
    """

    status: Status
    source: str
    target: Path
    reason: str | None = None
    note: str | None = None
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None
    seconds: float = 0.0
    input_sha256: str | None = None


def upscale_files(
    plan: Plan, upscaler: Upscaler, *, overwrite: bool = False, on_batch: OnBatch | None = None
) -> Iterator[Outcome]:
    """Do the jobs of a plan, one at a time, and say what became of each.

    In a folder of results every outcome is also a line in ``srgan-journal.jsonl``.

    Raises:
        PredictionError: if the folder of results cannot be made, or the journal not be written.
    """
    if plan.folder:
        _make_folder(plan.folder)
    try:
        with Journal(plan.folder) if plan.folder else nullcontext() as journal:
            worker = _Worker(plan, upscaler, overwrite, on_batch)
            for job in plan.jobs:
                outcome = worker.outcome(job)
                if journal:
                    journal.append(_entry(outcome, upscaler, plan.folder))
                yield outcome
    except OSError as error:
        raise PredictionError(
            plan.folder / JOURNAL_NAME if plan.folder else "journal",
            f"cannot be written: {error.strerror or error}",
        ) from None


class _Worker:
    """Does jobs, and remembers which files it has written."""

    def __init__(
        self, plan: Plan, upscaler: Upscaler, overwrite: bool, on_batch: OnBatch | None
    ) -> None:
        self._upscaler, self._overwrite, self._on_batch = upscaler, overwrite, on_batch
        self._inputs = plan.inputs
        self._planned = {job.target: job.name for job in reversed(plan.jobs) if not job.problem}
        self._written: dict[Inode, str] = {}

    def outcome(self, job: Job) -> Outcome:
        """Do one job; every error becomes a failure."""
        start = time.perf_counter()
        digest, reason = None, ""
        outcome = None
        try:
            if job.problem:
                raise PredictionError(job.name, job.problem)
            outcome = self._check_target(job, job.target)
            if outcome is None:
                digest = _digest(job.source)
                outcome = self._make(job)
        except (ValueError, OSError) as error:
            reason = _reason(job, error)
        except MemoryError:
            reason = "there is not enough memory for the result"
        except Exception as error:  # an error of ours must not cost the rest of a long run
            log.debug("unexpected", exc_info=True)
            reason = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        if outcome is None:
            outcome = Outcome("failed", job.name, job.target, reason)
        return replace(outcome, input_sha256=digest, seconds=time.perf_counter() - start)

    def _make(self, job: Job) -> Outcome:
        scan = read_scan(job.source)
        result = self._upscaler.lazily(scan, self._progress(job))
        target, note = job.target, None
        if not job.fixed:
            target = job.target.with_suffix(_suffix_for(job.target.suffix, result))
        if target != job.target:
            note = f"{job.target.suffix or 'a name without suffix'} cannot hold the result"
            if target in self._planned:
                raise PredictionError(job.name, clash(target, self._planned[target]))
            self._planned[target] = job.name
            if skipped := self._check_target(job, target):
                return replace(skipped, note=note)
        _make_folder(target.parent)
        try:
            # Before the work rather than after it.
            check_target(result, target, overwrite=self._overwrite)
            if not scan.is_lazy and math.prod(result.shape) <= _MANY:
                result = result.load()
            write_scan(result, target, overwrite=self._overwrite)
        except ExistsError:
            # Another process does the same folder.
            return Outcome("skipped", job.name, target, f"{target} exists by now", note)
        identity = inode(target)
        if identity:
            self._written[identity] = job.name
        return Outcome("done", job.name, target, note=note, before=scan.shape, after=result.shape)

    def _check_target(self, job: Job, target: Path) -> Outcome | None:
        """Skip what exists; refuse to write onto an input or another result of this run."""
        identity = inode(target)
        if identity in self._inputs:
            raise PredictionError(job.name, f"its result would overwrite the input {target}")
        if identity in self._written:
            # Names that differ only in case are one file on some systems.
            raise PredictionError(job.name, clash(target, self._written[identity]))
        if identity is None or self._overwrite or not target.is_file():
            return None
        return Outcome("skipped", job.name, target, f"{target} exists")

    def _progress(self, job: Job) -> Callable[[int, int], None] | None:
        report = self._on_batch
        return None if report is None else lambda done, total: report(job, done, total)


def _digest(source: str) -> str | None:
    """Of a file; unknown for addresses, and for what reading will complain about."""
    return None if is_address(source) or not Path(source).is_file() else sha256(Path(source))


def _suffix_for(suffix: str, result: Scan) -> str:
    """The suffix itself if it can hold the result, else the nearest that can."""
    for candidate in (suffix, _SPELLINGS.get(suffix.lower(), ".png"), ".png"):
        if can_hold(candidate, result):
            return candidate
    return ".tif"


def _reason(job: Job, error: Exception) -> str:
    """The message without the name of the input, which stands beside it anyway."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return printable(str(error).removeprefix(f"{printable(job.name)}: "))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        what = "something that is no folder lies there or above"
        known = isinstance(error, FileExistsError | NotADirectoryError)
        reason = what if known else getattr(error, "strerror", None) or str(error)
        raise PredictionError(folder, f"this folder cannot be made: {reason}") from None


def _entry(outcome: Outcome, upscaler: Upscaler, folder: Path | None) -> dict[str, Any]:
    target = outcome.target
    if folder and target.is_relative_to(folder):
        target = target.relative_to(folder)
    entry: dict[str, Any] = {
        "status": outcome.status,
        "input": outcome.source,
        "input_sha256": outcome.input_sha256,
        "output": target.as_posix(),
        **upscaler.provenance.as_dict(),
    }
    if outcome.reason:
        entry["reason"] = outcome.reason
    return entry

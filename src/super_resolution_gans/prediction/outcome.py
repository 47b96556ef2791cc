"""What became of one input: done, skipped or failed, and why."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from super_resolution_gans.io import Selection
from super_resolution_gans.io.errors import DiskFullError
from super_resolution_gans.prediction.errors import NoRoomError
from super_resolution_gans.prediction.maps import Written
from super_resolution_gans.prediction.plan import Job
from super_resolution_gans.prediction.provenance import Provenance, about
from super_resolution_gans.prediction.residual import Residual
from super_resolution_gans.scan import printable

log = logging.getLogger(__name__)

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Attributes:
        source, target: the input (an address without secrets), and where its result lies or would.
        reason: why it was skipped or failed, without the name.
        note: something that was done differently than asked, if anything.
        before, after: shapes (slices, height, width[, 3]); None unless done.
        seconds: reading, and from the first tile to the finished file.
        precision: what the network computed in; None unless done.
        residual: of the result as it is stored; None unless done and downsampling is known.
        uncertainty: the maps beside the result, if they were asked for.
        warnings: what about the input is unlike the model's training scans, in sentences.
        no_room: it failed because the disk is full, which says nothing of the input.
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
    precision: str | None = None
    residual: Residual | None = None
    uncertainty: Written | None = None
    warnings: tuple[str, ...] = ()
    no_room: bool = False

    def entry(
        self, folder: Path | None, provenance: Provenance, selection: Selection | None = None
    ) -> dict[str, Any]:
        """A line for the journal of a folder of results."""
        target = self.target
        if folder and target.is_relative_to(folder):
            target = target.relative_to(folder)
        if self.precision:
            provenance = provenance.computed_in(self.precision)
        entry: dict[str, Any] = {
            "status": self.status,
            "input": self.source,
            "output": target.as_posix(),
            "input_sha256": self.input_sha256,
            **provenance.as_dict(),
        }
        if self.status == "done":
            entry |= about(provenance, self.input_sha256, self.residual, selection)
        if self.uncertainty:
            entry["uncertainty"] = {
                "half_widths": self.uncertainty.half_widths.name,
                "picture": self.uncertainty.picture.name,
                "mean": self.uncertainty.mean,
            }
        if self.warnings:
            entry["warnings"] = list(self.warnings)
        if self.reason:
            entry["reason"] = self.reason
        if self.no_room:
            entry["no_room"] = True
        return entry


def exists_by_now(done: Outcome) -> Outcome:
    """The outcome of a job whose result another process has written meanwhile."""
    reason = f"{done.target} exists by now"
    return Outcome("skipped", done.source, done.target, reason, done.note)


def failed(job: Job, error: Exception, seconds: float = 0.0) -> Outcome:
    """An error of ours, too, must not cost the rest of a long run."""
    if isinstance(error, MemoryError):
        reason = "there is not enough memory for the result"
    elif isinstance(error, ValueError | OSError):
        reason = _reason(job, error)
    else:
        log.debug("unexpected", exc_info=error)
        reason = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
    no_room = isinstance(error, DiskFullError | NoRoomError)
    return Outcome("failed", job.name, job.target, reason, seconds=seconds, no_room=no_room)


def _reason(job: Job, error: Exception) -> str:
    """The message without the name of the input, which stands beside it anyway."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return printable(str(error).removeprefix(f"{printable(job.name)}: "))

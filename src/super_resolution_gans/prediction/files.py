"""Upscale files, folders and addresses; one that fails never stops the rest.

While the network works on one image, the next is read and the one before it is written.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from super_resolution_gans.io import (
    ExistsError,
    Fill,
    Selection,
    check_target,
    is_address,
    is_scan_folder,
    read_scan,
    suffix_of,
    write_scan,
)
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.journal import JOURNAL_NAME, Journal
from super_resolution_gans.prediction.maps import Maps, check_grey
from super_resolution_gans.prediction.naming import fitting
from super_resolution_gans.prediction.outcome import Outcome, exists_by_now, failed
from super_resolution_gans.prediction.pipeline import AbandonedError, Handover, ahead
from super_resolution_gans.prediction.plan import Inode, Job, Plan, clash, inode
from super_resolution_gans.prediction.provenance import Provenance, about, sha256
from super_resolution_gans.prediction.underway import Image
from super_resolution_gans.prediction.upscaler import Upscaler
from super_resolution_gans.scan import Scan

OnBatch = Callable[[Job, int, int], None]  # tiles done, tiles in all

# Larger files are read piece by piece where that costs nothing, so that the first slices are in the
# network while the next are decoded.
_STREAM_ABOVE = 4 << 20
# What is computed when a run is interrupted may still be written, if that takes no longer.
_GRACE = 2.0


def upscale_files(
    plan: Plan,
    upscaler: Upscaler,
    *,
    overwrite: bool = False,
    on_batch: OnBatch | None = None,
    max_pixels: int | None = None,
    allow_private_addresses: bool = False,
    fill: Fill | None = None,
    selection: Selection | None = None,
    maps: Maps | None = None,
    keep_metadata: bool = False,
) -> Generator[Outcome, None, None]:
    """Do the jobs of a plan, and say what became of each, in the plan's order.

    In a folder of results every outcome is also a line in ``srgan-journal.jsonl``. An exception
    from outside (Ctrl-C), or closing the iterator, ends all threads and leaves only whole files.

    Args:
        max_pixels: of ``read_scan``, if not the default.
        allow_private_addresses, fill: of ``read_scan``.
        selection: what to upscale of each scan; by default all of it.
        maps: writes maps of uncertainty beside the results.
        keep_metadata: as for ``write_scan``.

    Raises:
        PredictionError: if the folder of results cannot be made, or the journal not be written.
    """
    if plan.folder:
        _make_folder(plan.folder)
    how: dict[str, Any] = {"allow_private_addresses": allow_private_addresses, "fill": fill}
    if max_pixels is not None:
        how["max_pixels"] = max_pixels
    selection = selection or Selection()
    worker = _Worker(plan, upscaler, overwrite, on_batch, how, selection, maps, keep_metadata)
    try:
        with Journal(plan.folder) if plan.folder else nullcontext() as journal:

            def record(outcome: Outcome) -> None:
                if journal:
                    journal.append(outcome.entry(plan.folder, upscaler.provenance, selection))

            yield from _outcomes(plan, worker, record)
    except OSError as error:
        raise PredictionError(
            plan.folder / JOURNAL_NAME if plan.folder else "journal",
            f"cannot be written: {error.strerror or error}",
        ) from None


def _outcomes(
    plan: Plan, worker: "_Worker", record: Callable[[Outcome], None]
) -> Iterator[Outcome]:
    """All outcomes in order, recorded; at most one image is read ahead, and one written behind."""
    images: deque[Image] = deque()

    def finish() -> Outcome:
        outcome = worker.with_maps(images[0])
        images.popleft()
        record(outcome)
        return outcome

    try:
        with (
            ThreadPoolExecutor(1, "srgan-writer") as writer,
            closing(ahead(map(worker.open, plan.jobs))) as opened,
        ):
            try:
                for image in opened:
                    images.append(image)
                    worker.upscale(image, writer)
                    if len(images) > 1:
                        yield finish()
                while images:
                    yield finish()
            except BaseException:
                _stop(images)
                raise
    except GeneratorExit:
        for image in filter(Image.is_done, images):
            record(image.outcome())
        raise
    except BaseException:
        # Whoever asks for more gets what is complete, and then the exception.
        for image in filter(Image.is_done, images):
            record(image.outcome())
            yield image.outcome()
        raise


def _stop(images: Iterable[Image]) -> None:
    try:
        wait([image.written for image in images if image.written and image.computed], _GRACE)
    finally:
        for image in images:
            image.abandon()


class _Worker:
    """Does jobs, and remembers which files it has written; every error becomes a failure.

    ``open`` may run in a thread while ``upscale`` works on the image before.
    """

    def __init__(
        self,
        plan: Plan,
        upscaler: Upscaler,
        overwrite: bool,
        on_batch: OnBatch | None,
        how: dict[str, Any],
        selection: Selection,
        maps: Maps | None,
        keep_metadata: bool,
    ) -> None:
        self._selection, self._maps, self._keep_metadata = selection, maps, keep_metadata
        self._upscaler, self._overwrite, self._on_batch = upscaler, overwrite, on_batch
        self._how = {"stream_above": _STREAM_ABOVE, **how}
        self._inputs = plan.inputs
        self._planned = {job.target: job.name for job in reversed(plan.jobs) if not job.problem}
        self._written: dict[Inode, str] = {}

    def open(self, job: Job) -> Image:
        """Read the input, unless it is clear without it what becomes of the job."""
        start = time.perf_counter()
        image = Image(job)
        try:
            if job.problem:
                raise PredictionError(job.name, job.problem)
            image.known = self._check_target(job, job.target)
            # An address is fetched where Ctrl-C arrives: that may take minutes.
            if image.known is None and not is_address(job.source):
                image.digest = _digest(job.source)
                image.scan = self._read(image)
        except Exception as error:
            image.known = failed(job, error, time.perf_counter() - start)
        image.seconds = time.perf_counter() - start
        return image

    def _read(self, image: Image) -> Scan:
        def fetched(path: Path) -> None:
            image.digest = sha256(path)

        return self._selection.of(read_scan(image.job.source, on_file=fetched, **self._how))

    def upscale(self, image: Image, writer: Executor) -> None:
        """Run the network, while the writer takes what comes out of it."""
        if image.known is not None:
            return
        image.start = time.perf_counter()
        try:
            scan = image.scan or self._read(image)
            image.scan = scan if self._maps else None
            if self._maps:
                check_grey(scan)
            self._begin_writing(image, scan, writer)
            if image.handover is not None:
                for piece in self._upscaler.pieces(scan, self._progress(image.job)):
                    image.handover.give(piece)
                    del piece
                image.computed = True
        except AbandonedError:
            pass  # the writer knows why
        except Exception as error:
            image.known = failed(image.job, error, image.elapsed())
        finally:
            if image.handover is not None:
                image.handover.end(abandon=not image.computed)

    def _begin_writing(self, image: Image, scan: Scan, writer: Executor) -> None:
        """Find the target, and have the writer wait for pixels; or know the outcome."""
        warnings = tuple(self._upscaler.warnings(scan))
        job = image.job
        meter = self._upscaler.agreement.meter(scan.height)
        handover = Handover(scan, self._upscaler.scale, meter)
        result = replace(self._upscaler.lazily(scan), pixels=handover)
        target, note = job.target, None
        if not job.fixed:
            target = fitting(job.target, result)
        if target != job.target:
            note = f"{suffix_of(job.target) or 'a name without suffix'} cannot hold the result"
            if target in self._planned:
                raise PredictionError(job.name, clash(target, self._planned[target]))
            self._planned[target] = job.name
            if skipped := self._check_target(job, target):
                image.known = replace(skipped, note=note)
                return
        _make_folder(target.parent)
        story = self._upscaler.provenance_for(scan.dtype)
        done = Outcome(
            "done",
            job.name,
            target,
            note=note,
            before=scan.shape,
            after=result.shape,
            precision=story.precision,
            warnings=warnings,
        )
        try:
            # Before the work rather than after it.
            check_target(result, target, overwrite=self._overwrite)
        except ExistsError:
            image.known = exists_by_now(done)
            return
        image.handover = handover
        image.written = writer.submit(self._write, image, result, handover, done, story)

    def _write(
        self, image: Image, result: Scan, handover: Handover, done: Outcome, story: Provenance
    ) -> Outcome:
        """In the writer's thread, one image after the other."""
        target, outcome = done.target, done
        try:
            # Again, since by now the image before is written.
            if skipped := self._check_target(image.job, target):
                outcome = skipped
            else:
                write_scan(
                    result,
                    target,
                    overwrite=self._overwrite,
                    check=handover.check,
                    about=lambda: about(story, image.digest, handover.residual, self._selection),
                    keep_metadata=self._keep_metadata,
                )
                outcome = replace(done, residual=handover.residual)
                if identity := inode(target):
                    self._written[identity] = image.job.name
        except ExistsError:
            # Another process does the same folder.
            outcome = exists_by_now(done)
        except Exception as error:
            outcome = failed(image.job, error)
        finally:
            handover.end()
        return replace(outcome, note=done.note, seconds=image.elapsed())

    def with_maps(self, image: Image) -> Outcome:
        """The outcome, once the maps are written beside the result, too, if there are to be any."""
        outcome, scan = image.outcome(), image.scan
        if self._maps is None or scan is None or outcome.status != "done":
            return outcome
        start = time.perf_counter()
        try:
            for target in self._maps.targets(outcome.target, scan.slices):
                self._check_target(image.job, target)
            story = self._upscaler.provenance_for(scan.dtype)
            written = self._maps.write(
                scan,
                outcome.target,
                about(story, image.digest, outcome.residual, self._selection),
                overwrite=self._overwrite,
            )
        except Exception as error:
            reason = f"written, but without its uncertainty: {failed(image.job, error).reason}"
            return replace(outcome, status="failed", reason=reason)
        for path in (written.half_widths, written.picture):
            if identity := inode(path):
                self._written[identity] = image.job.name
        seconds = outcome.seconds + time.perf_counter() - start
        return replace(outcome, uncertainty=written, seconds=seconds)

    def _check_target(self, job: Job, target: Path) -> Outcome | None:
        """Skip what exists; refuse to write onto an input or another result of this run."""
        identity = inode(target)
        if identity in self._inputs:
            raise PredictionError(job.name, f"its result would overwrite the input {target}")
        if identity in self._written:
            # Names that differ only in case are one file on some systems.
            raise PredictionError(job.name, clash(target, self._written[identity]))
        if identity is None or self._overwrite:
            return None
        if not (target.is_file() or is_scan_folder(target)):
            return None
        return Outcome("skipped", job.name, target, f"{target} exists")

    def _progress(self, job: Job) -> Callable[[int, int], None] | None:
        report = self._on_batch
        return None if report is None else lambda done, total: report(job, done, total)


def _digest(source: str) -> str | None:
    """Of a scan; unknown for addresses, and for what reading will complain about."""
    if is_address(source) or not (Path(source).is_file() or is_scan_folder(source)):
        return None
    return sha256(source)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        what = "something that is no folder lies there or above"
        known = isinstance(error, FileExistsError | NotADirectoryError)
        reason = what if known else getattr(error, "strerror", None) or str(error)
        raise PredictionError(folder, f"this folder cannot be made: {reason}") from None

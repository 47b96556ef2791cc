"""A model that is ready: scans and arrays in, the same at a multiple of their resolution out."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from super_resolution_gans.prediction.backoff import BackingOff
from super_resolution_gans.prediction.colour import CHROMA_REACH
from super_resolution_gans.prediction.consistent_windows import ConsistentWindows
from super_resolution_gans.prediction.domain import judge
from super_resolution_gans.prediction.domain_statistics import DomainStatistics
from super_resolution_gans.prediction.downsampling import UNKNOWN, Agreement
from super_resolution_gans.prediction.engines import Engine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.pieces import Piece, agreeing, clipped
from super_resolution_gans.prediction.pipeline import ahead
from super_resolution_gans.prediction.provenance import Provenance
from super_resolution_gans.prediction.residual import Residual
from super_resolution_gans.prediction.tiles import Call, Grid, grid
from super_resolution_gans.prediction.windows import UpscaledWindows, read_windows, upscale_call
from super_resolution_gans.scan import Scan, Spacing, WindowSource, as_slices, to_unit

OnBatch = Callable[[int, int], None]  # tiles done, tiles in all


class Upscaler:
    """A model that is ready to upscale; made by :func:`upscale.load_upscaler`.

    Attributes:
        name: the model's name, or its file's.
        scale: (vertical, lateral) factors.
        provenance: what is needed to make the same result again from 8-bit images; for others see
            :meth:`provenance_for`.
        agreement: with the measured scan, and whether results are made to have it.
        statistics: what the model's training scans looked like, if that is known.

    Args:
        tile: largest side of a tile without its halo; by default the engine's.
        exact: makes the engine for what has more than 8 bits, if the first does not do for that.
    """

    def __init__(
        self,
        engine: Engine,
        provenance: Provenance,
        tile: int | None = None,
        exact: Callable[[], Engine] | None = None,
        *,
        agreement: Agreement = UNKNOWN,
        statistics: DomainStatistics | None = None,
    ) -> None:
        self.agreement, self.statistics = agreement, statistics
        self.name, self.scale, self.provenance = provenance.model, engine.scale, provenance
        if tile is not None and not engine.tiles:
            raise PredictionError(
                self.name, "looks at the whole image at once and cannot be run in tiles"
            )
        self._tile, self._exact = tile, exact
        self._engines = {"fast": self._in_tiles(engine)}

    @overload
    def __call__(self, image: Scan, on_batch: OnBatch | None = None) -> Scan: ...

    @overload
    def __call__(
        self, image: NDArray[np.generic], on_batch: OnBatch | None = None
    ) -> NDArray[np.float32]: ...

    def __call__(
        self, image: Scan | NDArray[np.generic], on_batch: OnBatch | None = None
    ) -> Scan | NDArray[np.float32]:
        """Upscale a scan or an array; the result is of the same kind, float32 in [0, 1].

        Args:
            image: a scan, or an array (height, width), (height, width, 3) whenever the last of
                three axes is 3, (slices, height, width) or (slices, height, width, 3). Arrays of
                floating-point numbers are in [0, 1]; those of integers mean what
                ``Scan.from_array`` takes them for. It is not modified.
            on_batch: called with the number of tiles done, and that of all.

        Returns:
            For an array, an array. For a scan, a scan with its spacing divided by the scale, its
            type and range kept; if the scan is lazy, so is the result, and the work is done as its
            pixels are read.

        Raises:
            ValueError: if the image is no image (empty, NaN, infinite, of another shape), or the
                model does not fit it. The message is one line.
        """
        if isinstance(image, Scan):
            return self.lazily(image, on_batch) if image.is_lazy else self._at_once(image, on_batch)
        array = np.asarray(image)
        result = self._at_once(_scan_of(array), on_batch).pixels
        assert isinstance(result, np.ndarray)
        return _shaped_like(array, result)

    def both(self, image: NDArray[np.generic]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Upscale an array once, as :meth:`__call__`: as the network has it, and made to agree.

        Raises:
            ValueError: as :meth:`__call__`; or if results of this model are not made to agree.
        """
        project = self.agreement.projection
        if project is None:
            raise PredictionError(self.name, "its results are not made to agree with the scan")
        array = np.asarray(image)
        scan = _scan_of(array)
        raw = self._assembled(scan, self._raw_pieces(scan, None))
        assert isinstance(scan.pixels, np.ndarray)
        agreed = clipped(project(raw, scan.pixels))
        return _shaped_like(array, clipped(raw)), _shaped_like(array, agreed)

    def lazily(self, scan: Scan, on_batch: OnBatch | None = None) -> Scan:
        """The upscaled scan, whose pixels are computed when they are read, to the same bits."""
        engine = self._engine_for(scan.dtype)
        cut = _grid(engine, scan)
        report, project = _counter(on_batch, cut.tiles), self.agreement.projection
        source: WindowSource = UpscaledWindows(engine, scan, cut, report, clip=project is None)
        if project is not None:
            source = ConsistentWindows(project, source, scan)
        return replace(scan, pixels=source, spacing=self._finer(scan.spacing))

    def pieces(self, scan: Scan, on_batch: OnBatch | None = None) -> Iterator[Piece]:
        """The upscaled scan in pieces, clipped: slice by slice, rows of tiles, or bands of rows.

        A lazy scan is read ahead by a thread; the network works in the calling one.
        """
        raw, project = self._raw_pieces(scan, on_batch), self.agreement.projection
        with closing(raw):
            if project is not None:
                yield from agreeing(project, raw, scan)
                return
            for piece in raw:
                yield piece._replace(core=clipped(piece.core))
                del piece  # it may be large

    def _raw_pieces(self, scan: Scan, on_batch: OnBatch | None) -> Generator[Piece, None, None]:
        engine = self._engine_for(scan.dtype)
        cut = _grid(engine, scan)
        report = _counter(on_batch, cut.tiles)
        windows = (read_windows(scan, call) for call in cut)
        with closing(ahead(windows) if scan.is_lazy else windows) as batches:
            for call, batch in zip(cut, batches, strict=True):
                cores = upscale_call(engine, batch, call)
                report(call)
                cores.reverse()
                for (index, tile), window in zip(call, batch, strict=True):
                    # Whoever takes it has it alone: it may be large.
                    yield Piece(index, tile, cores.pop(), window[tile.inside((1, 1))])

    def _at_once(self, scan: Scan, on_batch: OnBatch | None) -> Scan:
        pixels = self._assembled(scan, self.pieces(scan, on_batch))
        return replace(scan, pixels=pixels, spacing=self._finer(scan.spacing))

    def _assembled(self, scan: Scan, pieces: Iterator[Piece]) -> NDArray[np.float32]:
        slices, height, width, *channels = scan.shape
        vertical, lateral = self.scale
        pixels = np.empty((slices, height * vertical, width * lateral, *channels), np.float32)
        for piece in pieces:
            pixels[piece.number][piece.tile.target(self.scale)] = piece.core
        return pixels

    def warnings(self, scan: Scan) -> list[str]:
        """What about a scan is unlike those that the model learned from, in plain sentences.

        Empty if nothing is, or if it is not known what the model learned from.

        Raises:
            ValueError: only what reading a lazy scan raises.
        """
        return judge(scan, self.statistics) if self.statistics else []

    def residual(self, result: Scan, scan: Scan) -> Residual | None:
        """How far ``result``, as it would be stored and downsampled again, is from its scan.

        None if it is not known how such scans were downsampled.

        Raises:
            PredictionError: if the shapes do not fit the scale.
        """
        meter = self.agreement.meter(scan.height)
        if meter is None:
            return None
        if result.shape != self.lazily(scan).shape:
            raise PredictionError(self.name, f"did not make {result.shape} of {scan.shape}")
        for index in range(scan.slices):
            stored = to_unit(result.stored_slice(index), result.value_range)
            meter.add(stored, scan.slice_pixels(index))
        return meter.residual

    def provenance_for(self, dtype: DTypeLike) -> Provenance:
        """What is needed to make the same result again from an image of such numbers."""
        kind = self._kind_for(dtype)
        return self.provenance.computed_in("float32") if kind == "exact" else self.provenance

    def _kind_for(self, dtype: DTypeLike) -> str:
        return "fast" if self._exact is None or np.dtype(dtype) == np.uint8 else "exact"

    def _engine_for(self, dtype: DTypeLike) -> BackingOff:
        kind = self._kind_for(dtype)
        if kind not in self._engines:
            assert self._exact is not None
            self._engines[kind] = self._in_tiles(self._exact())
        return self._engines[kind]

    def _in_tiles(self, engine: Engine) -> BackingOff:
        core = engine.core if self._tile is None else (self._tile, self._tile)
        return BackingOff(engine, core)

    def _finer(self, spacing: Spacing) -> Spacing:
        between, axial, lateral = spacing
        return (
            between,
            None if axial is None else axial / self.scale[0],
            None if lateral is None else lateral / self.scale[1],
        )


def _scan_of(array: NDArray[np.generic]) -> Scan:
    if array.dtype.kind != "f":
        return Scan.from_array(array)
    pixels = as_slices(array).astype(np.float32, copy=False)
    return Scan(pixels, dtype=np.dtype(np.float32), value_range=(0.0, 1.0))


def _shaped_like(array: NDArray[np.generic], result: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whatever axes were added to make slices of the array go again."""
    trailing = array.shape[2:] if array.ndim == 3 and array.shape[2] in (1, 3) else None
    if trailing is not None or array.ndim == 2:
        return result.reshape((*result.shape[1:3], *(trailing or ())))
    return result.reshape((*result.shape[:3], *array.shape[3:]))


def _grid(engine: BackingOff, scan: Scan) -> Grid:
    halo = engine.halo
    if scan.channels == 3:
        halo = (max(halo[0], CHROMA_REACH), max(halo[1], CHROMA_REACH))
    shape = (scan.slices, scan.height, scan.width)
    return grid(shape, engine.core, halo, engine.batch_pixels)


def _counter(on_batch: OnBatch | None, total: int) -> Callable[[Call], None]:
    done = 0

    def report(call: Call) -> None:
        nonlocal done
        done += len(call)
        if on_batch:
            on_batch(done, total)

    return report

"""From a model's name to upscaled images: the one way in for every command and script."""

import operator
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from super_resolution_gans.models.generator import SRResNet
from super_resolution_gans.prediction.backoff import BackingOff
from super_resolution_gans.prediction.catalogue import DEFAULT_MODEL, INTERPOLATIONS, find_weights
from super_resolution_gans.prediction.colour import CHROMA_REACH
from super_resolution_gans.prediction.devices import fast_precision, pick_device, pick_precision
from super_resolution_gans.prediction.engines import Engine, Reduced, make_engine, pick_engine
from super_resolution_gans.prediction.errors import PredictionError
from super_resolution_gans.prediction.fidelity import find_partner, read_weights
from super_resolution_gans.prediction.interpolation import Interpolation
from super_resolution_gans.prediction.pipeline import ahead
from super_resolution_gans.prediction.provenance import Provenance, sha256
from super_resolution_gans.prediction.tiles import Call, Grid, Pair, Tile, grid
from super_resolution_gans.prediction.windows import UpscaledWindows, read_windows, upscale_call
from super_resolution_gans.runtimes.exported import SUFFIXES, read_exported
from super_resolution_gans.runtimes.libraries import library_version
from super_resolution_gans.scan import Scan, Spacing, as_slices
from super_resolution_gans.version import __version__

OnBatch = Callable[[int, int], None]  # tiles done, tiles in all
Piece = tuple[int, Tile, NDArray[np.float32]]
"""A slice, a tile of it, and its upscaled core: float32 (h, w) or (h, w, 3) in [0, 1]."""


class Upscaler:
    """A model that is ready to upscale; made by :func:`load_upscaler`.

    Attributes:
        name: the model's name, or its file's.
        scale: (vertical, lateral) factors.
        provenance: what is needed to make the same result again from 8-bit images; for others see
            :meth:`provenance_for`.

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
    ) -> None:
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
        if array.dtype.kind == "f":
            pixels = as_slices(array).astype(np.float32, copy=False)
            scan = Scan(pixels, dtype=np.dtype(np.float32), value_range=(0.0, 1.0))
        else:
            scan = Scan.from_array(array)
        result = self._at_once(scan, on_batch).pixels
        assert isinstance(result, np.ndarray)
        # Whatever axes were added to make slices of the array go again.
        trailing = array.shape[2:] if array.ndim == 3 and array.shape[2] in (1, 3) else None
        if trailing is not None or array.ndim == 2:
            shape = (*result.shape[1:3], *(trailing or ()))
        else:
            shape = (*result.shape[:3], *array.shape[3:])
        upscaled: NDArray[np.float32] = result.reshape(shape)
        return upscaled

    def lazily(self, scan: Scan, on_batch: OnBatch | None = None) -> Scan:
        """The upscaled scan, whose pixels are computed when they are read, to the same bits."""
        engine = self._engine_for(scan.dtype)
        cut = _grid(engine, scan)
        source = UpscaledWindows(engine, scan, cut, _counter(on_batch, cut.tiles))
        return replace(scan, pixels=source, spacing=self._finer(scan.spacing))

    def pieces(self, scan: Scan, on_batch: OnBatch | None = None) -> Iterator[Piece]:
        """The upscaled scan in pieces: slice by slice, rows of tiles from top to bottom.

        A lazy scan is read ahead by a thread; the network works in the calling one.
        """
        engine = self._engine_for(scan.dtype)
        cut = _grid(engine, scan)
        report = _counter(on_batch, cut.tiles)
        windows = (read_windows(scan, call) for call in cut)
        with closing(ahead(windows) if scan.is_lazy else windows) as batches:
            for call, batch in zip(cut, batches, strict=True):
                cores = upscale_call(engine, batch, call)
                report(call)
                cores.reverse()
                for index, tile in call:
                    # Whoever takes it has it alone: it may be large.
                    yield index, tile, cores.pop()

    def _at_once(self, scan: Scan, on_batch: OnBatch | None) -> Scan:
        slices, height, width, *channels = scan.shape
        vertical, lateral = self.scale
        pixels = np.empty((slices, height * vertical, width * lateral, *channels), np.float32)
        for index, tile, core in self.pieces(scan, on_batch):
            pixels[index][tile.target(self.scale)] = core
        return replace(scan, pixels=pixels, spacing=self._finer(scan.spacing))

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


def _grid(engine: BackingOff, scan: Scan) -> Grid:
    halo = engine.halo
    if scan.channels == 3:
        halo = (max(halo[0], CHROMA_REACH), max(halo[1], CHROMA_REACH))
    shape = (scan.slices, scan.height, scan.width)
    return grid(shape, engine.core, halo, engine.batch_pixels)


def load_upscaler(
    name_or_path: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    scale: int | Pair | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    engine: str = "auto",
    fidelity: float | None = None,
    faithful: str | os.PathLike[str] | None = None,
) -> Upscaler:
    """Make a model ready.

    Args:
        name_or_path: a shipped model (``catalogue.SHIPPED``), an interpolation (``nearest``,
            ``bilinear``, ``bicubic``, ``lanczos``) or a file of weights: .safetensors, or what
            Keras (.h5, .keras) or PyTorch (.pth) wrote of a known kind of generator; or what
            ``srgan export`` wrote (.onnx, .xml), to be trusted like the library that runs it.
        scale: factor, or (vertical, lateral) factors. By default the network's own; 4 for
            interpolation. A network also gives every scale that divides its own: its result is
            downsampled by the antialiased bicubic kernel.
        device: ``auto`` (CUDA, else MPS, else CPU) or what torch calls it.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``: what the network computes
            in. Results are float32 always. ``auto`` is what the hardware is fast at for networks
            of ours on 8-bit images, and float32 for other networks and other images, in which the
            deviation could be seen (docs/speed.md).
        tile: largest side of a tile without its halo, in input pixels; smaller needs less memory.
        engine: what runs a network: ``auto``, ``torch``, ``openvino`` or ``onnxruntime``. The
            latter two run on the CPU; ``auto`` is the library that an exported file is made for;
            otherwise OpenVINO where it is installed and was measured to be faster, else torch.
        fidelity: mixes the weights of the model with those of the faithful one it was trained
            from: 1 is the faithful network (SRResNet), 0 the model's own (SRGAN). By default
            nothing is mixed.
        faithful: that other model, a name or a file; shipped models know theirs.

    Raises:
        ValueError: if there is no such model, device or precision, the model cannot be used, or
            it has no such scale or fidelity. The message is one line.
    """
    wanted = _pair(scale)
    if tile is not None and tile < 1:
        raise PredictionError("tile", f"must be at least 1 pixel, not {tile}")
    elsewhere = engine in ("openvino", "onnxruntime") or _is_exported(name_or_path)
    chosen = pick_device("cpu" if device == "auto" and elsewhere else device)
    dtype = pick_precision(precision)
    # Of the engines only torch knows float16.
    wish = "torch" if engine == "auto" and dtype == "float16" else engine
    kind = pick_engine(wish, chosen, Path(name_or_path).suffix)
    partner = find_partner(name_or_path, fidelity, faithful)
    if name_or_path in INTERPOLATIONS:
        name = os.fspath(name_or_path)
        interpolation = Interpolation(name, wanted or (4, 4))
        library = library_version("pillow")
        story = Provenance(name, None, interpolation.scale, "float32", "cpu", __version__, library)
        return Upscaler(interpolation, story, tile)
    path = find_weights(name_or_path)
    network = read_exported(path) if _is_exported(path) else read_weights(path, partner)
    if network.channels not in (1, 3):
        raise PredictionError(path, f"has {network.channels} channels; images have 1 or 3")

    def make(dtype: str) -> Engine:
        return _scaled(make_engine(network, kind, chosen, dtype), wanted, path)

    fast = dtype
    if dtype == "auto":
        # Of other people's networks nobody has measured what a short type does to them.
        ours = isinstance(network, SRResNet) and kind != "onnxruntime"
        fast = fast_precision(chosen) if ours else "float32"
    runs = make(fast)
    exact = (lambda: make("float32")) if dtype == "auto" and fast != "float32" else None
    name = path.stem if path.suffix == ".safetensors" else path.name
    story = Provenance(
        name, sha256(path), runs.scale, fast, chosen.type, __version__, library_version(kind)
    )
    if partner is not None:
        story = partner.told(story)
    return Upscaler(runs, story, tile, exact)


def _is_exported(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() in SUFFIXES


def _scaled(engine: Engine, wanted: Pair | None, path: Path) -> Engine:
    if wanted is None or wanted == engine.scale:
        return engine
    try:
        return Reduced(engine, wanted)
    except ValueError:
        own = "x".join(map(str, engine.scale))
        raise PredictionError(
            path.stem,
            f"upscales {own}; a scale of {'x'.join(map(str, wanted))} does not divide that "
            "(interpolation takes any scale)",
        ) from None


def _pair(scale: int | Pair | None) -> Pair | None:
    if scale is None:
        return None
    given = tuple(scale) if isinstance(scale, tuple | list) else (scale, scale)
    try:
        vertical, lateral = (operator.index(factor) for factor in given)
    except (TypeError, ValueError):
        vertical, lateral = 0, 0
    if not 1 <= min(vertical, lateral) <= max(vertical, lateral) <= 64 or vertical * lateral == 1:
        shown = "x".join(map(str, given))
        raise PredictionError(
            "scale", f"{shown} is not one or two whole factors from 1 to 64, and more than 1x1"
        )
    return vertical, lateral


def _counter(on_batch: OnBatch | None, total: int) -> Callable[[Call], None]:
    done = 0

    def report(call: Call) -> None:
        nonlocal done
        done += len(call)
        if on_batch:
            on_batch(done, total)

    return report

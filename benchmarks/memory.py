"""The memory that `srgan upscale` takes for images that do not fit: peak of the whole process.

Draws a tiled 8-bit TIFF, upscales it by `nearest` from the command line in a process of its own,
and prints the peak of its resident memory beside the size of the result. The result is then looked
at here and there, against the input. Takes gigabytes of disk; they are freed again.

    python benchmarks/memory.py [SIDE] [FOLDER]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

SIDE, TILE, SCALE = 20_000, 256, 4
LIMIT = 1.5 * (1 << 30)
COMPRESSIONS = (None, "zlib")


def pattern(rows: slice, columns: slice) -> np.ndarray:
    """Grey values that are known everywhere without keeping them: (h, w) uint8."""
    y, x = (np.arange(s.start, s.stop, dtype=np.uint32) for s in (rows, columns))
    return ((np.multiply.outer(y, x) >> 7) ^ np.add.outer(y, x)).astype(np.uint8)


def draw(path: Path, side: int, compression: str | None) -> None:
    """Write the input tile by tile."""

    def tiles() -> Iterator[np.ndarray]:
        for top in range(0, side, TILE):
            for left in range(0, side, TILE):
                rows = slice(top, min(top + TILE, side))
                yield pattern(rows, slice(left, min(left + TILE, side)))

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side),
        dtype=np.uint8,
        tile=(TILE, TILE),
        compression=compression,
        photometric="minisblack",
        maxworkers=1,
    )


def upscale(source: Path, target: Path, side: int) -> tuple[int, float]:
    """Peak resident bytes and seconds of the command."""
    command = [sys.executable, "-m", "super_resolution_gans.cli", "upscale", source, "-o", target]
    start = time.perf_counter()
    options = ["--model", "nearest", "--scale", str(SCALE), "--max-pixels", str(side**2)]
    child = subprocess.Popen([*map(str, command), *options])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"srgan upscale failed with status {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit, time.perf_counter() - start


def check(target: Path, side: int) -> None:
    """Compare windows of the result with what they have to be."""
    with tifffile.TiffFile(target) as tiff:
        page = tiff.pages.first
        assert page.shape == (side * SCALE, side * SCALE)
        pixels = np.memmap(target, np.uint8, "r", page.dataoffsets[0], page.shape)
        for number in np.random.default_rng(0).integers(0, side - 16, (50, 2)):
            rows, columns = (slice(int(start), int(start) + 16) for start in number)
            small = pattern(rows, columns)
            large = pixels[
                rows.start * SCALE : rows.stop * SCALE, columns.start * SCALE : columns.stop * SCALE
            ]
            assert np.array_equal(large, small.repeat(SCALE, 0).repeat(SCALE, 1))


def main() -> None:
    """Measure and print."""
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        free = shutil.disk_usage(folder).free
        needed = (SCALE**2 + 1) * side**2
        if free < 1.2 * needed:
            raise SystemExit(f"{needed / 1e9:.1f} GB of disk are needed, {free / 1e9:.1f} are free")
        worst = 0
        for compression in COMPRESSIONS:
            source, target = Path(folder, "in.tif"), Path(folder, "out.tif")
            draw(source, side, compression)
            peak, seconds = upscale(source, target, side)
            size = target.stat().st_size
            check(target, side)
            target.unlink()
            worst = max(worst, peak)
            print(
                f"{side} x {side}, tiles {compression or 'uncompressed'}: "
                f"peak {peak / 2**20:.0f} MiB for a result of {size / 2**20:.0f} MiB, "
                f"{seconds:.0f} s"
            )
        print(f"limit {LIMIT / 2**20:.0f} MiB: {'kept' if worst <= LIMIT else 'EXCEEDED'}")


if __name__ == "__main__":
    main()

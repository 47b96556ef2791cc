"""What programs share that try an installed package: commands, and files to try them on.

Such a program is run by the Python that the package is installed in. Its last argument is an
unpacked sdist, whose examples and files of tests are used, and whose package is not.
"""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

CLONE = Path(sys.argv[-1]).resolve()
LIMIT = 900  # seconds a command may take
# 4 x 4 pixels, 0 to 15, by JPEG-LS.
JPEG_LS = bytes.fromhex(
    "ffd8ffe800205350494646000200000100000004000000040a0806010000012c0000012cffe800"
    "0800000001ffd8fff7000b080004000401011100ffda0008010100000000ada4d312a370ffd9"
)


def srgan(*arguments: object, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """The installed command, which must succeed, or must fail, and without a traceback."""
    return _ran([str(Path(sys.executable).with_name("srgan")), *map(str, arguments)], fails)


def python(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """This Python, in a folder; it must succeed."""
    return _ran([sys.executable, *map(str, arguments)], False, folder)


def _ran(
    command: list[str], fails: bool, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT)
    said = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    assert (done.returncode != 0) == fails, said
    assert "Traceback" not in done.stderr, said
    return done


@contextmanager
def serving(pattern: str, *arguments: object) -> Iterator[re.Match[str]]:
    """A command of srgan that runs until it is interrupted, once a line of it matches."""
    command = [str(Path(sys.executable).with_name("srgan")), *map(str, arguments)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout is not None
    overdue = threading.Timer(LIMIT, child.kill)
    overdue.start()
    said = ""
    try:
        for line in child.stdout:
            said += line
            if match := re.search(pattern, line):
                yield match
                break
        else:
            raise AssertionError(f"{' '.join(command)} ended without {pattern}:\n{said}")
    finally:
        overdue.cancel()
        child.send_signal(signal.SIGTERM)
        rest, _ = child.communicate(timeout=60)
    assert "Traceback" not in said + rest, said + rest


def helper(name: str) -> ModuleType:
    """A module of the clone's tests, which makes files; named from ``tests`` on."""
    path = CLONE / "tests" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def draw(folder: Path, count: int) -> Path:
    """A folder of small images, each of another person."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, count + 1):
        pixels = rng.integers(0, 256, (16, 16), np.uint8)
        image = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
        image.save(folder / f"NORMAL-{number}-1.png")
    return folder


def unknown_tiff(path: Path) -> Path:
    """A TIFF of 16 bits that says it is compressed by JPEG XL."""
    import tifffile

    tifffile.imwrite(path, np.zeros((8, 8), np.uint16), photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(50002)
    return path


def jpeg_ls_dicom(path: Path) -> Path:
    """A DICOM object with a frame of :data:`JPEG_LS`."""
    from pydicom.encaps import encapsulate

    objects = helper("io/dicom_objects.py")
    frame = encapsulate([JPEG_LS])
    header = objects.plain(np.zeros((4, 4), np.uint8), 8, PixelData=frame)
    header["PixelData"].is_undefined_length = True
    header.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.80"
    objects.save(header, path)
    return path


def heidelberg(path: Path) -> Path:
    """A volume of three drawn B-scans."""
    files = helper("io/vendor_files.py")
    values = np.linspace(0, 1, 3 * 8 * 12, dtype=np.float32).reshape(3, 8, 12)
    path.write_bytes(files.vol(values))
    return path


@contextmanager
def scratch() -> Iterator[None]:
    """A new folder to be in."""
    with tempfile.TemporaryDirectory(prefix="srgan-installed-") as folder:
        os.chdir(folder)
        yield
        os.chdir(CLONE)  # Windows removes no folder that somebody is in

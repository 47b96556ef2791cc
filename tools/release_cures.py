"""Where the base installation misses a library it says so in one line that names the extra.

    python tools/release_cures.py CLONE

Run by the Python of a base installation; CLONE is an unpacked sdist. Every place in the package
that names an extra is made to say so (tests/tools/test_release.py holds the list against the code).
"""

import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from release_inside import draw, heidelberg, jpeg_ls_dicom, scratch, srgan, unknown_tiff

CURE = 'pip install "SuperResolution-GANs[{}]"'


def of_command(*arguments: object) -> str:
    """The one line in which a command refuses."""
    said = srgan(*arguments, fails=True).stderr
    assert said.startswith("error: "), said
    return said.removesuffix("\n")


def of_call(function: Callable[[], object]) -> str:
    """The message of the error in which a function refuses."""
    try:
        function()
    except (ValueError, RuntimeError) as error:
        return str(error)
    raise AssertionError("nothing was missing")


def training() -> Iterator[str]:
    draw(Path("scans"), 6)
    srgan("data", "pack", "scans", "-o", "store", "--shares", 0.34, 0.33, 0.33)
    yield of_command("train", "oct-srresnet-x4", "--data", "store", "--out", "run")


def statistics() -> Iterator[str]:
    given = ("--model", "lanczos", "--no-lpips", "-o", "rows")
    srgan("evaluate", "--data", draw(Path("people"), 8), *given)
    yield of_command("compare", "rows", "--method", "lanczos", "--against", "bicubic")


def intervals() -> Iterator[str]:
    rows = [
        f"i{number},p{number // 2},{method},{label}"
        for number in range(40)
        for method, label in (("HR", "DME"), ("SR", "NORMAL" if number % 3 else "DME"))
    ]
    Path("labels.csv").write_text("\n".join(["image,person,method,label", *rows]) + "\n")
    yield of_command("agree", "labels.csv")


def reliability() -> Iterator[str]:
    from super_resolution_gans.evaluation.mos.reliability import icc

    scores = np.random.default_rng(0).integers(1, 6, (12, 3)).astype(float)
    yield of_call(lambda: icc(scores))


def speckle() -> Iterator[str]:
    from super_resolution_gans.evaluation.layers import respeckled

    yield of_call(lambda: respeckled(np.zeros((16, 16)), 0))


def layers() -> Iterator[str]:
    yield of_command("layers", draw(Path("slices"), 2), "--model", "bilinear", "--axial-um", 4)


def engines() -> Iterator[str]:
    yield of_command("export", "oct-srresnet-x4", "--to", "onnx")
    yield of_command("export", "oct-srresnet-x4", "--to", "openvino")
    image = draw(Path("engines"), 1) / "NORMAL-1-1.png"
    for engine in ("onnxruntime", "openvino"):
        yield of_command("upscale", image, "-o", "no.png", "--engine", engine)


def study() -> Iterator[str]:
    Path("study").mkdir()
    yield of_command("mos", "serve", "study")


def pages() -> Iterator[str]:
    yield of_command("app", "--no-open")


def node() -> Iterator[str]:
    yield of_command("dicom-node", "--store", "waiting", "-o", "done", "--port", 0)


def cluster() -> Iterator[str]:
    yield of_command("upscale", draw(Path("few"), 2), "-o", "no", "--cluster", "local")


def dicom() -> Iterator[str]:
    yield of_command("upscale", jpeg_ls_dicom(Path("a.dcm")), "-o", "no.png")


def nifti() -> Iterator[str]:
    # sizeof_hdr; three axes of 4, 4 and 1; uint8; pixels at 352; single file.
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 4, 4, 1, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    Path("a.nii").write_bytes(bytes(header) + bytes(range(16)))
    yield of_command("upscale", "a.nii", "-o", "no.png")


def volumes_out() -> Iterator[str]:
    image = draw(Path("out"), 1) / "NORMAL-1-1.png"
    for suffix in ("nii.gz", "zarr"):
        yield of_command("upscale", image, "-o", f"no.{suffix}", "--model", "bicubic")


def zarr() -> Iterator[str]:
    meta = {"zarr_format": 2, "shape": [4, 4], "chunks": [4, 4], "dtype": "|u1", "order": "C"}
    meta |= {"compressor": None, "filters": None, "fill_value": 0}
    Path("a.zarr").mkdir()
    Path("a.zarr/.zarray").write_text(json.dumps(meta))
    Path("a.zarr/0.0").write_bytes(bytes(range(16)))
    yield of_command("upscale", "a.zarr", "-o", "no.png")


def tiff() -> Iterator[str]:
    yield of_command("upscale", unknown_tiff(Path("deep.tif")), "-o", "no.png")


def vendor() -> Iterator[str]:
    yield of_command("upscale", heidelberg(Path("a.vol")), "-o", "no.tif")


PLACES: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "cli/app.py": ("web", pages),
    "cli/mos_serve.py": ("web", study),
    "evaluation/intervals.py": ("eval", intervals),
    "evaluation/layers.py": ("eval", speckle),
    "evaluation/mos/reliability.py": ("eval", reliability),
    "evaluation/statistics.py": ("eval", statistics),
    "io/dicom_codecs.py": ("dicom", dicom),
    "io/encode.py": ("volumes", volumes_out),
    "io/nifti.py": ("volumes", nifti),
    "io/tiff_whole.py": ("tiff", tiff),
    "io/vendor/process.py": ("oct", vendor),
    "io/zarr_read.py": ("volumes", zarr),
    "metrics/layers.py": ("eval", layers),
    "runtimes/libraries.py": ("export", engines),
    "service/dicom_node.py": ("node", node),
    "service/ray_session.py": ("cluster", cluster),
    "training/device.py": ("train", training),
}
"""Which module of the package names which extra, and what makes it do so."""

ONLY_ADVICE = (
    "cli/dicom_node.py",
    "cli/on_cluster.py",
    "cli/options.py",
    "prediction/engines/choice.py",
)
"""Modules that name an extra in their help, or as what would be faster: nothing fails there."""

NEVER_MISSING = ("service/stores.py",)
"""Modules that name an extra in case fsspec is missing, which torch brings."""


def main() -> int:
    wrong = []
    with scratch():
        for place, (extra, provoke) in PLACES.items():
            try:
                for said in provoke():
                    if CURE.format(extra) not in said or "\n" in said:
                        wrong.append(f"{place}: {said}")
            except AssertionError as error:
                wrong.append(f"{place}: {error}")
    print("\n".join(wrong) or f"{len(PLACES)} places name the extra that is missing, in one line")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

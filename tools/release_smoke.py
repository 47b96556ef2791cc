"""What an installed package must be able to do, run by the Python that it is installed in.

    python tools/release_smoke.py base|EXTRA CLONE

CLONE is an unpacked sdist. Each line that is printed says what worked; the first thing that does
not is an error.
"""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
from PIL import Image
from release_inside import (
    CLONE,
    draw,
    heidelberg,
    helper,
    jpeg_ls_dicom,
    python,
    scratch,
    serving,
    size_of,
    srgan,
)


def everywhere() -> None:
    """What every installation does."""
    import super_resolution_gans
    from super_resolution_gans import srgan_utils

    home = Path(super_resolution_gans.__file__).resolve()
    assert Path(sys.prefix).resolve() in home.parents, f"not the installed package: {home}"
    version = super_resolution_gans.__version__
    told = srgan("--version").stdout.splitlines()
    assert told[0] == f"srgan {version}", told
    assert len(told) > 1, "no shipped model is named"
    print(f"import and srgan --version: {version}")

    scan = CLONE / "examples" / "scans" / "NORMAL-5246808-1.jpeg"
    srgan("upscale", scan, "-o", "x4.png")
    width, height = size_of(scan)
    assert size_of(Path("x4.png")) == (4 * width, 4 * height)
    print(f"srgan upscale: {width} x {height} -> {4 * width} x {4 * height}")

    with Image.open(scan) as image:
        image.crop((200, 200, 264, 248)).save("small.png")
    golden = CLONE / "tests" / "models" / "golden" / "first_keras2.h5"
    for model in (None, str(golden)):
        with redirect_stderr(io.StringIO()) as said:
            low, high = srgan_utils.SRGAN_predict("small.png", model, "predicted.png")
        assert "super-resolved by" in said.getvalue()
        assert low.shape == (48, 64, 3)
        assert high.shape[2] == 3
        assert high.shape[0] * 64 == high.shape[1] * 48 > 48 * 64
        assert np.isfinite(high).all()
        assert size_of(Path("predicted.png")) == (high.shape[1], high.shape[0])
    print("SRGAN_predict: the shipped model, a .h5 of Keras")

    here = Path.cwd()
    given = ("--modelPath", golden, "--inputPath", here / "small.png", "--outputPath")
    python("-m", "super_resolution_gans.infer", *given, here / "old.png")
    python("-m", "infer", *given, here / "clone.png", folder=CLONE)
    assert (here / "old.png").read_bytes() == (here / "clone.png").read_bytes()
    print("python -m super_resolution_gans.infer, and python -m infer in a clone: the same bytes")


def base() -> None:
    srgan("evaluate", "--data", draw(Path("drawn"), 2), "--model", "oct-srresnet-x4", "-o", "rows")
    table = Path("rows/per_image.csv").read_text()
    assert "ssim" in table.splitlines()[0]
    assert "oct-srresnet-x4" in table
    srgan("recipes")
    print("srgan evaluate with PSNR, SSIM and LPIPS; srgan recipes")


def train() -> None:
    srgan("data", "pack", CLONE / "examples" / "scans", "-o", "store", "--shares", 0.34, 0.33, 0.33)
    small = ("--set", "model.blocks=2", "--set", "model.width=16")
    two = ("--set", "schedules.cpu.updates=2", "--device", "cpu")
    srgan("train", "oct-srresnet-x4", "--data", "store", "--out", "run", *small, *two)
    srgan("upscale", "small.png", "-o", "trained.png", "--model", "run/model.safetensors")
    assert size_of(Path("trained.png")) == (256, 192)
    print("two updates on a packed store; their model upscales")


def evaluation() -> None:
    data = draw(Path("drawn"), 8)
    srgan("evaluate", "--data", data, "--model", "oct-srresnet-x4", "--no-lpips", "-o", "rows")
    said = srgan("compare", "rows", "--method", "oct-srresnet-x4", "--against", "bicubic").stdout
    assert "ssim" in said.lower()
    retina = helper("drawn_retina.py")
    drawn = retina.drawn(retina.curves(width=96), seed=0)
    Path("retina").mkdir()
    Image.fromarray(np.rint(drawn * 255).astype(np.uint8)).save("retina/0.png")
    assert "RPE" in srgan("layers", "retina", "--model", "bilinear", "--axial-um", 3.9).stdout
    print("srgan evaluate and compare with SSIM; srgan layers")


def export() -> None:
    srgan("export", "oct-srresnet-x4", "--to", "onnx", "-o", "m.onnx")
    srgan("export", "oct-srresnet-x4", "--to", "openvino", "-o", "m.xml")
    made = {}
    for name, options in {
        "torch": ("--engine", "torch", "--precision", "float32"),
        "onnx": ("--model", "m.onnx", "--precision", "float32"),
        "openvino": ("--model", "m.xml", "--precision", "float32"),
    }.items():
        model = () if "--model" in options else ("--model", "oct-srresnet-x4")
        srgan("upscale", "small.png", "-o", f"{name}.png", *model, *options, "--no-consistency")
        with Image.open(f"{name}.png") as image:
            made[name] = np.asarray(image).astype(int)
    assert np.abs(made["onnx"] - made["torch"]).max() <= 1
    assert np.abs(made["openvino"] - made["torch"]).max() <= 1
    print("oct-srresnet-x4 as ONNX and OpenVINO; both upscale as PyTorch does, to one level")


def oct_devices() -> None:
    said = srgan("info", heidelberg(Path("a.vol"))).stdout
    assert "3 slices of 12 x 8 pixels" in said, said
    srgan("upscale", "a.vol", "-o", "vol.tif", "--model", "bicubic")
    print("a Heidelberg .vol is read and upscaled")


def volumes() -> None:
    from super_resolution_gans import read_scan

    for name in ("v.nii.gz", "v.zarr"):
        srgan("upscale", "small.png", "-o", name, "--model", "bicubic")
        assert read_scan(name).to_array().shape[-2:] == (192, 256)
    print("NIfTI and zarr are written and read")


def dicom() -> None:
    from super_resolution_gans import read_scan

    scan = read_scan(jpeg_ls_dicom(Path("a.dcm")))
    assert np.array_equal(scan.to_array().reshape(-1), np.arange(16))
    print("JPEG-LS in DICOM is decoded, exactly")


def tiff() -> None:
    import tifffile

    from super_resolution_gans import read_scan

    values = np.random.default_rng(0).integers(0, 65536, (2, 24, 32), np.uint16)
    tifffile.imwrite("deep.tif", values, photometric="minisblack", compression="jpegxl")
    assert np.array_equal(read_scan("deep.tif").to_array(), values)
    print("TIFF of 16 bits by JPEG XL is decoded, exactly")


def web() -> None:
    import httpx

    with serving(r"http://\S+", "app", "--port", 0, "--no-open") as match:
        answer = httpx.get(match[0], trust_env=False)
        assert answer.status_code == 200, answer
        assert "Content-Security-Policy" in answer.headers
    print("srgan app answers")


def cluster() -> None:
    draw(Path("drawn"), 2)
    given = ("--cluster", "local", "--workers", 1, "--model", "bicubic")
    srgan("upscale", "drawn", "-o", "on-ray", *given)
    srgan("upscale", "drawn", "-o", "alone", "--model", "bicubic")
    for path in sorted(Path("alone").glob("*.png")):
        assert path.read_bytes() == (Path("on-ray") / path.name).read_bytes()
    print("two images on a local Ray: the same bytes as without")


def node() -> None:
    from pynetdicom import AE

    listening = r"listening as SRGAN@127\.0\.0\.1:(\d+)"
    given = ("--store", "waiting", "-o", "done", "--port", 0, "--model", "bicubic")
    with serving(listening, "dicom-node", *given) as match:
        caller = AE()
        caller.add_requested_context("1.2.840.10008.1.1")
        called = caller.associate("127.0.0.1", int(match[1]), ae_title="SRGAN")
        assert called.is_established
        assert called.send_c_echo().Status == 0
        called.release()
    print("srgan dicom-node answers C-ECHO")


SMOKES: dict[str, Callable[[], None]] = {
    "base": base,
    "train": train,
    "eval": evaluation,
    "tiff": tiff,
    "dicom": dicom,
    "volumes": volumes,
    "export": export,
    "oct": oct_devices,
    "web": web,
    "cluster": cluster,
    "node": node,
}
"""What each extra, installed alone, is for."""


def main() -> None:
    with scratch():
        everywhere()
        SMOKES[sys.argv[1]]()


if __name__ == "__main__":
    main()

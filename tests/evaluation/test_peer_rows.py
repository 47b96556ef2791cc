"""Other people's generators on OCT: the rows that others measured by the same protocol."""

from pathlib import Path

import pytest

from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.compare import compare
from super_resolution_gans.metrics.perceptual import load_lpips
from super_resolution_gans.prediction import load_upscaler

LONG = [pytest.mark.slow, pytest.mark.long]

FILES = {
    "pre_generator": "h5/pre_generator.h5",
    "gan_generator": "h5/gan_generator.h5",
    "imdn": "peers/imdn_x4/IMDN_x4.pth",
    "leftthomas": "peers/leftthomas_srgan_shahinur/netG_epoch_4_100.pth",
    "fast": "peers/fast_srgan/model.pt",
}
# PSNR / SSIM by Wang / LPIPS with AlexNet, as the shared README prints them: cut.
ROWS = {
    ("octid_nr206", "ood", "bscan_icon"): {
        "pre_generator": (23.93, 0.482, 0.662),
        "gan_generator": (20.07, 0.285, 0.296),
        "imdn": (23.90, 0.480, 0.641),
        "leftthomas": (23.78, 0.472, 0.539),
        "fast": (20.65, 0.365, 0.326),
    },
    ("duke_sbsdi_bioptigen", "test", "averaged_clean"): {
        "pre_generator": (33.91, 0.751, 0.596),
        "gan_generator": (27.20, 0.421, 0.227),
        "imdn": (33.84, 0.751, 0.597),
        "leftthomas": (33.13, 0.729, 0.494),
        "fast": (29.36, 0.574, 0.230),
    },
    ("kermany_oct2017", "test", "bscan"): {
        "pre_generator": (29.22, 0.675, 0.443),
        "gan_generator": (25.48, 0.466, 0.270),
        "imdn": (29.17, 0.673, 0.443),
        "leftthomas": (28.59, 0.642, 0.318),
        "fast": (24.55, 0.450, 0.275),
    },
    ("duke_chiu2015_dme", "test", "bscan"): {
        "pre_generator": (30.09, 0.687, 0.438),
        "gan_generator": (26.41, 0.476, 0.251),
        "imdn": (30.09, 0.686, 0.437),
        "leftthomas": (29.53, 0.651, 0.303),
        "fast": (25.72, 0.468, 0.235),
    },
}


@pytest.mark.timeout(1200)  # five networks, and measures that take longer than they do
@pytest.mark.parametrize(
    "selection",
    [
        pytest.param(key, id=key[0], marks=LONG if index > 1 else [])
        for index, key in enumerate(ROWS)
    ],
)
def test_the_printed_rows_of_other_peoples_generators_come_out(
    shared: Path, selection: tuple[str, str, str]
) -> None:
    upscalers = {
        name: load_upscaler(shared / "weights" / file, device="cpu") for name, file in FILES.items()
    }
    dataset, split, role = selection
    entries = select(
        find_entries(shared / "data" / "oct"), splits=[split], datasets=[dataset], roles=[role]
    )
    means = compare(read_pairs(entries), upscalers, lpips=load_lpips()).means(dataset)
    assert [mean.method for mean in means] == list(FILES)
    for mean in means:
        psnr, ssim, lpips = ROWS[selection][mean.method]
        assert mean.psnr == pytest.approx(psnr, abs=0.02), mean
        assert mean.ssim_wang == pytest.approx(ssim, abs=0.002), mean
        assert mean.lpips == pytest.approx(lpips, abs=0.003), mean

"""Degradations against Pillow, scipy, numpy and an independent imresize."""

import dataclasses
import io
import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from torch import Tensor

from super_resolution_gans.degrade import (
    Degradation,
    DegradationRange,
    add_noise,
    add_speckle,
    blur,
    blur_reach,
    crop_to_multiple,
    downsample,
    quantise,
)

LN2 = math.log(2)
SCALES = [(4, 4), (2, 2), (8, 8), (3, 3), (1, 4), (2, 6)]
EVERYTHING = Degradation((2, 2), "area", blur=0.8, speckle=0.2, noise=0.05, seed=3)
AGREEMENT = Path(__file__).parents[1] / "benchmarks" / "degradation_agreement.py"


@pytest.fixture(scope="module")
def agreement() -> dict[str, Any]:
    """What the benchmark measures with: the independent imresize, Pillow, and its images."""
    return runpy.run_path(str(AGREEMENT), run_name="agreement")


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("image", ["noise", "smooth"])
def test_bicubic_is_that_of_pillow_everywhere(
    agreement: dict[str, Any], scale: tuple[int, int], image: str
) -> None:
    found = agreement["differences"](agreement["pillow"], agreement[image](), scale)
    assert max(found) < 1e-6


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("image", ["noise", "smooth"])
def test_bicubic_is_that_of_imresize_inside_and_of_another_convention_at_the_border(
    agreement: dict[str, Any], scale: tuple[int, int], image: str
) -> None:
    inside, border = agreement["differences"](agreement["imresize"], agreement[image](), scale)
    assert inside < 1e-6
    assert 1e-3 < border < 0.1


def test_the_independent_imresize_keeps_constants_and_mirrors_edges(
    agreement: dict[str, Any],
) -> None:
    imresize = agreement["imresize"]
    np.testing.assert_allclose(imresize(np.full((12, 8), 0.3), (4, 2)), 0.3, atol=1e-12)
    image = np.random.default_rng(1).random((24, 24))
    mirrored = np.pad(image, 24, mode="symmetric")
    np.testing.assert_allclose(
        imresize(image, (4, 4)), imresize(mirrored, (4, 4))[6:12, 6:12], atol=1e-12
    )


def test_area_is_the_mean_of_each_cell() -> None:
    x = rand(2, 3, 12, 10)
    cells = x.numpy().reshape(2, 3, 4, 3, 5, 2).mean(axis=(3, 5), dtype=np.float64)
    np.testing.assert_allclose(downsample(x, (3, 2), "area").numpy(), cells, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "offset"), [((4, 4), (1, 1)), ((3, 2), (1, 0)), ((1, 5), (0, 2))]
)
def test_decimation_keeps_the_row_and_column_nearest_to_the_centre(
    scale: tuple[int, int], offset: tuple[int, int]
) -> None:
    x = rand(1, 2, 12, 20)
    kept = downsample(x, scale, "decimate")
    expected = x[..., offset[0] :: scale[0], offset[1] :: scale[1]]
    assert torch.equal(kept, expected)
    assert kept.data_ptr() != expected.data_ptr()


@pytest.mark.parametrize("kernel", ["bicubic", "area", "decimate"])
def test_an_axis_with_factor_one_is_left_exactly_alone(kernel: Any) -> None:
    one_row = rand(1, 1, 1, 32)
    stacked = torch.cat([one_row * share for share in (1.0, 0.5, 0.25)], dim=2)
    shrunk = downsample(stacked, (1, 4), kernel)
    for row in range(3):
        assert torch.equal(
            shrunk[:, :, row], downsample(stacked[:, :, row : row + 1], (1, 4), kernel)[:, :, 0]
        )
    upright = downsample(stacked.transpose(2, 3), (4, 1), kernel)
    torch.testing.assert_close(upright.transpose(2, 3), shrunk, atol=1e-7, rtol=0)


@pytest.mark.parametrize("kernel", ["bicubic", "area", "decimate"])
@pytest.mark.parametrize("size", [(9, 8), (8, 9), (0, 8), (2, 2)])
def test_sizes_that_are_no_multiples_are_refused(kernel: Any, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="crop_to_multiple"):
        downsample(torch.zeros(1, 1, *size), (4, 4), kernel)


def test_cutting_to_a_multiple_keeps_the_upper_left() -> None:
    x = rand(1, 1, 11, 9)
    assert torch.equal(crop_to_multiple(x, (4, 2)), x[..., :8, :8])
    assert crop_to_multiple(x, (1, 3)).shape == (1, 1, 11, 9)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.6])
def test_blur_is_that_of_scipy(sigma: float) -> None:
    x = rand(2, 3, 20, 17)
    expected = ndimage.gaussian_filter(
        x.numpy().astype(np.float64), sigma, mode="nearest", radius=blur_reach(sigma), axes=(2, 3)
    )
    np.testing.assert_allclose(blur(x, sigma).numpy(), expected, atol=1e-6)


def test_a_blur_reaches_three_deviations() -> None:
    assert [blur_reach(sigma) for sigma in (0, 0.3, 0.5, 1, 2.6)] == [0, 1, 2, 3, 8]


def test_no_blur_is_the_input_itself() -> None:
    x = rand(1, 1, 3, 3)
    assert blur(x, 0) is x


@pytest.mark.parametrize("sigma", [-1.0, float("nan"), float("inf")])
def test_a_blur_that_makes_no_sense_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        blur(torch.zeros(1, 1, 3, 3), sigma)


def test_noise_has_the_stated_deviation_and_no_mean() -> None:
    x = torch.full((1, 1, 500, 500), 0.5)
    noise = add_noise(x, 0.1, torch.Generator().manual_seed(1)) - x
    assert abs(noise.mean().item()) < 5 * 0.1 / 500
    assert noise.std().item() == pytest.approx(0.1, rel=0.01)


def test_noise_is_what_the_generator_draws() -> None:
    x = rand(2, 1, 4, 4)
    drawn = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(add_noise(x, 0.5, torch.Generator().manual_seed(1)), x + drawn / 2)
    speckled = add_speckle(x, 1.0, torch.Generator().manual_seed(1))
    torch.testing.assert_close(speckled, x * torch.exp(math.sqrt(LN2) * drawn) / math.sqrt(2))


@pytest.mark.parametrize(
    "made",
    [
        lambda: blur(rand(1, 1, 6, 6).double(), 1.0),
        lambda: add_noise(torch.zeros(1, 1, 6, 6).double(), 1.0, torch.Generator()),
        lambda: add_speckle(torch.ones(1, 1, 6, 6).double(), 1.0, [torch.Generator()]),
    ],
)
def test_images_in_double_precision_get_all_of_it(made: Callable[[], Tensor]) -> None:
    image = made()
    assert image.dtype == torch.float64
    assert not torch.equal(image, image.float().double())


@pytest.mark.parametrize("contrast", [0.1, 0.5, 1.0])
def test_speckle_multiplies_by_numbers_of_mean_one_and_the_stated_contrast(
    contrast: float,
) -> None:
    x = torch.full((1, 1, 1000, 1000), 0.25)
    factors = add_speckle(x, contrast, torch.Generator().manual_seed(1)) / x
    assert factors.min().item() > 0
    assert factors.mean().item() == pytest.approx(1, abs=5 * contrast / 1000)
    assert factors.std().item() == pytest.approx(contrast, rel=0.03)


def test_rounding_gives_what_an_eight_bit_png_holds() -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(-20, 276, (64, 64)) + rng.uniform(-0.499, 0.499, (64, 64))
    x = (level / 255).astype(np.float32)
    stored = Image.fromarray(np.rint(np.clip(x.astype(np.float64), 0, 1) * 255).astype(np.uint8))
    file = io.BytesIO()
    stored.save(file, "PNG")
    read = np.asarray(Image.open(file)).astype(np.float32) / np.float32(255)
    assert np.array_equal(quantise(torch.from_numpy(x), 255).numpy(), read)


def test_rounding_twice_is_rounding_once() -> None:
    for levels in (1, 255, 65535):
        once = quantise(rand(1, 1, 50, 50), levels)
        assert torch.equal(quantise(once, levels), once)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: downsample(x, (2, 2)),
        lambda x: downsample(x, (2, 2), "area"),
        lambda x: downsample(x, (1, 1), "decimate").zero_(),
        lambda x: blur(x, 1.0),
        lambda x: add_noise(x, 1.0, torch.Generator()),
        lambda x: add_speckle(x, 1.0, torch.Generator()),
        lambda x: quantise(x, 255),
        EVERYTHING,
        Degradation((1, 1)),
    ],
)
def test_the_input_is_never_changed(change: Callable[[Tensor], Tensor]) -> None:
    x = rand(2, 1, 8, 8)
    before = x.clone()
    change(x)
    assert torch.equal(x, before)


def test_a_degradation_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    x = rand(2, 1, 8, 8)
    state = torch.get_rng_state()
    assert torch.equal(EVERYTHING(x), EVERYTHING(x))
    assert not torch.equal(EVERYTHING(x), dataclasses.replace(EVERYTHING, seed=4)(x))
    assert torch.equal(torch.get_rng_state(), state)


@given(parts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_a_batch_may_be_degraded_in_parts(parts: list[int]) -> None:
    x = rand(sum(parts), 1, 4, 6)
    whole, first = EVERYTHING(x), 0
    for count in parts:
        part = EVERYTHING(x[first : first + count], first=first)
        assert torch.equal(part, whole[first : first + count])
        first += count


def test_images_of_a_batch_have_different_noise() -> None:
    x = torch.full((3, 1, 8, 8), 0.5)
    low = Degradation((2, 2), noise=0.1, levels=0, seed=1)(x)
    assert not torch.equal(low[0], low[1])
    assert not torch.equal(low[1], low[2])


def test_seeds_of_images_have_64_bits_and_are_their_own() -> None:
    places = range(20)
    seeds = {
        EVERYTHING._generator(place, torch.device("cpu")).initial_seed() for place in places
    } | {
        dataclasses.replace(EVERYTHING, seed=place)
        ._generator(3, torch.device("cpu"))
        .initial_seed()
        for place in places
    }
    assert len(seeds) == 39  # place 3 of seed 3 is in both
    assert sum(seed >= 2**63 for seed in seeds) > 5


def test_steps_come_in_the_stated_order() -> None:
    x = rand(1, 1, 16, 16)
    generator = EVERYTHING._generator(0, x.device)
    expected = add_speckle(downsample(blur(x, 0.8), (2, 2), "area"), 0.2, generator)
    expected = quantise(add_noise(expected, 0.05, generator), 255)
    assert torch.equal(EVERYTHING(x), expected)


def test_without_rounding_nothing_is_clipped() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[..., 8:] = 1
    assert Degradation((4, 4), levels=0)(x).min() < 0
    assert Degradation((4, 4))(x).min() == 0


ranges = st.tuples(st.floats(0, 2), st.floats(0, 2)).map(lambda pair: (min(pair), max(pair)))


@given(
    scale=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    kernels=st.lists(st.sampled_from(["bicubic", "area", "decimate"]), min_size=1).map(tuple),
    blurs=ranges, speckles=ranges, noises=ranges, levels=st.integers(0, 65535),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_drawing_is_a_pure_function_within_the_range_and_prints_itself(
    scale: Any, kernels: Any, blurs: Any, speckles: Any, noises: Any, levels: int, seed: int
) -> None:
    state = torch.get_rng_state()
    wide = DegradationRange(scale, kernels, blurs, speckles, noises, levels)
    drawn = wide.sample(seed)
    assert drawn == wide.sample(seed)
    assert (drawn.scale, drawn.levels, drawn.seed) == (scale, levels, seed)
    assert drawn.kernel in kernels
    for value, (low, high) in (
        (drawn.blur, blurs),
        (drawn.speckle, speckles),
        (drawn.noise, noises),
    ):
        assert low <= value <= high
    assert eval(repr(drawn)) == drawn
    assert eval(repr(wide)) == wide
    assert torch.equal(torch.get_rng_state(), state)


def test_drawing_covers_kernels_and_intervals() -> None:
    wide = DegradationRange(kernels=("bicubic", "area"), blur=(0, 2))
    drawn = [wide.sample(seed) for seed in range(200)]
    assert 70 < sum(one.kernel == "area" for one in drawn) < 130
    assert np.mean([one.blur for one in drawn]) == pytest.approx(1, abs=0.15)


def test_what_is_drawn_is_drawn_independently() -> None:
    wide = DegradationRange(kernels=("bicubic", "area"), blur=(0, 1), speckle=(0, 1), noise=(0, 1))
    drawn = [wide.sample(seed) for seed in range(200)]
    numbers = [(one.kernel == "area", one.blur, one.speckle, one.noise) for one in drawn]
    correlations = np.corrcoef(np.array(numbers, float).T)
    assert np.abs(correlations - np.eye(4)).max() < 0.3


def test_both_are_frozen() -> None:
    for value in (Degradation(), DegradationRange()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.levels = 0  # type: ignore[misc]
        assert hash(value) == hash(dataclasses.replace(value))


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale": (0, 4)}, {"scale": (4,)}, {"scale": (2.5, 2)}, {"kernel": "nearest"},
        {"blur": -1.0}, {"blur": float("inf")}, {"noise": float("nan")}, {"speckle": -0.1},
        {"levels": -1}, {"seed": -1},
    ],
)  # fmt: skip
def test_degradations_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"scale|kernel|finite"):
        Degradation(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernels": ()}, {"kernels": ("nearest",)}, {"blur": (1.0, 0.5)}, {"noise": (-0.1, 0.1)},
        {"speckle": (0.0, float("nan"))}, {"blur": (0.0, float("inf"))}, {"scale": (0, 1)},
        {"levels": -1},
    ],
)  # fmt: skip
def test_ranges_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kernel|interval|scale|levels"):
        DegradationRange(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"scale": (0, 1)}, {"scale": (-2, 2)}, {"kernel": "lanczos"}]
)
def test_downsampling_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"scale|kernel"):
        downsample(torch.zeros(1, 1, 4, 4), **arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: downsample(torch.zeros(1, 1, 9, 8)),
            "an image of 9 x 8 cannot be shrunk by exactly 4 x 4; "
            "cut it with crop_to_multiple first",
        ),
        (
            lambda: Degradation(scale=(2, 0)),
            "a scale is two whole numbers of at least 1, not (2, 0)",
        ),
        (
            lambda: Degradation(kernel="lanczos"),  # type: ignore[arg-type]
            "unknown kernel 'lanczos'; known are bicubic, area, decimate",
        ),
        (lambda: DegradationRange(kernels=()), "at least one kernel is needed"),
        (lambda: Degradation(blur=-1.0), "blur must be finite and not negative, not -1.0"),
        (lambda: blur(torch.zeros(1), -2.0), "sigma must be finite and not negative, not -2.0"),
        (
            lambda: DegradationRange(noise=(0.2, 0.1)),
            "noise must be an interval 0 <= low <= high, not 0.2, 0.1",
        ),
    ],
)
def test_refusals_say_what_is_wrong(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    assert str(caught.value) == message


def test_a_result_one_pixel_wide_is_shrunk_like_one_that_is_one_pixel_high() -> None:
    column = torch.arange(28.0).reshape(1, 1, 28, 1).repeat(1, 1, 1, 4)
    small = downsample(column)
    assert small.shape == (1, 1, 7, 1)
    assert torch.equal(small, downsample(column.mT.contiguous()).mT)
    assert (small.flatten().diff() > 3).all()

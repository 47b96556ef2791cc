"""DISTS against the numbers of its authors' program, and against its formula written out."""

import numpy as np
import pytest
import torch
from PIL import Image

from super_resolution_gans.metrics.dists import CHANNELS, LAYERS, Dists, l2_pool, load_dists
from super_resolution_gans.metrics.image import MetricError
from super_resolution_gans.metrics.subject import Subject
from super_resolution_gans.metrics.undefined import UndefinedError
from super_resolution_gans.metrics.weights import WeightsError
from super_resolution_gans.models.features import load_features


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def read(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


@pytest.fixture(scope="module")
def genuine(shared):
    weights = shared / "weights"
    network = load_features(LAYERS, weights / "vgg16_features_fp16.safetensors", pool=l2_pool)
    return load_dists(weights / "dists" / "weights.pt", network)


def test_pairs_have_the_distances_that_the_authors_program_computes(shared, genuine):
    # dists-pytorch 0.1 with these weights of DISTS and of VGG16 (stored in half precision).
    folder = shared / "data" / "lpips_example"
    reference = read(folder / "ex_ref.png")
    assert genuine(reference, read(folder / "ex_p0.png")) == pytest.approx(0.387918, abs=2e-6)
    assert genuine(reference, read(folder / "ex_p1.png")) == pytest.approx(0.225035, abs=2e-6)
    grey = genuine(noise(45, 70), noise(45, 70, seed=1))
    assert grey == pytest.approx(0.192509, abs=2e-6)


def test_a_texture_that_is_moved_is_much_nearer_than_its_mean(genuine):
    texture = noise(64, 64)
    assert genuine(np.roll(texture, 7, axis=1), texture) < 0.3 * genuine(
        np.full((64, 64), 0.5, np.float32), texture
    )


def network(x):
    """Five random layers of the right widths, each half as large as the one before."""
    torch.manual_seed(0)
    found = {}
    for name, inputs, outputs in zip(LAYERS, CHANNELS, CHANNELS[1:], strict=False):
        x = torch.nn.functional.conv2d(x, torch.randn(outputs, inputs, 1, 1) / inputs**0.5).relu()
        found[name] = x
        x = l2_pool(x)
    return found


@pytest.fixture
def weights():
    random = np.random.default_rng(1)
    return {name: torch.from_numpy(random.random((1, 1475, 1, 1))) for name in ("alpha", "beta")}


@pytest.fixture
def dists(weights):
    total = weights["alpha"].sum() + weights["beta"].sum()
    return Dists(*(weights[name].flatten() / total for name in ("alpha", "beta")), network)


def written_out(x, y, weights):
    """Equations 3 to 6 of the paper, channel by channel."""
    total = float(weights["alpha"].sum() + weights["beta"].sum())
    stages = []
    for image in (x, y):
        tensor = torch.from_numpy(image.transpose(2, 0, 1)[None])
        stages.append([tensor, *network(tensor).values()])
    alike, channel = 0.0, 0
    for a, b in zip(*stages, strict=True):
        for p, q in zip(a[0].double().numpy(), b[0].double().numpy(), strict=True):
            texture = (2 * p.mean() * q.mean() + 1e-6) / (p.mean() ** 2 + q.mean() ** 2 + 1e-6)
            covariance = np.cov(p.ravel(), q.ravel(), bias=True)[0, 1]
            structure = (2 * covariance + 1e-6) / (p.var() + q.var() + 1e-6)
            alike += float(weights["alpha"][0, channel, 0, 0]) * texture
            alike += float(weights["beta"][0, channel, 0, 0]) * structure
            channel += 1
    return 1 - alike / total


def test_it_agrees_with_its_formula_written_out(dists, weights):
    x, y = noise(24, 20, 3), noise(24, 20, 3, seed=1)
    assert dists(x, y) == pytest.approx(written_out(x, y, weights), abs=1e-5)


def test_identical_images_are_0_apart_and_it_is_symmetric(dists):
    x, y = noise(32, 32, 3), noise(32, 32, 3, seed=1)
    assert dists(x, x) == pytest.approx(0, abs=1e-6)
    assert dists(x, y) == pytest.approx(dists(y, x), abs=1e-6)


def test_grey_is_three_equal_channels_and_features_of_a_subject_are_computed_once(weights):
    calls = []

    def counted(x):
        calls.append(1)
        return network(x)

    total = weights["alpha"].sum() + weights["beta"].sum()
    dists = Dists(*(weights[name].flatten() / total for name in ("alpha", "beta")), counted)
    truth = Subject(noise(32, 32))
    numbers = [dists(noise(32, 32, seed=seed), truth) for seed in (1, 2)]
    assert len(calls) == 3
    colour = [np.stack([noise(32, 32, seed=seed)] * 3, axis=2) for seed in (0, 1, 2)]
    assert numbers == [dists(image, colour[0]) for image in colour[1:]]


def test_l2_pooling_is_the_root_of_weighted_squares():
    x = torch.from_numpy(noise(1, 2, 5, 6).astype(np.float64))
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    window = np.outer([1, 2, 1], [1, 2, 1]) / 16
    pooled = l2_pool(x).numpy()
    assert pooled.shape == (1, 2, 3, 3)
    for row in range(3):
        for column in range(3):
            part = padded[..., 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            expected = np.sqrt((part**2 * window).sum(axis=(2, 3)))
            np.testing.assert_allclose(pooled[..., row, column], expected, atol=1e-6)


def test_the_smallest_image_has_a_distance_and_a_smaller_one_none(dists):
    assert dists(noise(16, 16), noise(16, 16, seed=1)) > 0
    with pytest.raises(UndefinedError, match="16 x 16"):
        dists(noise(15, 64), noise(15, 64))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (noise(40, 40), noise(40, 44), "different shapes"),
        (noise(40, 40, 4), noise(40, 40, 4), "expected"),
        (np.full((40, 40), np.nan, np.float32), noise(40, 40), "NaN"),
        (np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8), "floating point"),
    ],
)
def test_what_cannot_be_compared_is_refused(dists, first, second, reason):
    with pytest.raises(MetricError, match=reason):
        dists(first, second)


def test_weights_are_read_and_add_up_to_one(dists, weights, tmp_path):
    torch.save(weights, tmp_path / "weights.pt")
    x, y = noise(24, 20), noise(24, 20, seed=1)
    assert load_dists(tmp_path / "weights.pt", network)(x, y) == dists(x, y)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"alpha": torch.ones(1475)}, "'beta' must be 1475"),
        ({"alpha": torch.ones(1475), "beta": torch.ones(1474)}, "'beta' must be 1475"),
        ({"alpha": torch.full((1475,), -1.0), "beta": torch.ones(1475)}, "alpha must be finite"),
        ({"alpha": torch.ones(1475), "beta": torch.full((1475,), torch.nan)}, "beta must be"),
        ([torch.ones(1475)], "'alpha' must be"),
    ],
)
def test_weights_of_wrong_names_sizes_or_values_are_refused(tmp_path, stored, words):
    path = tmp_path / "weights.pt"
    torch.save(stored, path)
    with pytest.raises(WeightsError, match=words) as caught:
        load_dists(path, network)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 40, b"PK\x03\x04"])
def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "weights.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_dists(path, network)
    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"alpha": Trap()}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="not a readable file") as caught:
        load_dists(tmp_path / "weights.pt", network)
    assert not (tmp_path / "sprung").exists()
    assert len(str(caught.value)) < 400

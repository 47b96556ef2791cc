"""Inputs that are no scans as the model knows them are warned of, in words; scans are not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from super_resolution_gans import Scan, read_scan
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import read_pairs, select
from super_resolution_gans.evaluation.pairs import make_pair
from super_resolution_gans.models.checkpoint import load_generator
from super_resolution_gans.prediction.appearance import appearance
from super_resolution_gans.prediction.catalogue import SHIPPED, find_weights
from super_resolution_gans.prediction.domain import describe, judge, judge_features
from super_resolution_gans.prediction.domain_statistics import (
    JUDGED,
    SHIPPED_STATISTICS,
    DomainStatistics,
    load_statistics,
    statistics_for,
)
from super_resolution_gans.prediction.errors import PredictionError

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "scans").glob("*.[jp]*g"))
STATISTICS = load_statistics(SHIPPED_STATISTICS)


def scan_of(image) -> Scan:
    return Scan(np.clip(np.asarray(image, np.float32), 0, 1)[None])


def judged(image) -> str:
    return " | ".join(judge(scan_of(image), STATISTICS))


@pytest.fixture(params=["low", "own"])
def bscan(request):
    """A bundled scan, as its LR twin and at its own resolution."""
    hr = read_scan(EXAMPLES[0]).slice_pixels(0)
    return make_pair("scan", hr).lr if request.param == "low" else hr


def enlarged(image, factor, method):
    picture = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    size = (picture.width * factor, picture.height * factor)
    return np.asarray(picture.resize(size, method), np.float32) / 255


def fundus():
    """An orange disc on black, a bright spot, dark vessels."""
    picture = Image.new("RGB", (300, 300))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 10, 290, 290), fill=(190, 90, 40))
    draw.ellipse((190, 130, 230, 170), fill=(240, 200, 120))
    for end in ((60, 40), (40, 150), (70, 260), (200, 30), (220, 270)):
        draw.line((210, 150, *end), fill=(120, 30, 20), width=4)
    return np.asarray(picture, np.float32) / 255


def screenshot(ink, paper):
    picture = Image.new("RGB", (320, 240), paper)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 319, 22), fill=ink)
    for line in range(12):
        draw.text((10, 30 + 16 * line), f"Patient {line}: visit, thickness 2{line}1 um", fill=ink)
    return np.asarray(picture, np.float32) / 255


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_bundled_scans_are_not_warned_of(path):
    hr = read_scan(path).slice_pixels(0)
    assert judged(hr) == ""
    assert judged(make_pair("scan", hr).lr) == ""
    assert judged(np.repeat(hr[..., None], 3, axis=2)) == ""


def test_a_fundus_photograph_is_called_one():
    assert "photograph of the fundus" in judged(fundus())


def test_a_grey_fundus_photograph_is_no_scan_either():
    assert "photograph" in judged(fundus().mean(axis=2))


def test_a_screenshot_is_called_one():
    assert "screenshot" in judged(screenshot((20, 20, 200), (230, 230, 240)))
    assert "screenshot" in judged(screenshot((30, 30, 30), (225, 225, 225)).mean(axis=2))


def test_black_on_pure_white_is_not_taken_for_a_padded_scan():
    assert judged(screenshot((0, 0, 0), (255, 255, 255)).mean(axis=2))


def test_swapped_dark_and_bright_is_noticed(bscan):
    assert "swapped" in judged(1 - bscan)


def test_a_scan_on_its_side_is_noticed(bscan):
    assert "turned by 90 degrees" in judged(np.rot90(bscan))


@pytest.mark.parametrize("factor", [2, 4])
def test_repeated_pixels_are_noticed(bscan, factor):
    found = judged(enlarged(bscan, factor, Image.Resampling.NEAREST))
    assert f"{factor} equal copies" in found


def test_an_upscaled_scan_is_noticed():
    low = make_pair("scan", read_scan(EXAMPLES[0]).slice_pixels(0)).lr
    assert "upscaled already" in judged(enlarged(low, 4, Image.Resampling.BICUBIC))
    assert "upscaled already" in judged(enlarged(low, 2, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_empty_picture_is_called_empty(value):
    assert judged(np.full((64, 96), value)).startswith("nearly empty")


def test_noise_is_no_scan():
    assert "layers" in judged(np.random.default_rng(0).uniform(0, 1, (128, 128)))


def test_washed_out_brightness_is_noticed(bscan):
    assert "brighter than all training scans" in judged(0.55 + 0.4 * bscan)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 400), (15, 400), (16, 16), (31, 33), (17, 300), (40, 40, 3), (5, 5, 3)]
)
def test_odd_shapes_are_judged_without_an_error(shape):
    rng = np.random.default_rng(1)
    for image in (rng.uniform(0, 1, shape), np.zeros(shape), np.ones(shape), np.eye(*shape[:2])):
        assert all(isinstance(sentence, str) for sentence in judge(scan_of(image), STATISTICS))


def test_a_tiny_picture_is_said_to_be_too_small():
    assert "too few to compare" in judged(np.zeros((8, 8)))


def test_white_wedges_do_not_change_the_verdict(bscan):
    padded = bscan.copy()
    for row in range(len(padded)):
        padded[row, : max(0, padded.shape[1] // 4 - row)] = 1
    assert judged(padded) == ""


def test_of_a_volume_three_slices_are_looked_at_and_two_must_agree():
    low = make_pair("scan", read_scan(EXAMPLES[0]).slice_pixels(0)).lr
    one = Scan(np.stack([low, low, low, 1 - low, low]))  # slices 0, 2 and 4 are looked at
    assert judge(one, STATISTICS) == []
    assert len(describe(one)) == 3
    assert judge(Scan(np.stack([low, low, 1 - low])), STATISTICS) == []
    assert len(judge(Scan(np.stack([low, 1 - low, 1 - low])), STATISTICS)) == 1


def test_of_a_lazy_scan_only_windows_are_read():
    class Wide:
        shape = (2, 64, 100_000)
        most = 0

        def read(self, index, rows, columns):
            assert index in (0, 1)
            self.most = max(self.most, columns.stop - columns.start)
            return np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)

    source = Wide()
    assert judge(Scan(source), STATISTICS)
    assert 0 < source.most < 2000


def test_features_know_directions():
    layers = np.tile(np.sin(np.arange(64))[:, None] * 0.3 + 0.4, (1, 64))
    down, across = appearance(layers), appearance(layers.T)
    assert down["direction"] > 1 > -1 > across["direction"]
    assert down["rows"] == pytest.approx(1, abs=0.01) == across["columns"]
    assert down["columns"] == pytest.approx(0, abs=1e-6)


def test_repeats_are_found_at_any_offset():
    noise = np.random.default_rng(2).uniform(0, 0.9, (20, 80)).astype(np.float32)
    repeated = np.repeat(noise, 4, axis=0)[3:]
    assert appearance(repeated)["repeats"] == 4
    assert appearance(repeated.T.copy())["repeats"] == 4
    assert appearance(np.kron(noise, np.eye(1)))["repeats"] == 1


def test_margins_cover_a_dataset_left_out_and_the_validation():
    def features(low, high):
        return [dict.fromkeys(JUDGED, value) for value in np.linspace(low, high, 5)]

    sets = {"a": features(0, 10), "b": features(2, 14)}  # b reaches 0.4 widths beyond a
    fitted = DomainStatistics.fitted(sets, [], "x")
    assert fitted.limits["outer"] == pytest.approx((-0.2 * 14, 14 + 0.4 * 14), abs=2e-4)
    assert fitted.seen["outer"][::2] == (0, 14)
    wider = DomainStatistics.fitted(sets, [dict.fromkeys(JUDGED, -30.0)], "x")
    assert wider.limits["outer"][0] == -30
    with pytest.raises(PredictionError, match="no training scan has a colour"):
        DomainStatistics.fitted({"a": [{}]}, [], "x")


def test_statistics_survive_json_and_are_small():
    text = json.dumps(STATISTICS.as_dict())
    assert len(text) < 4096
    assert DomainStatistics.of_dict(json.loads(text)) == STATISTICS


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_have_statistics_of_their_own_training_data(name):
    card = load_generator(find_weights(name)).card
    assert statistics_for(card) == STATISTICS
    assert statistics_for({**card, "data_sha256": "another"}) is None


def test_statistics_on_the_card_come_first():
    own = STATISTICS.as_dict() | {"scans": 7}
    assert statistics_for({"domain": own}).scans == 7


@pytest.mark.parametrize(
    "damaged", [None, [], {}, {"limits": 3}, STATISTICS.as_dict() | {"limits": {"skew": [1]}}]
)
def test_damaged_statistics_count_as_unknown(damaged):
    assert statistics_for({"domain": damaged}) is None
    with pytest.raises(PredictionError, match="cannot be read"):
        DomainStatistics.of_dict(damaged)


def test_a_feature_without_limits_is_not_judged():
    nothing = DomainStatistics({}, {}, 0, {}, "")
    assert judge_features(describe(scan_of(0.9 - 0.8 * np.eye(64))), nothing) == []


@pytest.mark.slow
def test_no_scan_of_people_never_seen_is_warned_of(shared):
    entries = select(find_entries(shared / "data" / "oct"), splits=["test", "ood"])
    warned = [pair.name for pair in read_pairs(entries) if judged(pair.lr) or judged(pair.hr)]
    assert warned == []


def test_photographs_are_warned_of(shared):
    folder = shared / "data" / "natural" / "Set5"
    images = [np.asarray(Image.open(p).convert("RGB"), np.float32) / 255 for p in folder.iterdir()]
    assert len(images) == 5
    for image in images:
        assert "colour" in judged(image)
        assert judged(image.mean(axis=2))

"""Calibrate the uncertainty of the shipped models: which error goes with which signals.

    python tools/calibrate_uncertainty.py DATA --cache FOLDER [--out FILE] [--check]

DATA is a folder with ``manifest.csv``. The scale is fitted on people of the train split (there are
four devices among them, and noise cannot be learned by heart), the factor that makes intervals
cover on those of the validation split, whom neither network was trained on: there are two. With
``--check`` nothing is written, and the test and ood splits are measured by the shipped file.
Images are kept in FOLDER as .npy, so that a second run does not upscale again.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans.data.inventory import Entry, find_entries
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.evaluation.pairs import Pair
from super_resolution_gans.io.atomic import replacing
from super_resolution_gans.metrics.image import padding_mask
from super_resolution_gans.prediction import load_upscaler
from super_resolution_gans.prediction.conformal import (
    conformal_factor,
    fit_log_scale,
    interval_score,
)
from super_resolution_gans.prediction.uncertainty import (
    FLIPS,
    SHIPPED_CALIBRATION,
    Calibration,
    signals,
)
from super_resolution_gans.version import __version__

COVERAGE = 0.9
PIXELS = 8_000  # drawn of each scan
MOST_OF_A_PERSON = {"train": 4, "val": 12}  # scans: neighbours are alike
USED = ("networks_0", "networks_8", "deviation_2", "brightness_2", "brightness_2_squared")
WITH_FLIPS = ("networks_0", "flips_8", "deviation_2", "brightness_2", "brightness_2_squared")
ALTERNATIVES = {
    "networks": ("networks_0", "networks_8"),
    "image alone": ("deviation_2", "brightness_2", "brightness_2_squared"),
    "flips": ("flips_8",),
    "flips for networks_8": WITH_FLIPS,
    "all": (*USED, "flips_8"),
}
ALL = ALTERNATIVES["all"]
SRGAN, SRRESNET = "oct-srgan-x4", "oct-srresnet-x4"
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """Pixels of one scan: what was known of them, and how far off both networks were."""

    dataset: str
    person: str
    signals: dict[str, Numbers]  # (n,) each
    errors: Numbers  # (n,) of the SRGAN
    smooth_errors: Numbers  # (n,) of the SRResNet

    def stacked(self, names: Sequence[str]) -> Numbers:
        """(n, k)."""
        return np.stack([self.signals[name] for name in names], axis=1)


class Images:
    """Both networks' images of a scan, computed once."""

    def __init__(self, folder: Path) -> None:
        self.srgan, self.srresnet = (load_upscaler(n, device="cpu") for n in (SRGAN, SRRESNET))
        self.models = {
            model.name: str(model.provenance.weights_sha256)
            for model in (self.srgan, self.srresnet)
        }
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, low: Numbers) -> Numbers:
        """(2 + flips, H, W): the SRGAN's image, the SRResNet's, the SRGAN's of mirror images."""
        key = hashlib.sha256(low.tobytes() + json.dumps(self.models).encode()).hexdigest()[:32]
        path = self._folder / f"{key}.npy"
        if not path.is_file():
            mirrored = [self.srgan(np.ascontiguousarray(low[flip]))[flip] for flip in FLIPS]
            np.save(path, np.stack([self.srgan(low), self.srresnet(low), *mirrored]))
        images: Numbers = np.load(path)
        return images


def thinned(entries: Iterable[Entry], most: int) -> Iterator[Entry]:
    """At most so many of each person and dataset, spread over what there is."""
    people: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        people.setdefault((entry.dataset, entry.person), []).append(entry)
    for scans in people.values():
        count = min(most, len(scans))
        yield from (scans[(2 * i + 1) * len(scans) // (2 * count)] for i in range(count))


def sampled(pair: Pair, images: Numbers) -> Sample:
    """Pixels that are not padding, drawn by the scan's name."""
    sr, smooth, *flips = images
    maps = signals(pair.lr, sr, smooth, flips)
    counted = np.flatnonzero(padding_mask(pair.hr))
    seed = int(hashlib.sha256(pair.name.encode()).hexdigest()[:8], 16)
    chosen = np.random.default_rng(seed).choice(counted, min(PIXELS, len(counted)), replace=False)
    return Sample(
        pair.dataset,
        f"{pair.dataset}/{pair.patient or Path(pair.name).parent.as_posix()}",
        {name: maps[name].ravel()[chosen] for name in ALL},
        np.abs(pair.hr - sr).ravel()[chosen],
        np.abs(pair.hr - smooth).ravel()[chosen],
    )


def samples_of(entries: Iterable[Entry], images: Images) -> list[Sample]:
    """Samples of all scans of these entries, saying which."""
    samples = []
    for pair in read_pairs(entries):
        print(f"  {pair.name}", flush=True)
        samples.append(sampled(pair, images.of(pair.lr)))
    return samples


def equal_shares(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Weights of all pixels: each dataset counts the same, of it each person, of them each scan."""
    people: dict[str, dict[str, int]] = {}
    for sample in samples:
        counts = people.setdefault(sample.dataset, {})
        counts[sample.person] = counts.get(sample.person, 0) + 1
    return np.concatenate(
        [
            np.full(
                len(one.errors),
                1 / len(people[one.dataset]) / people[one.dataset][one.person] / len(one.errors),
            )
            for one in samples
        ]
    )


def joined(samples: Sequence[Sample], names: Sequence[str]) -> tuple[Numbers, Numbers, Numbers]:
    """Signals (n, k), errors of the SRGAN and of the SRResNet (n,)."""
    return (
        np.concatenate([one.stacked(names) for one in samples]),
        np.concatenate([one.errors for one in samples]),
        np.concatenate([one.smooth_errors for one in samples]),
    )


def scales(coefficients: NDArray[np.float64], inputs: Numbers) -> NDArray[np.float64]:
    """s of each pixel."""
    result: NDArray[np.float64] = np.exp(coefficients[0] + inputs @ coefficients[1:])
    return result


def rank_correlation(first: Numbers, second: Numbers) -> float:
    """Spearman's; there are next to no ties."""
    ranks = [np.argsort(np.argsort(values)).astype(np.float64) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


def measured(errors: Numbers, half_widths: NDArray[np.floating[Any]]) -> dict[str, float]:
    """How good intervals are, beside the best constant width for the very same pixels."""
    constant = float(np.quantile(errors, COVERAGE))
    return {
        "coverage": float(np.mean(errors <= half_widths)),
        "mean_half_width": float(np.mean(half_widths)),
        "score": interval_score(errors, half_widths, COVERAGE),
        "score_of_best_constant": interval_score(errors, constant, COVERAGE),
        "rank_correlation": rank_correlation(half_widths, errors),
    }


def row(name: str, numbers: dict[str, float]) -> str:
    """A line of a table."""
    return (
        f"{name:70} {numbers['coverage']:6.3f} {numbers['mean_half_width']:7.4f} "
        f"{numbers['score']:7.4f} {numbers['score_of_best_constant']:7.4f} "
        f"{numbers['rank_correlation']:6.3f}"
    )


HEAD = f"{'':70} {'covered':>6} {'width':>6} {'score':>7} {'const.':>7} {'rho':>6}"


@dataclass(frozen=True)
class Fit:
    """A scale, and the factor that the validation people gave it."""

    names: Sequence[str]
    coefficients: NDArray[np.float64]
    factor: float

    def half_widths(self, samples: Sequence[Sample]) -> NDArray[np.float64]:
        """Of all pixels of samples."""
        return self.factor * scales(self.coefficients, joined(samples, self.names)[0])


def fitted(
    training: Sequence[Sample], validation: Sequence[Sample], names: Sequence[str], smooth: bool
) -> Fit:
    """Scale from training people, factor from validation people."""
    inputs, *errors = joined(training, names)
    shares = equal_shares(training)
    coefficients = np.round(fit_log_scale(inputs, errors[smooth], shares, COVERAGE), 4)
    inputs, *errors = joined(validation, names)
    ratios = errors[smooth] / scales(coefficients, inputs)
    factor = conformal_factor(ratios, equal_shares(validation), COVERAGE)
    return Fit(names, coefficients, round(factor, 4))


def one_left_out(
    training: Sequence[Sample], validation: Sequence[Sample]
) -> dict[str, dict[str, float]]:
    """Each validation person by the factor of the others."""
    result = {}
    for person in sorted({one.person for one in validation}):
        others = [one for one in validation if one.person != person]
        theirs = [one for one in validation if one.person == person]
        fit = fitted(training, others, USED, smooth=False)
        result[person] = measured(joined(theirs, USED)[1], fit.half_widths(theirs))
    return result


def calibrate(data: Path, images: Images) -> Calibration:
    """Fit on the train and validation splits, print what they say, return the calibration."""
    entries = apart_by_role(find_entries(data))
    training, validation = (
        samples_of(thinned(select(entries, splits=[split]), most), images)
        for split, most in MOST_OF_A_PERSON.items()
    )
    fit = fitted(training, validation, USED, smooth=False)
    smooth = fitted(training, validation, USED, smooth=True)
    print(HEAD)
    for name, names in {"used": USED, **ALTERNATIVES}.items():
        other = fitted(training, validation, names, smooth=False)
        for person in sorted({one.person for one in validation}):
            theirs = [one for one in validation if one.person == person]
            numbers = measured(joined(theirs, names)[1], other.half_widths(theirs))
            print(row(f"{name}: {person}", numbers))
    left_out = one_left_out(training, validation)
    for person, numbers in left_out.items():
        print(row(f"by the other person's factor: {person}", numbers))
    narrower = smooth.half_widths(validation).mean() / fit.half_widths(validation).mean()
    print(f"with the SRResNet as the centre: {narrower:.3f} of the width")
    story = {
        "made_by": "tools/calibrate_uncertainty.py",
        "version": __version__,
        "scale_fitted_on": counted(training),
        "factor_from": counted(validation),
        "pixels_of_a_scan": PIXELS,
        "one_person_by_the_other": left_out,
        "width_with_srresnet_as_centre": narrower,
        "constant_half_width": conformal_factor(
            joined(validation, USED)[1], equal_shares(validation), COVERAGE
        ),
    }
    slopes = dict(zip(USED, map(float, fit.coefficients[1:]), strict=True))
    return Calibration(
        COVERAGE, float(fit.coefficients[0]), slopes, fit.factor, images.models, _short(story)
    )


def counted(samples: Sequence[Sample]) -> dict[str, str]:
    """{dataset: how many scans of how many people}."""
    found: dict[str, list[str]] = {}
    for one in samples:
        found.setdefault(one.dataset, []).append(one.person)
    return {name: f"{len(who)} scans of {len(set(who))}" for name, who in found.items()}


def _short(value: Any) -> Any:
    """Floats of four decimals, all the way down."""
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items()}
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


def check(data: Path, images: Images, path: Path) -> None:
    """Measure the test and ood splits by a calibration that exists; nothing is fitted."""
    calibration = Calibration.load(path)
    entries = apart_by_role(find_entries(data))
    splits = {name: samples_of(select(entries, splits=[name]), images) for name in ("test", "ood")}
    samples = [one for chosen in splits.values() for one in chosen]

    def widths(chosen: Sequence[Sample]) -> NDArray[np.floating[Any]]:
        maps = [calibration.half_width(one.signals) for one in chosen]
        return np.concatenate(maps)

    constant = float(calibration.story["constant_half_width"])
    print(f"{HEAD}  constant {constant:.4f} from the validation people: covered, score")
    for dataset in sorted({one.dataset for one in samples}):
        chosen = [one for one in samples if one.dataset == dataset]
        people = sorted({one.person for one in chosen})
        for person in people:
            theirs = [one for one in chosen if one.person == person]
            print(row(person, measured(joined(theirs, USED)[1], widths(theirs))))
        label = f"{dataset}: {len(chosen)} scans of {len(people)}"
        errors = joined(chosen, USED)[1]
        by_constant = interval_score(errors, constant, COVERAGE)
        print(
            f"{row(label, measured(errors, widths(chosen)))}  "
            f"{np.mean(errors <= constant):.3f} {by_constant:.4f}"
        )
    for split, chosen in {**splits, "both": samples}.items():
        print(row(f"people of {split}, each alike", by_person(chosen, widths)))


def by_person(samples: Sequence[Sample], widths: Any) -> dict[str, float]:
    """What is measured, of each person's pixels pooled, averaged over people."""
    people = sorted({one.person for one in samples})
    found = []
    for person in people:
        theirs = [one for one in samples if one.person == person]
        found.append(measured(joined(theirs, USED)[1], widths(theirs)))
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    errors, pooled = joined(samples, USED)[1], widths(samples)
    return {**means, "rank_correlation": rank_correlation(pooled, errors)}


def main() -> None:
    """Calibrate or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED_CALIBRATION)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    images = Images(arguments.cache)
    if arguments.check:
        check(arguments.data, images, arguments.out)
        return
    calibration = calibrate(arguments.data, images)
    with replacing(arguments.out) as file:
        file.write((json.dumps(calibration.as_dict(), indent=1, sort_keys=True) + "\n").encode())
    print(f"factor {calibration.factor} -> {arguments.out}")


if __name__ == "__main__":
    main()

"""What texture has to cost in PSNR: how near to HR's power spectrum a given error can come.

    python benchmarks/texture_cost.py DATA [--split test ood] [--loss 1.5] [--distance 0.3]

Let M be the mean of all HR that have the same LR. For every SR made of that LR, E|HR - SR|^2 =
E|HR - M|^2 + E|SR - M|^2, since HR - M is uncorrelated with whatever LR tells; so at a frequency
where M has power m, an SR of power p adds at least

    (sqrt(p) - sqrt(m))^2   to the error, where SR is M made stronger, and
    p - m                   where what was added is uncorrelated with M, as made-up speckle is.

The powers p that are nearest to HR's in the spectrum distance, for what they add, are the same
choice at every frequency: with one price for a decade. Swept over prices, that is the curve that no
method gets below whose M is no better than that of ``oct-srresnet-x4``, which stands for M here
(what it lacks makes the true curve lower). It takes an image for stationary: real texture has to be
in the right place as well, and costs more.

For each dataset: bicubic's PSNR, and above or below it SRResNet's, the SRGAN's with its distance;
the least distance at the SRGAN's error and ``--loss`` dB below bicubic, and what ``--distance``
costs, all for both kinds of texture. Whole images, white padding included; means over images.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from super_resolution_gans import load_upscaler
from super_resolution_gans.data.inventory import find_entries
from super_resolution_gans.data.pairs import apart_by_role, read_pairs, select
from super_resolution_gans.evaluation.pairs import quantised
from super_resolution_gans.metrics.spectrum import mean_power, spectrum_distance

PRICES = np.logspace(-4, 1.5, 80)  # of a decade at all frequencies, in shares of M's error
STEPS = np.linspace(0, 1, 101)[:, None, None]  # from M's power to HR's, in equal parts of decades
KINDS = ("M made stronger", "uncorrelated")
Values = NDArray[np.floating]


def decibels(image: Values, hr: Values) -> float:
    """PSNR of a whole image."""
    return float(-10 * np.log10(np.mean(np.square(image - hr, dtype=np.float64))))


def cheapest(mean: Values, hr: Values, kind: str) -> Values:
    """(prices, 2): what the best choice adds to M's error, in dB, and its spectrum distance."""
    low, wanted, error = mean_power(mean), mean_power(hr), mean_power(hr - mean)
    power = low ** (1 - STEPS) * np.maximum(wanted, low) ** STEPS
    added = power - low if kind == "uncorrelated" else np.square(np.sqrt(power) - np.sqrt(low))
    away = np.abs(np.log10(power / wanted))
    found = []
    for price in PRICES:
        chosen = np.argmin(added / error.mean() + price * away, axis=0)[None]
        cost, distance = (np.take_along_axis(x, chosen, 0).mean() for x in (added, away))
        found.append((10 * np.log10(1 + cost / error.mean()), distance))
    return np.array(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", nargs="+", default=["test", "ood"])
    parser.add_argument("--model", default="oct-srgan-x4")
    parser.add_argument("--loss", type=float, default=1.5)
    parser.add_argument("--distance", type=float, default=0.3)
    arguments = parser.parse_args()
    bicubic, faithful, model = (
        load_upscaler(name, scale=4, device="cpu")
        for name in ("bicubic", "oct-srresnet-x4", arguments.model)
    )
    entries = apart_by_role(select(find_entries(arguments.data), splits=arguments.split))
    for dataset in dict.fromkeys(entry.dataset for entry in entries):
        here, curves = [], {kind: [] for kind in KINDS}
        for pair in read_pairs([entry for entry in entries if entry.dataset == dataset]):
            mean, sr = faithful(pair.lr), quantised(model(pair.lr), 255)
            base = decibels(quantised(bicubic(pair.lr), 255), pair.hr)
            gain = decibels(mean, pair.hr) - base
            distance = spectrum_distance(sr, pair.hr)
            here.append((base, gain, decibels(sr, pair.hr) - base, distance))
            for kind in KINDS:
                curve = cheapest(mean, pair.hr, kind)
                curves[kind].append(np.stack([gain - curve[:, 0], curve[:, 1]], axis=1))
        base, gain, lost, distance = np.mean(here, axis=0)
        print(f"{dataset}, {len(here)} images: bicubic {base:.2f} dB, SRResNet {gain:+.2f}")
        print(f"  {model.name}: {lost:+.2f} dB, distance {distance:.2f}")
        for kind in KINDS:
            gains, distances = np.mean(curves[kind], axis=0)[::-1].T  # falling, rising prices
            at = {d: np.interp(d, gains, distances) for d in (lost, -arguments.loss)}
            needed = np.interp(arguments.distance, distances, gains)
            print(
                f"  {kind}: at least {at[lost]:.2f} there, {at[-arguments.loss]:.2f} at "
                f"{-arguments.loss:+.2f} dB; {arguments.distance:g} at {needed:+.2f} dB",
                flush=True,
            )


if __name__ == "__main__":
    main()

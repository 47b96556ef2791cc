"""How often 95 % limits of a share hold it, if people have several images that are alike.

    python benchmarks/interval_coverage.py [--repeats 2000]

People have 1 to 5 images; the share of right ones of each person is drawn from a beta distribution
with an intraclass correlation of 1/4. Wilson's limits as if all images were independent, resampling
of people (percentiles of 2,000 resamples, ``none`` where all people are alike), and Wilson's limits
with the effective number of images, which ``srgan agree`` uses.
"""

import argparse

import numpy as np

from super_resolution_gans.evaluation.intervals import clustered_wilson, wilson


def percentiles(sums: np.ndarray, numbers: np.ndarray, random: np.random.Generator) -> tuple:
    """Limits of the share by resampling people."""
    people = len(sums)
    draws = random.multinomial(people, np.full(people, 1 / people), size=2000)
    return tuple(np.percentile((draws @ sums) / (draws @ numbers), (2.5, 97.5)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    print("people  share  independent  resampled  (none)  effective")
    for people in (10, 15, 20, 30, 50):
        for share in (0.5, 0.7, 0.9, 0.95):
            random = np.random.default_rng([people, int(100 * share)])
            held = np.zeros(3)
            none = 0
            for _ in range(repeats):
                numbers = random.integers(1, 6, people)
                own = random.beta(3 * share, 3 * (1 - share), people)
                sums = random.binomial(numbers, own)
                right = [n < s for m, s in zip(numbers, sums, strict=True) for n in range(m)]
                whose = np.repeat(np.arange(people), numbers).astype(str).tolist()
                found = clustered_wilson(right, whose)
                resampled = percentiles(sums, numbers, random)
                none += resampled[0] == resampled[1]
                limits = (
                    wilson(sum(right) / len(right), len(right)),
                    resampled,
                    (found.low, found.high),
                )
                held += [low <= share <= high for low, high in limits]
            first, second, third = held / repeats
            print(
                f"{people:6}  {share:5.2f}  {first:11.3f}  {second:9.3f}  "
                f"{none / repeats:6.3f}  {third:9.3f}"
            )


if __name__ == "__main__":
    main()

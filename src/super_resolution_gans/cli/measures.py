"""Which measures ``srgan evaluate`` adds to the usual, and the files that some of them need."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from super_resolution_gans.evaluation.measure import Measuring, Regions
    from super_resolution_gans.evaluation.pairs import Pair
    from super_resolution_gans.metrics.regions import Labels

NEEDED = {"dists": ("dists", "vgg16"), "niqe": ("niqe",)}  # measure: its files


def measuring(names: str, files: Sequence[str]) -> "dict[str, Measuring]":
    """Measures by name.

    Args:
        names: joined by commas; empty for none.
        files: ``NAME=FILE``.

    Raises:
        ValueError: if a measure or a file is unknown, lacking or broken.
    """
    from super_resolution_gans.evaluation.measure import MEASURING
    from super_resolution_gans.evaluation.measures import named

    chosen = named([name.strip() for name in names.split(",") if name.strip()])
    paths = _paths(files)
    found: dict[str, Measuring] = {}
    for name in chosen:
        for need in NEEDED.get(name, ()):
            if need not in paths:
                raise ValueError(f"--metrics {name} needs --metric-file {need}=FILE")
        if name == "dists":
            found[name] = _dists(paths["dists"], paths["vgg16"])
        elif name == "niqe":
            found[name] = _niqe(paths["niqe"])
        else:
            found[name] = MEASURING[name]
    return found


def hashes(files: Sequence[str], regions: Path | None) -> dict[str, str]:
    """The SHA-256 of all files that measures depend on, by name: ``NAME=FILE``, and regions.

    Raises:
        OSError: if one cannot be read.
    """
    from super_resolution_gans.prediction.provenance import sha256

    paths = _paths(files)
    if regions is not None:
        paths["regions"] = regions
    return {name: sha256(path) for name, path in paths.items()}


def drawn_regions(folder: Path) -> "Regions":
    """Labels of a pair, from the PNG of its name in a folder: ``a/b.tif`` has ``a/b.png``.

    Slice 3 of ``c.tif`` has ``c[3].png``. What HR was cut by is cut as well.
    """

    def of(pair: "Pair") -> "Labels":
        import numpy as np

        from super_resolution_gans.evaluation.pairs import EvaluationError, levels_of
        from super_resolution_gans.io import read_scan

        base, number = re.fullmatch(r"(.*?)(\[\d+\])?", pair.name, re.DOTALL).groups()  # type: ignore[union-attr]
        path = folder / f"{Path(base).with_suffix('')}{number or ''}.png"
        if not path.is_file():
            raise EvaluationError(pair.name, f"its regions are not at {path}")
        scan = read_scan(path)
        labels = np.rint(scan.slice_pixels(0) * levels_of(scan)).astype(np.uint16)
        height, width = pair.hr.shape[:2]
        if labels.ndim != 2 or labels.shape[0] < height or labels.shape[1] < width:
            raise EvaluationError(
                pair.name, f"its regions {path} are {labels.shape}, HR is {(height, width)}"
            )
        return labels[:height, :width]

    return of


def _paths(files: Sequence[str]) -> dict[str, Path]:
    known = sorted({need for needs in NEEDED.values() for need in needs})
    paths = {}
    for file in files:
        name, equals, path = file.partition("=")
        if name not in known or not equals or not path:
            raise ValueError(
                f"--metric-file {file}: expected one of {', '.join(known)}, then =FILE"
            )
        paths[name] = Path(path)
    return paths


def _dists(weights: Path, vgg16: Path) -> "Measuring":
    from super_resolution_gans.metrics.dists import LAYERS, l2_pool, load_dists
    from super_resolution_gans.models.features import load_features

    dists = load_dists(weights, load_features(LAYERS, vgg16, pool=l2_pool))
    return lambda seen: dists(seen.whole_sr, seen.whole_hr)


def _niqe(parameters: Path) -> "Measuring":
    from super_resolution_gans.metrics.niqe import load_niqe

    niqe = load_niqe(parameters)
    return lambda seen: niqe(seen.whole_sr)

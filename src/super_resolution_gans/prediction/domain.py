"""Does a scan look like those a model learned from? If not, what is unlike, in plain words.

A network makes something of any picture. What it makes of one that is no B-scan means nothing, and
does not look wrong. This is a guard against mistakes (the wrong file, a screenshot, a scan that was
upscaled already), not against unusual anatomy: a pathology it has never seen passes.
"""

from collections import Counter
from collections.abc import Iterator

from super_resolution_gans.prediction.appearance import SMALLEST, Features, appearance, middle
from super_resolution_gans.prediction.domain_statistics import DomainStatistics
from super_resolution_gans.scan import Scan

_LOOKED_AT = 3  # slices of a volume
_LAYERS = ("skew", "direction", "rows", "columns", "contour")
_EMPTY = 0.02  # contrast that is none, whatever the training scans had


def describe(scan: Scan) -> tuple[Features, ...]:
    """The features of a scan's slice, or of three slices spread over a volume.

    Raises:
        ValueError: only what reading a lazy scan raises.
    """
    count = min(scan.slices, _LOOKED_AT)
    chosen = [(2 * place + 1) * scan.slices // (2 * count) for place in range(count)]
    window = middle(scan.height), middle(scan.width)
    return tuple(appearance(scan.window(index, *window)) for index in chosen)


def judge(scan: Scan, statistics: DomainStatistics) -> list[str]:
    """Sentences about what is unlike the training scans; empty if nothing is.

    Of a volume three slices are looked at; what is said is true of at least two of them.

    Args:
        scan: as it would be upscaled.
        statistics: of the model's training scans, from :func:`statistics_for`.

    Raises:
        ValueError: only what reading a lazy scan raises.
    """
    return judge_features(describe(scan), statistics)


def judge_features(slices: tuple[Features, ...], statistics: DomainStatistics) -> list[str]:
    """:func:`judge` for features that are there already."""
    found = [dict(complaints(features, statistics)) for features in slices]
    counts = Counter(kind for kinds in found for kind in kinds)
    said: dict[str, str] = {}
    for kinds in found:
        for kind, sentence in kinds.items():
            if 2 * counts[kind] > len(slices):
                said.setdefault(kind, sentence)
    return list(said.values())


def complaints(features: Features, statistics: DomainStatistics) -> Iterator[tuple[str, str]]:
    """Kinds of unlikeness and sentences for one slice.

    After one that explains all the rest nothing follows. Kinds: ``small``, ``empty``, ``colour``,
    ``repeats``, ``fine``, ``flat``, ``inverted``, ``turned``, ``layers``, ``brightness``.
    """
    limits = statistics.limits

    def low(name: str) -> bool:
        return name in features and name in limits and features[name] < limits[name][0]

    def high(name: str) -> bool:
        return name in features and name in limits and features[name] > limits[name][1]

    def out(name: str) -> bool:
        return low(name) or high(name)

    if min(features["height"], features["width"]) < SMALLEST:
        size = f"{features['height']:.0f} x {features['width']:.0f}"
        yield "small", f"{size} pixels are too few to compare with the training scans"
        return
    if "contrast" not in features:
        yield "empty", f"nearly empty: {features['padding']:.0%} of the pixels are white padding"
        return
    if features["contrast"] < _EMPTY:
        apart = "apart from pure white, " if features["padding"] else ""
        yield "empty", f"nearly empty: {apart}all pixels have almost the same brightness"
        return
    if high("colour"):
        yield "colour", _coloured(features)
        return
    inverted = low("skew") and _layered(_inverted(features), statistics)
    if high("repeats"):
        yield (
            "repeats",
            f"rows or columns come in {features['repeats']:.0f} equal copies: the picture was "
            "enlarged by repeating pixels; upscale the original instead",
        )
    elif low("fine") and not inverted:  # whose speckle has become white
        yield (
            "fine",
            "fine detail is missing that all training scans have: the picture looks blurred, or "
            "upscaled already; upscale the original instead",
        )
    elif high("flat"):
        yield (
            "flat",
            f"{features['flat']:.0%} of the lit area is perfectly flat (training scans: at most "
            f"{statistics.seen['flat'][2]:.0%}): it looks like a screenshot, a drawing, or a scan "
            "with few grey levels",
        )
    if inverted:
        yield (
            "inverted",
            "dark and bright look swapped: training scans are mostly dark with bright layers; "
            "invert the scan before upscaling",
        )
    elif any(map(out, (*_LAYERS, "outer"))):
        if _layered(_turned(features), statistics):
            yield (
                "turned",
                "layers seem to run from top to bottom: the scan looks turned by 90 degrees; "
                "training scans have the beam along the columns",
            )
        else:
            yield (
                "layers",
                "bright layers that run from left to right on a dark ground are not to be seen as "
                "in the training scans: it looks like a photograph, or another kind of picture "
                "than an OCT B-scan",
            )
    elif out("median") or out("contrast"):
        how = ("darker", "brighter") if out("median") else ("of less contrast", "of more contrast")
        yield (
            "brightness",
            f"it is {how[high('median') or high('contrast')]} than all training scans: brightness "
            "or contrast may have been changed",
        )


def _coloured(features: Features) -> str:
    if features["corners"] < 0.35 and features.get("red", 0) > 1.5:
        return (
            "it is in colour, reddish in the middle with dark corners: it looks like a photograph "
            "of the fundus, not an OCT B-scan"
        )
    return (
        "it is in colour, and training scans are grey: it looks like a colour photograph, a "
        "screenshot or a false-colour display, not a plain B-scan"
    )


def _layered(features: Features, statistics: DomainStatistics) -> bool:
    """Whether the layers of a picture are within the limits, as far as they are known."""
    names = [
        name for name in ("skew", "direction", "rows", "columns", "contour") if name in features
    ]
    return len(names) > 1 and all(
        statistics.limits[name][0] <= features[name] <= statistics.limits[name][1]
        for name in names
        if name in statistics.limits
    )


def _inverted(features: Features) -> Features:
    return features | {"skew": -features["skew"]}


def _turned(features: Features) -> Features:
    turned = dict(features)
    if "direction" in features:
        turned["direction"] = -features["direction"]
    if "rows" in features:
        turned["rows"], turned["columns"] = features["columns"], features["rows"]
        turned["contour"] = -features["contour"]
    return turned

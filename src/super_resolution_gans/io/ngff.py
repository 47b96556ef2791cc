"""OME-NGFF: which array is the image, what its axes are, and how large its pixels."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from super_resolution_gans.scan import Scan, Spacing

_MM = {
    "meter": 1e3,
    "centimeter": 10.0,
    "millimeter": 1.0,
    "micrometer": 1e-3,
    "nanometer": 1e-6,
    "inch": 25.4,
}
_OLDEST = ("t", "c", "z", "y", "x")  # versions 0.1 and 0.2 know no others
_NAMES = frozenset(_OLDEST)


@dataclass(frozen=True)
class Image:
    """The finest level of an image.

    Attributes:
        path: of its array, below the group.
        axes: of the array, each one of t, c, z, y, x.
        spacing: mm; None where no scale or unit is given.
    """

    path: str
    axes: tuple[str, ...]
    spacing: Spacing


def image_in(attributes: Mapping[str, Any]) -> Image | None:
    """The first image that a group describes; None if it describes none.

    Raises:
        ValueError: if it does so in a way that is not understood; without the file's name.
    """
    ome = attributes.get("ome")
    several = (ome if isinstance(ome, Mapping) else attributes).get("multiscales")
    if several is None:
        return None
    try:
        first = several[0]
        level = first["datasets"][0]
        path = str(level["path"])
        axes = first.get("axes") or _OLDEST
        names = tuple(str(axis["name"] if isinstance(axis, Mapping) else axis) for axis in axes)
        units = [axis.get("unit") if isinstance(axis, Mapping) else None for axis in axes]
        scales = _scales([*_transforms(level), *_transforms(first)], len(names))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        raise ValueError("multiscales that are not understood") from None
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or {"..", "."} & set(parts):
        raise ValueError(f"{path} is no array of this store")
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= _NAMES:
        raise ValueError(f"axes {', '.join(names)} are no image")
    mm = {
        name: scale * _MM[unit]
        for name, unit, scale in zip(names, units, scales, strict=True)
        if scale is not None and unit in _MM
    }
    return Image(path, names, (mm.get("z"), mm.get("y"), mm.get("x")))


def _transforms(holder: Mapping[str, Any]) -> list[Any]:
    return list(holder.get("coordinateTransformations") or ())


def _scales(transforms: list[Any], axes: int) -> list[float | None]:
    """The product of all scales, axis by axis; None where there is none that makes sense."""
    scales: list[list[float]] = [
        [float(n) for n in transform["scale"]]
        for transform in transforms
        if transform.get("type") == "scale" and len(transform.get("scale", ())) == axes
    ]
    if not scales:
        return [None] * axes
    products = [math.prod(several) for several in zip(*scales, strict=True)]
    return [n if math.isfinite(n) and n > 0 else None for n in products]


def described(scan: Scan, path: str) -> dict[str, Any]:
    """The attributes of a group, version 0.4, whose one image is the array at ``path``.

    Grey has the axes z, y, x; colour c, z, y, x, since channels come before space. Unknown spacing
    is a scale of 1 without a unit.
    """
    colour = scan.channels == 3
    axes: list[dict[str, str]] = [{"name": "c", "type": "channel"}] if colour else []
    for name, mm in zip("zyx", scan.spacing, strict=True):
        unit = {} if mm is None else {"unit": "millimeter"}
        axes.append({"name": name, "type": "space", **unit})
    scale = [1.0] * colour + [1.0 if mm is None else mm for mm in scan.spacing]
    transforms = [{"type": "scale", "scale": scale}]
    level = {"path": path, "coordinateTransformations": transforms}
    return {"multiscales": [{"version": "0.4", "axes": axes, "datasets": [level]}]}

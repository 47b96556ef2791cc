"""What an exported file says about its network, so that it can be used without it.

One JSON object under the key ``srgan``, in the metadata of ONNX and of OpenVINO alike.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from super_resolution_gans.models.checkpoint import ModelFileError
from super_resolution_gans.models.upsampler import Scale, Upsampler
from super_resolution_gans.version import __version__

KEY = "srgan"
FORMAT = 1
USE = "research use only; not a medical device"
_LONGEST = 8 << 20
_KINDS: dict[type, tuple[str, ...]] = {
    str: ("name", "weights_sha256", "package_version", "use"),
    dict: ("architecture", "card"),
}
_MOST_CHANNELS, _LARGEST_FACTOR, _FARTHEST = 64, 32, 1 << 16


@dataclass(frozen=True)
class Facts:
    """The story of an exported network.

    Attributes:
        name: the model's name.
        channels: in and out.
        scale: (vertical, lateral) factors.
        receptive_radius: in input pixels (vertical, lateral); None looks at the whole image.
        weights_sha256: of names, shapes and float32 values of the weights.
        architecture: what the network is, see ``Upsampler.architecture``.
        card: the story of the model that was exported, its licence among it.
        package_version: of the package that wrote it.
        use: what it is for, whatever the card says.
    """

    name: str
    channels: int
    scale: Scale
    receptive_radius: Scale | None
    weights_sha256: str
    architecture: dict[str, Any]
    card: dict[str, Any] = field(default_factory=dict)
    package_version: str = __version__
    use: str = USE

    @classmethod
    def of(cls, network: Upsampler, name: str, card: dict[str, Any]) -> "Facts":
        """Those of a network, with the name and the card of its model."""
        return cls(
            name,
            network.channels,
            network.scale,
            network.receptive_radius(),
            _weights_sha256(network),
            network.architecture(),
            card,
        )

    def as_json(self) -> str:
        """ASCII, on one line, keys in order: the same facts are the same bytes."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def parse(cls, path: str | os.PathLike[str], text: str | None) -> "Facts":
        """Those of the file at ``path``, which may come from anybody.

        Raises:
            ModelFileError: if there are none, or they cannot be understood.
        """
        if text is None:
            raise ModelFileError(path, "is not from srgan export (it has no srgan metadata)")
        if len(text) > _LONGEST:
            raise ModelFileError(path, "srgan metadata is too long")
        try:
            stored = json.loads(text)
            if stored["format"] != FORMAT:
                raise ValueError(f"format {stored['format']!r}; this version reads {FORMAT}")
            return _checked(stored)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelFileError(
                path, f"srgan metadata cannot be understood ({error!r})"
            ) from error


def _checked(stored: dict[str, Any]) -> Facts:
    for kind, keys in _KINDS.items():
        for key in keys:
            if not isinstance(stored[key], kind):
                raise TypeError(f"{key} is no {kind.__name__}")
    radius = stored["receptive_radius"]
    checked: dict[str, Any] = {
        "channels": _integer(stored["channels"], 1, _MOST_CHANNELS),
        "scale": _pair(stored["scale"], 1, _LARGEST_FACTOR),
        "receptive_radius": None if radius is None else _pair(radius, 0, _FARTHEST),
    }
    if checked["scale"] == (1, 1):
        raise ValueError("scale is 1 x 1")
    return Facts(**checked, **{key: stored[key] for keys in _KINDS.values() for key in keys})


def _pair(value: Any, least: int, most: int) -> Scale:
    vertical, lateral = value
    return _integer(vertical, least, most), _integer(lateral, least, most)


def _integer(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{value!r} is not a whole number from {least} to {most}")
    return value


def _weights_sha256(network: Upsampler) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            values = tensor.detach().cpu().float().contiguous()
            digest.update(f"{name} {list(values.shape)}\n".encode())
            digest.update(values.numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()

"""VGG16 and VGG19 (Simonyan and Zisserman 2015): their layers, by name, and their order.

A layer is called ``<network>.<kind><block>_<convolution>``: ``vgg19.relu5_4`` is the fourth
convolution before the fifth max-pooling, after its activation; ``vgg19.conv5_4`` is before it.
"""

import difflib
import re
from dataclasses import dataclass

WIDTHS = (64, 128, 256, 512, 512)
BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


class FeatureError(ValueError):
    """Features cannot be had; the message is one line that names them and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, " ".join(reason.split())
        super().__init__(
            "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
                for c in f"{name}: {self.reason}"
            )
        )


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution of a VGG and where the torchvision files keep it."""

    name: str  # conv5_4
    index: int  # features.<index>.weight
    inputs: int
    outputs: int
    pooled: bool  # a 2x2 max-pooling comes right before it


@dataclass(frozen=True)
class Layer:
    """What a feature extractor answers with: a convolution, or its activation."""

    network: str
    activated: bool
    block: int
    convolution: int

    @property
    def name(self) -> str:
        """As in recipes: ``vgg19.relu5_4``."""
        return f"{self.network}.{'relu' if self.activated else 'conv'}{self._place('_')}"

    @property
    def source(self) -> str:
        """The convolution it is, or follows: ``conv5_4``."""
        return f"conv{self._place('_')}"

    @property
    def label(self) -> str:
        """As in tables: VGG54 is VGG19's relu5_4 (Ledig et al. 2017, section 3.2).

        Layers of VGG16 are never called by the paper's names: VGG16-53.
        """
        of_network = "VGG" if self.network == "vgg19" else "VGG16-"
        return f"{of_network}{self._place('')}{'' if self.activated else ' before activation'}"

    def _place(self, separator: str) -> str:
        return f"{self.block}{separator}{self.convolution}"


def parse_layer(name: str) -> Layer:
    """``vgg19.relu5_4`` -> its :class:`Layer`.

    Raises:
        FeatureError: if there is no such layer; the message names the nearest one.
    """
    match = re.fullmatch(r"(vgg16|vgg19)\.(relu|conv)([1-5])_([1-4])", name)
    if match is not None:
        network, kind, block, convolution = match[1], match[2], int(match[3]), int(match[4])
        if convolution <= BLOCKS[network][block - 1]:
            return Layer(network, kind == "relu", block, convolution)
    known = [
        f"{network}.{kind}{convolution.name.removeprefix('conv')}"
        for network in ([name[:5]] if name[:5] in BLOCKS else BLOCKS)
        for kind in ("relu", "conv")
        for convolution in convolutions(network)
    ]
    nearest = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {nearest[0]}?" if nearest else "layers are called like vgg19.relu5_4"
    raise FeatureError(name, f"no such layer of VGG16 or VGG19; {meant}")


def convolutions(network: str) -> list[Convolution]:
    """All convolutions of ``vgg16`` or ``vgg19``, in order."""
    made: list[Convolution] = []
    index, inputs = 0, 3
    for block, (count, width) in enumerate(zip(BLOCKS[network], WIDTHS, strict=True), start=1):
        for number in range(1, count + 1):
            pooled = number == 1 and block > 1
            made.append(Convolution(f"conv{block}_{number}", index, inputs, width, pooled))
            index, inputs = index + 2, width  # the convolution and its ReLU
        index += 1  # the pooling
    return made

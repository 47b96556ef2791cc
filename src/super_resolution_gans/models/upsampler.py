"""What every generator here answers to, ours and other people's."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

Scale = tuple[int, int]  # (vertical, lateral) = (rows, columns)


class Upsampler(nn.Module, ABC):
    """A network that enlarges images: (N, C, H, W) in [0, 1] -> (N, C, v*H, h*W), about [0, 1].

    Whatever range a network works in stays inside it; the output is not clipped.

    Attributes:
        channels: in and out.
        scale: (vertical, lateral) factors.
    """

    channels: int
    scale: Scale

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge a batch; see the class for shapes and ranges."""
        return self.render(self.features(image))

    @abstractmethod
    def features(self, image: Tensor) -> Any:
        """All but the last convolution, which may run in a shorter precision than the rest."""

    @abstractmethod
    def render(self, features: Any) -> Tensor:
        """The image of what :meth:`features` returned, in the type of the weights."""

    @abstractmethod
    def receptive_radius(self) -> Scale | None:
        """How far an output pixel looks, in whole input pixels (vertical, lateral).

        A tile that is read with a border of this many pixels, and whose border is cut off again
        afterwards, holds exactly what the whole image would hold there. None: the network looks at
        the whole image (it normalises by it, say), and cannot be run in tiles.
        """

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """What rebuilds the network without its weights: JSON, with the key ``name``."""

    @abstractmethod
    def title(self) -> str:
        """What people call the network, in a few words."""

"""What an evaluation writes down of one image and one method, and how it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from super_resolution_gans.evaluation.pairs import Scale, text

Channel = Literal["y-studio", "y-full", "rgb"]


@dataclass(frozen=True)
class Protocol:
    """How is measured; printed with every number. The default is that of scans, ``oct``.

    Attributes:
        scale: (vertical, lateral) factors.
        border: HR pixels cut from each edge before PSNR and SSIM.
        channel: what of a colour image is measured:
            ``y-studio``: Y of MATLAB's rgb2ycbcr, 16..235; ``y-full``: .299 R + .587 G + .114 B;
            ``rgb``: all three channels.
        mask_padding: whether pixels that are white in HR (8-bit 254 and above) are left out.
        as_stored: whether an image whose file has three equal channels is measured as the colour
            image it is stored as, or as the grey image it is. PSNR is 1.32 dB higher by
            ``y-studio``. What is stored with one channel is measured as it is.
    """

    scale: Scale = (4, 4)
    border: int = 4
    channel: Channel = "y-studio"
    mask_padding: bool = True
    as_stored: bool = False

    @property
    def name(self) -> str:
        """``oct``, ``paper``, or ``own`` if it is neither."""
        known = {"oct": Protocol(self.scale), "paper": replace(PAPER, scale=self.scale)}
        return next((name for name, one in known.items() if one == self), "own")

    @property
    def in_short(self) -> str:
        """One string that stands in every table and file."""
        equal = "colour" if self.as_stored else "grey"
        white = "masked" if self.mask_padding else "counted"
        return (
            f"{self.name}: scale {text(self.scale)}, {self.channel}, equal channels {equal}, "
            f"border {self.border}, white {white}"
        )


# Ledig et al. 2017, section 3.1 and table 2: Y, 4 pixels cut, daala's SSIM. Of grey images nothing
# is said there; the rows of Set14 come out only if each of its two is measured as it is stored.
PAPER = Protocol(mask_padding=False, as_stored=True)


@dataclass(frozen=True)
class Row:
    """One image, one method; PSNR and LR consistency in dB (infinite if identical).

    LPIPS is None where it was not asked for; spectrum distance and grid excess are in decades. All
    three are None where the image is too small for them. ``grain_ratio`` is the width of speckle
    grains in units of HR's, None where there are none; ``histogram_distance`` is in grey levels of
    8 bit. Both are of the counted pixels, and None where three channels are measured.
    ``counted`` and ``masked`` are numbers of HR pixels inside the border; ``channel`` is ``grey``
    or the protocol's. ``more`` has what was asked for beyond these, by name, None as above.
    """

    dataset: str
    image: str
    patient: str | None
    method: str
    psnr: float
    ssim_wang: float
    ssim_daala: float
    lr_consistency: float
    height: int
    width: int
    channel: str
    levels: int
    lr_made_here: bool
    counted: int
    masked: int
    lpips: float | None = None
    spectrum_distance: float | None = None
    grid_excess: float | None = None
    grain_ratio: float | None = None
    histogram_distance: float | None = None
    more: Mapping[str, float | None] = field(default_factory=dict)

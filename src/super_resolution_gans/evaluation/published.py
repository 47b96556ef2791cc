"""Numbers that a paper printed, to stand beside measured ones: nobody measured them here."""

from dataclasses import dataclass

from super_resolution_gans.evaluation.rows import PAPER, Protocol

SOURCE = "Ledig et al. 2017, table 2 (arXiv 1609.04802v5)"


@dataclass(frozen=True)
class Published:
    """One printed row: means of PSNR in dB, of SSIM by daala, and of opinions of 26 raters, 1..5.

    ``method`` says in its own words that the row is published.
    """

    method: str
    psnr: float
    ssim_daala: float
    mos: float

    @property
    def remark(self) -> str:
        """What is to be said beside the numbers."""
        return f"  (not measured here; mean opinion score {self.mos:.2f})"


_METHODS = ("nearest", "bicubic", "SRResNet", "SRGAN")
_IMAGES = {"set5": 5, "set14": 14, "bsd100": 100}
# PSNR, SSIM (daala) and mean opinion score of each method.
_TABLE = {
    "set5": (
        (26.26, 0.7552, 1.28),
        (28.43, 0.8211, 1.97),
        (32.05, 0.9019, 3.37),
        (29.40, 0.8472, 3.58),
    ),
    "set14": (
        (24.64, 0.7100, 1.20),
        (25.99, 0.7486, 1.80),
        (28.49, 0.8184, 2.98),
        (26.02, 0.7397, 3.72),
    ),
    "bsd100": (
        (25.02, 0.6606, 1.11),
        (25.94, 0.6935, 1.47),
        (27.58, 0.7620, 2.29),
        (25.16, 0.6688, 3.56),
    ),
}


def published(protocol: Protocol, dataset: str, images: int) -> list[Published]:
    """The printed rows that belong beside a table; none where they cannot be compared with it.

    Args:
        protocol: how the table was measured; only by ``PAPER`` at 4 x 4 there are rows.
        dataset: its name: Set5, Set14 or BSD100, in any case.
        images: how many of it were measured; there are rows only for all of them.
    """
    key = dataset.casefold()
    if protocol != PAPER or images != _IMAGES.get(key):
        return []
    rows = zip(_METHODS, _TABLE[key], strict=True)
    return [Published(f"{method} (published)", *row) for method, row in rows]

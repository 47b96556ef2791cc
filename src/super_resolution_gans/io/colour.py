"""Whether a file stores colour, which reading forgets where red, green and blue agree."""

from pathlib import Path

from super_resolution_gans.io.quiet import quiet

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_COLOUR = frozenset({"RGB", "RGBA", "YCbCr", "CMYK"})


def stored_in_colour(path: Path) -> bool:
    """Whether a PNG, JPEG, BMP or WebP has three channels, by its header; False of other files.

    WebP always has. Palettes have one: their indices. Of what cannot be read it is False as well:
    that it cannot is for :func:`read_scan` to say.
    """
    from PIL import Image

    try:
        with quiet(), Image.open(path, formats=_FORMATS) as image:
            return image.mode in _COLOUR
    except Exception:  # damaged files raise whatever comes
        return False

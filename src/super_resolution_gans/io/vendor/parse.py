"""Which vendor's reader: a pure function from a file to a volume.

It is called in the child process (``child.py``), and by whoever wants many files parsed in a
process of his own.
"""

from pathlib import Path

from super_resolution_gans.io.stored import Limits
from super_resolution_gans.io.vendor.source import opened
from super_resolution_gans.io.vendor.volume import Volume

KINDS = ("vol", "xml", "e2e", "topcon", "img", "oct")


def parse(kind: str, path: Path, name: str, limits: Limits) -> Volume:
    """Read the volume in a file.

    Args:
        kind: one of ``KINDS``.
        path: where the file is.
        name: what it is called, in messages; of an .img, also what holds its dimensions.
        limits: only ``max_pixels`` counts.

    Raises:
        ReadError: if it cannot be read; the reason holds nothing of what the file says of a person.
        ImportError: if ``construct`` is missing and this kind needs it.
        MemoryError: if memory is short.
        OSError: if the file cannot be opened.
    """
    with opened(path, name) as source:
        match kind:
            case "vol":
                from super_resolution_gans.io.vendor.vol import read_vol

                return read_vol(source, limits)
            case "xml":
                from super_resolution_gans.io.vendor.hedx import read_xml

                return read_xml(source, path.parent, limits)
            case "e2e":
                from super_resolution_gans.io.vendor.e2e import read_e2e

                return read_e2e(source, limits)
            case "topcon":
                from super_resolution_gans.io.vendor.topcon import read_topcon

                return read_topcon(source, limits)
            case "img":
                from super_resolution_gans.io.vendor.cirrus import read_img

                return read_img(source, limits)
            case "oct":
                from super_resolution_gans.io.vendor.bioptigen import read_oct

                return read_oct(source, limits)
    raise ValueError(f"no such kind: {kind}")

"""The chain of pages in a TIFF file, walked before a decoder trusts it."""

import struct

from super_resolution_gans.io.errors import ReadError

_MOST_PAGES = 1 << 17


def count_pages(data: memoryview, source: str) -> int:
    """Number of pages of a classic or big TIFF.

    Decoders stop silently at a broken link, and the rest of a truncated volume would be missing
    without a word.

    Raises:
        ReadError: if a link leads outside the file or back, or there is no page.
    """
    order = "<" if bytes(data[:2]) == b"II" else ">"
    big = bytes(data[2:4]) in (b"+\0", b"\0+")
    offset_format, count_format, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    offset_bytes, count_bytes = (8, 8) if big else (4, 2)

    def number(at: int, kind: str, size: int) -> int:
        if at + size > len(data):
            raise ReadError(source, "truncated TIFF (a page lies beyond the end of the file)")
        return int(struct.unpack_from(order + kind, data, at)[0])

    seen: set[int] = set()
    page = number(8 if big else 4, offset_format, offset_bytes)
    while page:
        if page in seen:
            raise ReadError(source, "damaged TIFF (its pages form a loop)")
        if len(seen) == _MOST_PAGES:
            raise ReadError(source, f"more than {_MOST_PAGES} pages")
        seen.add(page)
        entries = number(page, count_format, count_bytes)
        page = number(page + count_bytes + entries * entry, offset_format, offset_bytes)
    if not seen:
        raise ReadError(source, "a TIFF file without pages")
    return len(seen)

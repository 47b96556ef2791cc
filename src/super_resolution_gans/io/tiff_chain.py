"""The chain of pages in a TIFF file, walked before a decoder trusts it."""

import struct

from super_resolution_gans.io.errors import ReadError

_MOST_PAGES = 1 << 17
# Pages that point to the same long list would have it read once a page.
_MOST_SHARED = 16
# How pixels are stored. Decoders go on with a default where one of these cannot be read.
_NEEDED = frozenset((258, 273, 277, 279, 320, 324, 325, 338, 339))
_TYPE_BYTES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4), start=1)) | {16: 8, 17: 8}


def count_pages(data: memoryview, source: str) -> int:
    """Number of pages of a classic or big TIFF.

    Decoders stop silently at a broken link, and the rest of a truncated volume would be missing
    without a word.

    Raises:
        ReadError: if a link leads outside the file or back, there is no page, or the pages have
            more in them than the file has.
    """
    order = "<" if bytes(data[:2]) == b"II" else ">"
    big = bytes(data[2:4]) in (b"+\0", b"\0+")
    offset_format, count_format, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    offset_bytes, count_bytes = (8, 8) if big else (4, 2)
    layout = f"{order}HH{offset_format}{offset_format}"

    def number(at: int, kind: str, size: int) -> int:
        if at + size > len(data):
            raise ReadError(source, "truncated TIFF (a page lies beyond the end of the file)")
        return int(struct.unpack_from(order + kind, data, at)[0])

    seen: set[int] = set()
    entered = listed = 0
    page = number(8 if big else 4, offset_format, offset_bytes)
    while page:
        if page in seen:
            raise ReadError(source, "damaged TIFF (its pages form a loop)")
        if len(seen) == _MOST_PAGES:
            raise ReadError(source, f"more than {_MOST_PAGES} pages")
        seen.add(page)
        entries = number(page, count_format, count_bytes)
        start, end = page + count_bytes, page + count_bytes + entries * entry
        page = number(end, offset_format, offset_bytes)
        entered += end - start
        if entered > len(data):
            raise ReadError(source, "damaged TIFF (its pages overlap)")
        for tag, kind, count, value in struct.iter_unpack(layout, data[start:end]):
            size = count * _TYPE_BYTES.get(kind, 1)
            listed += min(len(data), size)
            if size > offset_bytes and tag in _NEEDED and value + size > len(data):
                raise ReadError(source, f"truncated TIFF (tag {tag} lies beyond its end)")
        if listed > _MOST_SHARED * len(data):
            raise ReadError(source, "damaged TIFF (its pages list more than the file holds)")
    if not seen:
        raise ReadError(source, "a TIFF file without pages")
    return len(seen)

"""Files in the address space: what was read of them need not stay."""

import mmap
from typing import Any

# Neighbouring pages come along unasked, so that more than this is let go of at a time.
_BYTES = 1 << 24


class Released:
    """Lets go of the pages of a mapped file, once enough of it was read.

    They hold nothing that is not in the file, and the system takes them when it is short. Until
    then they count as memory of this process: of all the file, in the end.
    """

    def __init__(self, mapped: Any) -> None:
        self._mapped, self._read = mapped, 0

    def after(self, count: int) -> None:
        """Note that so many bytes were read and copied."""
        self._read += count
        if self._read >= _BYTES:
            self._read = 0
            # Not everywhere; and what a thread still reads is simply fetched again.
            if isinstance(self._mapped, mmap.mmap) and hasattr(self._mapped, "madvise"):
                self._mapped.madvise(mmap.MADV_DONTNEED)

"""Silence for pydicom, whose warnings and log lines quote values that may identify a person."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from super_resolution_gans.io.quiet import quiet

_lock = threading.Lock()
_inside = 0
_level = logging.NOTSET


@contextmanager
def silent() -> Iterator[None]:
    """Neither Python warnings nor lines of pydicom's loggers inside; any number of threads."""
    global _inside, _level
    logger = logging.getLogger("pydicom")
    with _lock:
        if _inside == 0:
            _level = logger.level
            logger.setLevel(logging.CRITICAL + 1)
        _inside += 1
    try:
        with quiet():
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                logger.setLevel(_level)

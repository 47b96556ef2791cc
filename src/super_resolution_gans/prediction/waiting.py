"""Waiting for what another thread does, with ears open for signals."""

from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds of a wait; Windows delivers Ctrl-C only between waits."""


def result_of(future: Future[T]) -> T:
    """Its result, with ears open for signals while waiting."""
    while not future.done():
        wait([future], PATIENCE)
    return future.result()

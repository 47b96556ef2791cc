"""How often an address may do something."""

import time
from collections import deque

_ADDRESSES = 10_000


class Limiter:
    """At most ``most`` events within ``seconds``, for each address.

    Args:
        most: events.
        seconds: within these.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._events: dict[str, deque[float]] = {}

    def full(self, address: str) -> bool:
        """Whether one more would be too many."""
        events = self._events.get(address)
        if events is None:
            return False
        self._forget(events)
        return len(events) >= self._most

    def note(self, address: str) -> None:
        """Count one event."""
        if address not in self._events and len(self._events) >= _ADDRESSES:
            self._tidy()
        # No more of them are needed to know that it is full.
        events = self._events.setdefault(address, deque(maxlen=self._most))
        events.append(time.monotonic())

    def _forget(self, events: deque[float]) -> None:
        oldest = time.monotonic() - self._seconds
        while events and events[0] <= oldest:
            events.popleft()

    def _tidy(self) -> None:
        for address, events in list(self._events.items()):
            self._forget(events)
            if not events:
                del self._events[address]
        while len(self._events) >= _ADDRESSES:  # those that came first go first
            del self._events[next(iter(self._events))]

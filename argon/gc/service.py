"""How a service that collects garbage paces itself."""

from __future__ import annotations

_FIRST = 1.0
"""Seconds until the first try after a round that failed."""


class Stopped(Exception):
    """The service was stopped amid a round, which leaves the rest to another one."""


class Pace:
    """Says how long to pause: after failures shortly at first, and doubling.

    Args:
        every: Seconds between two rounds, and at most.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._failures = 0

    def succeeded(self) -> float:
        """Return the seconds until the next round."""
        self._failures = 0
        return self._every

    def failed(self) -> float:
        """Return the seconds until the next try."""
        pause = min(max(self._every, _FIRST), _FIRST * 2.0 ** min(self._failures, 60))
        self._failures += 1
        return pause

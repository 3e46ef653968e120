"""How writers of one branch on several machines take turns; on one machine see :mod:`argon.engine.baton`.

Nobody hands out turns. Whoever lands a commit goes on for a moment, because
it knows the head and is quick, and then rests for long enough that another
one comes in; without the rest it would win every race. If nobody came in
meanwhile, it does not rest again.
"""

from __future__ import annotations

import random
import time

_TURN = 0.010
_REST = 0.006
_RETRY = 0.004


class Turns:
    """One process's part in this, on one branch."""

    def __init__(self) -> None:
        self.contended = False
        self._ends = 0.0
        self._rested_until = 0.0

    def rest(self) -> float:
        """Return for how many seconds to hold back before the next commit."""
        return max(0.0, self._rested_until - time.monotonic())

    def won(self, losses: int) -> None:
        """Note a commit that has landed.

        Args:
            losses: How many races were lost before.
        """
        now = time.monotonic()
        if losses:
            self.contended = True
            self._ends = now + _TURN
            self._rested_until = 0.0
        elif self._rested_until:
            # It rested, and yet nobody came between.
            self.contended = False
            self._rested_until = 0.0
        elif self.contended and now > self._ends:
            self._rested_until = now + _REST * random.uniform(0.5, 1.5)


def retry_pause() -> float:
    """Return for how many seconds to wait after a lost race."""
    return random.uniform(0.5, 1.5) * _RETRY

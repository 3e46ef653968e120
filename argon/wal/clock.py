"""The server's clock, as seen from this process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from argon.io import Operation

_NOISE = 0.002
"""Seconds: ``hello.localTime`` is cut to a millisecond and read within one."""
_REFRESH = 60.0


class Clock:
    """Tells the server's time without asking it for each commit.

    An offset that is smaller than the error of its own measurement counts as
    none, so that on one machine the clock is the one that users read.

    Args:
        admin: The ``admin`` database.
    """

    def __init__(self, admin: Any) -> None:
        self._admin = admin
        self._offset = 0.0
        self._measured: float | None = None

    def refresh(self) -> Operation[None]:
        """Measure the offset again if the last measurement is old."""
        if self._measured is not None and time.monotonic() - self._measured < _REFRESH:
            return
        before = time.time()
        hello = yield self._admin.command("hello")
        after = time.time()
        self._measured = time.monotonic()
        local: datetime = hello["localTime"]
        if local.tzinfo is None:
            local = local.replace(tzinfo=UTC)
        offset = local.timestamp() + 0.0005 - (before + after) / 2
        self._offset = offset if abs(offset) > (after - before) / 2 + _NOISE else 0.0

    def now(self) -> datetime:
        """Return the server's time, exact to the microsecond as far as it is known."""
        return datetime.now(UTC) + timedelta(seconds=self._offset)

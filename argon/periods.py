"""Periods of time as people write them: ``10s``, ``15m``, ``1h``, ``7d``, ``4w``, ``forever``."""

from __future__ import annotations

import math
import re
from datetime import timedelta

FOREVER = "forever"
_TEXT = re.compile(r"(?P<count>\d{1,9}(?:\.\d{1,6})?) ?(?P<unit>[smhdw]?)", re.ASCII | re.IGNORECASE)
_UNITS = {"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60, "s": 1}

Period = timedelta | float | str
"""A timedelta, seconds, or text."""


def read_period(period: Period) -> float:
    """Read a period.

    Args:
        period: As a user gives it.

    Returns:
        Seconds, infinite for ``forever``.

    Raises:
        ValueError: It is none.
    """
    if isinstance(period, str):
        if period.strip().lower() == FOREVER:
            return math.inf
        text = _TEXT.fullmatch(period.strip())
        if text is not None:
            return float(text["count"]) * _UNITS[text["unit"].lower() or "s"]
    elif isinstance(period, timedelta):
        if period >= timedelta(0):
            return period.total_seconds()
    elif not isinstance(period, bool) and isinstance(period, int | float) and period >= 0:
        return float(period)
    raise ValueError(f"{str(period)!r} is no period: give one like 30s, 12h, 7d or 4w, or {FOREVER!r}")


def show_period(seconds: float) -> str:
    """Write a period as :func:`read_period` reads it.

    Args:
        seconds: Its length.
    """
    if math.isinf(seconds):
        return FOREVER
    unit = next((unit for unit, length in _UNITS.items() if seconds and seconds % length == 0), "s")
    return f"{seconds / _UNITS[unit]:.12g}{unit}"

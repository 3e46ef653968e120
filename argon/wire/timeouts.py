"""Callers' time limits, as PyMongo keeps them, in work that one of them does for others too.

A limit, by ``pymongo.timeout`` or ``timeoutMS``, is a matter of the context in
which the driver is called. A commit that several writers wait for must not
fail because the time of the one is up that happens to lead, and what it leaves
behind must be cleared away also when no time is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pymongo import _csot

MOMENT = 1.0
"""Seconds for clearing away, and for learning what became of a commit, when the time is up."""


class Limit(NamedTuple):
    """A limit as the driver keeps it.

    Attributes:
        deadline: When the time is up, by ``time.monotonic()``.
        timeout: Of how many seconds that was the end; 0 for one who asked for no limit at all, also where
            the client has one.
    """

    deadline: float
    timeout: float


def current() -> Limit | None:
    """Return the caller's limit, if it has one."""
    timeout = _csot.get_timeout()
    return None if timeout is None else Limit(_csot.get_deadline(), timeout)


def impose(limit: Limit | None) -> None:
    """Put a limit in the place of the one there is."""
    _csot.TIMEOUT.set(limit.timeout if limit else None)
    _csot.DEADLINE.set(limit.deadline if limit else float("inf"))


def latest(limits: Iterable[Limit | None]) -> Limit | None:
    """Return the limit of who can wait longest."""
    found: Limit | None = None
    for limit in limits:
        if limit is None:
            return None
        found = limit if found is None else max(found, limit)
    return found


@contextmanager
def a_moment_more() -> Iterator[None]:
    """Leave time for clearing away, of which there may be none left."""
    limit = current()
    if limit is None or not limit.timeout:
        yield
        return
    impose(Limit(time.monotonic() + MOMENT, MOMENT))
    try:
        yield
    finally:
        impose(limit)

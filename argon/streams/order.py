"""The order of the commits of many projects, each of which has its own line.

While a stream listens, the server tells it of commits in the order in which
they became visible. Where it has to catch up, only their times are left to go
by. Two commits of which the one was begun after the other was acknowledged have
that order in either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from bson import ObjectId, Timestamp

from argon.streams.events import Entry, cluster_time

Fetched = Mapping[ObjectId, Sequence[Entry]]
"""Entries that follow on each of several lines, by branch."""


def complete_until(fetched: Fetched, limit: int) -> Timestamp:
    """Return the time up to which nothing can be missing between what was read of several lines.

    Args:
        fetched: What was read, of one line at least.
        limit: How many entries were read of a line at most; so there may be more of one that gave as many.
    """
    ends = [max(map(cluster_time, entries)) for entries in fetched.values()]
    full = [max(map(cluster_time, entries)) for entries in fetched.values() if len(entries) >= limit]
    return min(full) if full else max(ends)


def in_order(fetched: Fetched, until: Timestamp) -> Iterator[tuple[ObjectId, list[Entry]]]:
    """Yield entries by their times, those of one branch that follow one another together.

    Args:
        fetched: Entries by branch, in the order of the line.
        until: Later ones are left out.
    """
    timed = [
        (time, place, branch, entry)
        for branch, entries in fetched.items()
        for place, (time, entry) in enumerate(_never_earlier(entries))
        if time <= until
    ]
    # Of equal times those of one branch stay together, in the order of its line.
    timed.sort(key=lambda one: (one[0], one[2], one[1]))
    for branch, run in groupby(timed, key=itemgetter(2)):
        yield branch, [entry for *_, entry in run]


def _never_earlier(entries: Sequence[Entry]) -> Iterator[tuple[Timestamp, Entry]]:
    """Give each entry a time that is not before that of one it follows, as those of large commits are."""
    latest = Timestamp(0, 0)
    for entry in entries:
        latest = max(latest, cluster_time(entry))
        yield latest, entry

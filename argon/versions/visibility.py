"""Which rows a view sees: a pure function of lineage and LSN to a filter.

A view is a list of *levels*, the branch itself first and then its ancestors,
each with the LSN up to which it is seen. A row is visible if it lived at its
level's limit and no lower level had hidden it by then. Each level is one
*leg*: a filter in two forms, one for scans (a range of the clustered key) and
one for index seeks (the dotted parts, which secondary indexes carry).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bson import Int64

from argon.versions.layout import MAX_LSN


@dataclass(frozen=True)
class Level:
    """One branch of a lineage and the LSN up to which it is seen.

    Args:
        branch: The branch's number.
        limit: The last visible LSN; None for everything, that is the head.
    """

    branch: int
    limit: int | None


@dataclass(frozen=True)
class Leg:
    """The rows that a view sees on one of its levels."""

    scan: dict[str, Any]
    seek: dict[str, Any]


@dataclass(frozen=True)
class View:
    """A branch at a moment.

    Args:
        levels: The branch first, then its parent, and so on up.
    """

    levels: tuple[Level, ...]

    @property
    def at_head(self) -> bool:
        """Whether the view follows the branch's head."""
        return self.levels[0].limit is None

    @property
    def simple(self) -> bool:
        """Whether only current rows of one branch are seen, so that no row can move under a scan."""
        return self.at_head and len(self.levels) == 1

    @property
    def branch(self) -> int:
        """The number of the branch itself."""
        return self.levels[0].branch

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        """The legs, oldest ancestor first, so that new documents come last as people expect."""
        legs = [_leg(level, self.levels[:depth]) for depth, level in enumerate(self.levels)]
        return tuple(reversed(legs))

    @cached_property
    def match_all(self) -> dict[str, Any]:
        """One filter that holds for exactly the visible rows."""
        seeks = [leg.seek for leg in self.legs]
        return seeks[0] if len(seeks) == 1 else {"$or": seeks}


def make_view(number: int, lineage: Sequence[tuple[int, int]], lsn: int | None = None) -> View:
    """Build the view of a branch at an LSN.

    Args:
        number: The branch's number.
        lineage: Its ancestors, nearest first, each with the LSN at which the line left it.
        lsn: The moment; None for the head.

    Returns:
        The view. Levels of which nothing can be seen are left out, except the branch itself.
    """
    levels = [Level(number, lsn)]
    for ancestor, fork in lineage:
        below = levels[-1].limit
        levels.append(Level(ancestor, fork if below is None else min(fork, below)))
    return View(tuple(levels))


def _leg(level: Level, lower: Sequence[Level]) -> Leg:
    if level.limit is None:
        return Leg(scan=_range(level.branch, MAX_LSN), seek={"_id.b": level.branch, "_id.t": MAX_LSN})
    limit = Int64(level.limit)
    alive: dict[str, Any] = {"f": {"$lte": limit}, **_unmarked(lower)}
    return Leg(
        scan={**_range(level.branch, Int64(limit + 1)), **alive},
        seek={"_id.b": level.branch, "_id.t": {"$gt": limit}, **alive},
    )


def _range(branch: int, first: int) -> dict[str, Any]:
    """Bound the clustered key, as shortly as can be: the server compares every row with both bounds."""
    return {"_id": {"$gte": {"b": branch, "t": Int64(first)}, "$lt": {"b": branch + 1}}}


def _unmarked(lower: Sequence[Level]) -> dict[str, Any]:
    hidden = [
        {"s.b": level.branch}
        if level.limit is None
        else {"s": {"$elemMatch": {"b": level.branch, "l": {"$lte": Int64(level.limit)}}}}
        for level in lower
    ]
    return {"$nor": hidden} if hidden else {}

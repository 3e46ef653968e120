"""What must stay of each branch's line: a pure function of branches, tags and merges.

A state of a branch is *reachable* from its horizon on, and before that at the
points that something still needs: where a branch was forked off, where a tag
is, and what was merged, which the next merge begins with. A version of a
document stays as long as a reachable state has it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from bson import ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.merges import MERGES, PLANS
from argon.catalog.tables import BRANCHES, TAGS
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.retention.lines import lines_of
from argon.versions.layout import MAX_LSN
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

NEVER = int(MAX_LSN)
"""The horizon of a line of which nothing but single points is held."""

Point = tuple[ObjectId, int]
"""A branch, and an LSN of its history."""


class Met(NamedTuple):
    """Another point that became part of a branch's history.

    Attributes:
        lsn: When.
        source: The other point's branch.
        merged: Its LSN.
        reset: Whether the branch went back to that point, so that what it met before no longer counts.
    """

    lsn: int
    source: ObjectId
    merged: int
    reset: bool = False


Merges = Mapping[ObjectId, list[Met]]
"""For each branch its merges and resets, in order."""


@dataclass(frozen=True)
class Held:
    """What of one line stays.

    Attributes:
        branch: The branch that wrote it, as it was then; its id is the line's.
        horizon: Everything from here on.
        points: And these LSNs before it, in order.
    """

    branch: BranchRecord
    horizon: int
    points: tuple[int, ...] = ()

    def sees(self, begin: int, end: int) -> bool:
        """Whether a reachable state has a version that lived from one LSN until before another."""
        if end > self.horizon:
            return True
        place = bisect_left(self.points, begin)
        return place < len(self.points) and self.points[place] < end

    @property
    def nothing(self) -> bool:
        """Whether no state of the line is reachable."""
        return self.horizon == NEVER and not self.points

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The stretches between what is held: a version that began after the one and ended by the other."""
        edges = [-1, *self.points, self.horizon]
        return [(first, last) for first, last in pairwise(edges) if first < last]

    def only(self, points: Iterable[int]) -> Held:
        """Return the same line with nothing held but some of its points."""
        return replace(self, horizon=NEVER, points=tuple(points))


@dataclass
class Holds:
    """What of each line of a project stays.

    Attributes:
        lines: By branch.
        gone: Branches of which nothing stays.
    """

    lines: dict[ObjectId, Held] = field(default_factory=dict)
    gone: dict[ObjectId, BranchRecord] = field(default_factory=dict)


def holds_of(branches: Mapping[ObjectId, BranchRecord], names: Iterable[Point], merges: Merges) -> Holds:
    """Work out what stays.

    Args:
        branches: All records of a project's branches.
        names: What tags name, and the sources of merges that are pending or planned.
        merges: The merges that the log has.
    """
    lines = lines_of(branches)
    pinned = [(branches[branch_id].line_at(lsn), lsn) for branch_id, lsn in names if branch_id in branches]
    named = {line for line, _ in pinned}
    needed = [line for line in lines.values() if line.status != "purged" or line.id in named]
    horizons = {line.id: NEVER if line.status == "purged" else line.horizon_lsn for line in lines.values()}
    points: dict[ObjectId, set[int]] = {line: set() for line in lines}
    waiting: list[tuple[ObjectId, int]] = [
        (line.id, line.horizon_lsn) for line in needed if line.status != "purged"
    ]

    def hold(line: ObjectId, lsn: int) -> None:
        if line in points and lsn not in points[line]:
            points[line].add(lsn)
            waiting.append((line, lsn))

    def hold_source(source: ObjectId, lsn: int) -> None:
        known = branches.get(source)
        if known is not None and known.status != "purged":
            hold(known.line_at(lsn), lsn)

    for record in needed:
        for ancestor in record.lineage:
            hold(ancestor.id, ancestor.fork)
    for line_id, lsn in pinned:
        hold(line_id, lsn)
    for record in needed:
        for met in merges.get(record.id, ()):
            if met.lsn >= horizons[record.id]:
                hold_source(met.source, met.merged)
    while waiting:
        # Of what was met before, the latest of each source is what the next merge may begin with.
        line, limit = waiting.pop()
        latest: dict[ObjectId, int] = {}
        for met in merges.get(line, ()):
            if met.lsn > limit:
                break
            if met.reset:
                latest.clear()
            latest[met.source] = max(met.merged, latest.get(met.source, 0))
        for source, merged in latest.items():
            hold_source(source, merged)
    holds = Holds()
    for record in lines.values():
        horizon = horizons[record.id]
        below = tuple(sorted(lsn for lsn in points[record.id] if lsn < horizon))
        held = Held(record, horizon, below)
        if held.nothing:
            holds.gone[record.id] = record
        else:
            holds.lines[record.id] = held
    return holds


def read_merges(
    engine: Engine, branch_ids: Iterable[ObjectId], session: Any = None
) -> Operation[dict[ObjectId, list[Met]]]:
    """Read the merges into some branches, and their resets, in order.

    Args:
        engine: The engine.
        branch_ids: The branches.
        session: A session to read in.
    """
    log = engine.plain[LOG] if session else engine.plain[LOG].with_options(read_concern=_MAJORITY)
    ids = list(branch_ids)
    fields = {"branch_id": 1, "lsn": 1, "document": 1}
    merges: dict[ObjectId, list[Met]] = {}
    for kind in (Kind.MERGE, Kind.RESET):  # each has an index of its own
        query = {"operation": str(kind), "branch_id": {"$in": ids}}
        for entry in (yield log.find(query, fields, session=session).to_list(None)):
            about = entry["document"]
            met = Met(int(entry["lsn"]), about["_id"], int(about["lsn"]), kind is Kind.RESET)
            merges.setdefault(entry["branch_id"], []).append(met)
    for line in merges.values():
        line.sort()
    return merges


def read_holds(engine: Engine, project_id: ObjectId, *, without: ObjectId | None = None) -> Operation[Holds]:
    """Read what stays of a project's lines, from its records and its log.

    Args:
        engine: The engine.
        project_id: The project.
        without: A branch or a tag that does not count.
    """
    query: dict[str, Any] = {"project_id": project_id}
    if without is not None:
        query["_id"] = {"$ne": without}
    found = yield engine.plain[BRANCHES].with_options(read_concern=_MAJORITY).find(query).to_list(None)
    branches = {record["_id"]: BranchRecord.model_validate(record) for record in found}
    names = yield from read_names(engine, branches, without=without)
    return holds_of(branches, names, (yield from read_merges(engine, branches)))


def read_names(
    engine: Engine,
    branch_ids: Iterable[ObjectId],
    session: Any = None,
    *,
    without: ObjectId | None = None,
) -> Operation[list[Point]]:
    """Read the points that tags name, and those that pending and planned merges have as their source.

    Args:
        engine: The engine.
        branch_ids: The branches of a project.
        session: A session to read in.
        without: A tag that does not count.
    """
    ids = list(branch_ids)

    def read(table: str, query: dict[str, Any]) -> Operation[list[Any]]:
        options = {} if session else {"read_concern": _MAJORITY}
        found: list[Any] = (
            yield engine.plain[table].with_options(**options).find(query, session=session).to_list(None)
        )
        return found

    within = {"$in": ids}
    tags = yield from read(TAGS, {"branch_id": within})
    waiting = yield from read(MERGES, {"_id": within})
    planned = yield from read(PLANS, {"_id.b": within})
    plans = [record["plan"] for record in (*waiting, *planned)]
    return [
        *((tag["branch_id"], int(tag["lsn"])) for tag in tags if tag["_id"] != without),
        *((plan["source_id"], int(plan["source_lsn"])) for plan in plans),
    ]


_MAJORITY = ReadConcern("majority")

"""Finding the place that a point in time stands for on a branch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.catalog.tags import find_tag
from argon.errors import PointNotFound
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.points import Ago, Lsn, Point, Tag
from argon.timetravel.place import Place
from argon.wal.log import moment_of

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_FIRST_LSN = 2
"""A project's history begins with the record of its main branch."""


def resolve(engine: Engine, branch: BranchRecord, point: Point) -> Operation[Place]:
    """Find where on a branch a point is.

    Args:
        engine: The engine.
        branch: The branch whose history is asked; its record may be out of date.
        point: An LSN, a time, an age or a tag.

    Returns:
        The branch, by a record that knows the line which the place is on, at the last LSN at or before
        the point that ends a commit, or lies between two: nobody has ever seen half of one.

    Raises:
        TagNotFound: The project has no such tag.
        PointNotFound: The point lies outside the branch's history; the
            message names the valid range.
        HistoryExpired: The branch has forgotten it; the message names what is still held.
        UnsupportedOperation: The branch is a classic one, without a history.
    """
    yield from engine.require_log(branch)
    found = yield from _find(engine, branch, point)
    yield from engine.horizons.require(found.branch, found.lsn)
    return found


def _find(engine: Engine, branch: BranchRecord, point: Point) -> Operation[Place]:
    if isinstance(point, Lsn):
        return (yield from _resolve_lsn(engine, branch, point.lsn))
    if isinstance(point, Tag):
        return (yield from _resolve_tag(engine, branch, point.name))
    yield from engine.clock.refresh()
    now = engine.clock.now()
    moment = point.before(now) if isinstance(point, Ago) else point.time
    return (yield from _resolve_time(engine, branch, moment))


def _resolve_lsn(engine: Engine, branch: BranchRecord, lsn: int) -> Operation[Place]:
    branch, head = yield from engine.end(branch)
    # The record of its creation is in the log of a branch, and it is newer than the head of a fresh one.
    first, last = min(_FIRST_LSN, head.lsn), max(head.lsn, branch.created_lsn)
    if not first <= lsn <= last:
        raise PointNotFound(
            f"LSN {lsn} is outside the history of the branch {branch.name!r}, which holds "
            f"LSNs {first} to {last}"
        )
    entry = yield from engine.log.entry(branch.project_id, lsn)
    # Where a large commit was published, the branch has an entry on its earlier line, too.
    inside = entry is not None and entry["operation"] == Kind.PUBLISH
    line_id = None if entry is None else entry["document"]["line"] if inside else entry["branch_id"]
    if line_id is not None and not _in_lineage(branch, line_id, lsn):
        raise PointNotFound(
            f"LSN {lsn} was written on another branch and is not in the history of {branch.name!r}: choose "
            "one of "
            f"'argon log {branch.name}' (LSNs {first} to {last})"
        )
    return Place(branch, (yield from _end_of_commit(engine, branch, lsn, entry)), named=True)


def _end_of_commit(
    engine: Engine, branch: BranchRecord, lsn: int, entry: Mapping[str, Any] | None
) -> Operation[int]:
    """Return an LSN, or the end of the commit that it lies inside: its entries became visible together.

    Args:
        engine: The engine.
        branch: The branch.
        lsn: An LSN in its history.
        entry: What the log has there; None for a gap.
    """
    ids = [branch.line_id, *(ancestor.id for ancestor in branch.lineage)]
    bases = [*(ancestor.fork for ancestor in branch.lineage), 0]
    line = next(line for line, base in zip(ids, bases, strict=True) if lsn > base)
    there = entry is not None and entry["branch_id"] == line
    last = entry if there else (yield from engine.log.last_before(line, lsn, lsn))
    return lsn if last is None else max(lsn, int(last.get("commit", 0)))


def _resolve_tag(engine: Engine, branch: BranchRecord, name: str) -> Operation[Place]:
    """Find a tag's place, whose state must be one that the branch itself has been in."""
    tag = yield from find_tag(engine.plain, branch.project_id, name)
    place = Place((yield from engine.fresh(branch)), tag.lsn, named=True)
    if tag.branch_id == branch.id:
        return place
    tagged: Any = yield from engine.branch_record(tag.branch_id)
    if not _in_lineage(place.branch, tagged.line_at(tag.lsn), tag.lsn):
        raise PointNotFound(
            f"the tag {name!r} is at {tagged.name}@{tag.lsn}, which is not in the history of "
            f"{branch.name!r}: look at it on the branch {tagged.name!r}"
        )
    return place


def _in_lineage(branch: BranchRecord, line_id: ObjectId, lsn: int) -> bool:
    if line_id == branch.line_id:
        return lsn >= branch.base_lsn
    return any(ancestor.id == line_id and lsn <= ancestor.fork for ancestor in branch.lineage)


def _resolve_time(engine: Engine, branch: BranchRecord, moment: datetime) -> Operation[Place]:
    """Walk the lineage from the branch upwards to the line that was written at the moment.

    Times increase along a line, so a line is searched by halving its LSNs,
    each probe one index seek.
    """
    moment = moment.astimezone(UTC)
    branch, head = yield from engine.end(branch)
    bases = [ancestor.fork for ancestor in branch.lineage] + [0]
    limits = [head.lsn, *(ancestor.fork for ancestor in branch.lineage)]
    ids = [branch.line_id, *(ancestor.id for ancestor in branch.lineage)]
    for line_id, base, limit in zip(ids, bases, limits, strict=True):
        yield from engine.horizons.require_time(branch, line_id, limit, moment)
        found = yield from last_at(engine, branch, line_id, base, limit, moment)
        if found is not None:
            return Place(branch, found, named=True)
    root = yield from engine.branch_record(ids[-1])
    begin = None if root is None else root.created_at
    if root is not None and moment >= root.created_at:
        return Place(branch, root.base_lsn, named=True)
    raise PointNotFound(
        f"{moment.isoformat()} is before the project began: the history of {branch.name!r} holds "
        f"{'' if begin is None else begin.isoformat()} to {head.time.isoformat()}"
    )


def _seen_since(engine: Engine, project_id: ObjectId, entry: Any) -> Operation[datetime]:
    """Return when an entry became visible: those of a large commit are older than its last one."""
    commit = int(entry.get("commit", entry["lsn"]))
    if commit != int(entry["lsn"]):
        entry = (yield from engine.log.entry(project_id, commit)) or entry
    return moment_of(entry)


def last_at(
    engine: Engine, branch: BranchRecord, line_id: ObjectId, base: int, limit: int, moment: datetime
) -> Operation[int | None]:
    """Return a line's last LSN above ``base`` and up to ``limit`` that was written by the moment."""
    # Entries that follow an LSN below `low` are by the moment; those that follow one from `high` on are not.
    low, high = base, limit
    best: int | None = None
    while low < high:
        middle = (low + high + 1) // 2
        probe: Any = yield from engine.log.last_before(line_id, middle, limit)
        if probe is None or int(probe["lsn"]) <= base or int(probe["prev_lsn"]) < low:
            low = middle
        elif (yield from _seen_since(engine, branch.project_id, probe)) <= moment:
            best = int(probe["lsn"])
            low = middle
        else:
            high = int(probe["prev_lsn"])
    return best

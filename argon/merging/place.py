"""Points of a project's history as pairs of branch and LSN, and where two of them part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.catalog.tags import find_tag
from argon.engine.snapshot import Snapshot
from argon.errors import BranchNotFound, TagNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.points import Ago, Lsn, Point, Tag, Time, as_point, parse_branch_point, parse_point
from argon.timetravel.resolve import resolve
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Where = BranchRecord | Point | int | datetime | timedelta | str
"""A branch or its name, a point of a branch that goes without saying, or ``branch@POINT``."""


@dataclass(frozen=True)
class Place:
    """A branch at an LSN.

    Attributes:
        branch: The branch.
        lsn: The last LSN that counts.
        named: Whether the LSN was asked for, and is not just the head.
    """

    branch: BranchRecord
    lsn: int
    named: bool = False

    def __str__(self) -> str:
        return f"{self.branch.name}@{self.lsn}" if self.named else self.branch.name

    @property
    def line(self) -> list[tuple[ObjectId, int]]:
        """The lines whose entries make up the history, the latest first, each with its last LSN.

        A point that a branch has inherited lies on the line that it was written on.
        """
        line = [(self.branch.line_id, self.lsn)]
        for ancestor in self.branch.lineage:
            if line[-1][1] <= ancestor.fork:
                line.pop()
            line.append((ancestor.id, min(ancestor.fork, self.lsn)))
        return line

    def state(self, engine: Engine) -> Operation[Snapshot]:
        """Return what the branch held there."""
        return (yield from engine.past(self.branch, self.lsn))


def locate(
    engine: Engine, project: ProjectRecord, here: BranchRecord | str | None, where: Where
) -> Operation[Place]:
    """Find the place that a user means.

    Args:
        engine: The engine.
        project: The project.
        here: The branch that points are of where none is named; None for the default branch.
        where: A branch, its name, a tag, a point, or ``branch@POINT``; a name that is both is the branch's.

    Raises:
        BranchNotFound: There is no such branch.
        PointNotFound: The point is outside the branch's history.
        InvalidPoint: It is none of these.
    """
    if isinstance(where, Place):
        return where
    point: Point | None = None
    branch: BranchRecord | str | None = here
    if isinstance(where, BranchRecord):
        branch = where
    elif isinstance(where, str) and "@" in where:
        branch, point = parse_branch_point(where)
    elif isinstance(where, str):
        parsed = parse_point(where)
        if isinstance(parsed, Tag):
            branch = where
        else:
            point = parsed
    elif isinstance(where, Lsn | Time | Ago | Tag):
        point = where
    else:
        point = as_point(at=where)
    if branch is None:
        branch = yield from engine.branches(project).default()
    if isinstance(branch, str):
        name = branch
        try:
            branch = yield from engine.branches(project).get(name)
        except BranchNotFound as error:
            if point is not None:
                raise
            # A name that is no branch's may be a tag's, which says itself where it is.
            try:
                tag = yield from find_tag(engine.plain, project.id, name)
            except TagNotFound:
                raise error from None
            tagged: Any = yield from engine.branch_record(tag.branch_id)
            yield from engine.require_on(tagged, "wal_time_travel")
            return Place(tagged, tag.lsn, named=True)
    yield from engine.require_log(branch)
    if point is None:
        head = yield from engine.log.head(branch)
        return Place((yield from engine.fresh(branch)), head.lsn)
    yield from engine.require_on(branch, "wal_time_travel")
    lsn = yield from resolve(engine, branch, point)
    # Read after the LSN was found, so that it knows the line that it is on.
    return Place((yield from engine.fresh(branch)), lsn, named=True)


def common(engine: Engine, one: Place, other: Place) -> Operation[Place | None]:
    """Find the latest place that lies on the lines of two others; None where their lines never meet."""
    limits = dict(other.line)
    for branch_id, limit in one.line:
        if branch_id in limits:
            lsn = min(limit, limits[branch_id])
            for place in (one, other):
                if place.branch.line_id == branch_id:
                    return Place(place.branch, lsn)
            return (yield from place_of(engine, branch_id, lsn))
    return None


def place_of(engine: Engine, line_id: ObjectId, lsn: int) -> Operation[Place]:
    """Return the place at an LSN of a line, whose branch may have been deleted."""
    record: Any = yield from engine.line_record(line_id)
    return Place(record, lsn)


def spaces_of(engine: Engine, branch: BranchRecord) -> Operation[list[str]]:
    """Name the spaces of a branch; ``default`` is always there."""
    if branch.kind == "classic":
        return [DEFAULT_SPACE]
    return (yield from engine.line(branch).snapshot()).catalog.spaces()

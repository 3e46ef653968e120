"""Finding the place that a user means."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from argon.catalog.tags import find_tag
from argon.errors import BranchNotFound, TagNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.points import Ago, Lsn, Point, Tag, Time, as_point, parse_branch_point, parse_point
from argon.timetravel.place import Place, at_head
from argon.timetravel.resolve import resolve

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Where = BranchRecord | Point | int | datetime | timedelta | str
"""A branch or its name, a point of a branch that goes without saying, or ``branch@POINT``."""


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
        return (yield from at_head(engine, branch))
    yield from engine.require_on(branch, "wal_time_travel")
    place = yield from resolve(engine, branch, point)
    return replace(place, branch=(yield from engine.fresh(place.branch)))  # under the name that it has now

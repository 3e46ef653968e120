"""Branches that bore a name one after the other.

A database that is dropped and made anew is one to MongoDB: its name is all that
a stream goes by. Here it is another branch each time, of another project where
that was dropped, with a line of its own. So a token of a namesake leads along
that one's line to its end, ``dropDatabase`` and ``invalidate``; and from there,
with ``start_after``, to the beginning of whichever came next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.catalog.tables import BRANCHES, PROJECTS
from argon.io import Operation
from argon.models import BranchRecord
from argon.retention.lines import own_levels
from argon.streams.token import Place, Token
from argon.streams.track import history_lost

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_GONE = ("purged", "hidden", "published")


def on_namesake(
    engine: Engine, record: BranchRecord, token: Token
) -> Operation[tuple[BranchRecord, Place] | None]:
    """Find what a token means to a stream on a name that is another branch's by now.

    Args:
        engine: The engine.
        record: The branch that has the name.
        token: A token that is on no line of its history.

    Returns:
        The branch to follow, and the place; None if the token is of no earlier branch of the name.

    Raises:
        OperationFailure: What came next has gone with its history.
    """
    of_name = yield from _projects_of_same_name(engine, record)
    for place in token.places:
        earlier = yield from engine.branch_record(place.branch)
        if earlier is not None and earlier.status == "published" and earlier.parent_id is not None:
            earlier = yield from engine.branch_record(earlier.parent_id)  # which a large commit moved on
        if earlier is None or earlier.status in _GONE:
            continue
        if earlier.name != record.name or earlier.project_id not in of_name:
            continue
        head, line_id = yield from engine.log.end(earlier)
        if not token.invalidated or (place.branch, place.lsn) != (line_id, head.lsn):
            return earlier, place
        query = {
            "name": record.name,
            "number": {"$gt": earlier.number},
            "project_id": {"$in": of_name},
            "status": {"$nin": ["hidden", "published"]},
        }
        [found] = yield engine.plain[BRANCHES].find(query).sort("number", 1).limit(1).to_list(1)
        following = BranchRecord.model_validate(found)
        if following.status == "purged":
            raise history_lost(f"a branch {record.name!r} came and went since, and its history with it")
        return following, own_beginning(following)
    return None


def own_beginning(record: BranchRecord) -> Place:
    """Return the place before everything that a branch wrote itself; what it inherited lies before it."""
    mine = {line for line, _ in own_levels(record)}
    for ancestor in record.lineage:
        if ancestor.id not in mine:
            return Place(ancestor.id, ancestor.fork)
    return Place(record.id, record.base_lsn)


def _projects_of_same_name(engine: Engine, record: BranchRecord) -> Operation[list[object]]:
    mine = yield engine.plain[PROJECTS].find_one({"_id": record.project_id}, {"name": 1})
    if mine is None:
        return []
    found = yield engine.plain[PROJECTS].find({"name": mine["name"]}, {"_id": 1}).to_list(None)
    return [project["_id"] for project in found]

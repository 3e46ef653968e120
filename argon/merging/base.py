"""The merge base: the latest common state of two lines, with merges counted as git counts parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import Int64, ObjectId
from pymongo.read_concern import ReadConcern

from argon.io import Operation
from argon.merging.place import Place, place_of
from argon.models.entry import Operation as Kind
from argon.wal.log import LOG, MERGE_INDEX

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Reach = dict[ObjectId, int]
"""For each branch the last LSN that is part of a history."""


def reach(engine: Engine, place: Place) -> Operation[Reach]:
    """Find all that a place's history holds, by lineage and by merges.

    Args:
        engine: The engine.
        place: The place.
    """
    log = engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))
    found: Reach = {}
    waiting = [(place.branch.id, place.lsn)]
    while waiting:
        branch_id, lsn = waiting.pop()
        known = found.get(branch_id, -1)
        if known >= lsn:
            continue
        found[branch_id] = lsn
        record = (
            place.branch if branch_id == place.branch.id else (yield from engine.branch_record(branch_id))
        )
        if record is not None and record.lineage:
            parent = record.lineage[0]
            waiting.append((parent.id, min(parent.fork, lsn)))
        query = {
            "branch_id": branch_id,
            "operation": str(Kind.MERGE),
            "lsn": {"$gt": Int64(known), "$lte": Int64(lsn)},
        }
        for entry in (yield log.find(query, {"document": 1}).to_list(None)):
            merged = entry["document"]
            waiting.append((merged["_id"], int(merged["lsn"])))
    return found


def merge_base(engine: Engine, one: Place, other: Place) -> Operation[Place | None]:
    """Find the best common ancestor of two places.

    Where there are several, as after merges that crossed, it is the latest.

    Args:
        engine: The engine.
        one: A place.
        other: Another one.

    Returns:
        The place; None where the histories have nothing in common.
    """
    mine = yield from reach(engine, one)
    theirs = yield from reach(engine, other)
    shared = {branch: min(lsn, theirs[branch]) for branch, lsn in mine.items() if branch in theirs}
    places: list[Place] = []
    for branch, lsn in shared.items():
        places.append((yield from place_of(engine, branch, lsn)))
    best: list[Place] = []
    reaches: list[Reach] = []
    for place in places:
        reaches.append((yield from reach(engine, place)))
    for number, place in enumerate(places):
        within = (held for held, seen in enumerate(reaches) if held != number and _holds(seen, place))
        if next(within, None) is None:
            best.append(place)
    return max(best, key=lambda place: place.lsn, default=None)


def ensure_index(engine: Engine) -> Operation[None]:
    """Make the index that finds merges, in databases that were made without it."""
    keys, options = MERGE_INDEX
    yield engine.raw[LOG].create_index(keys, **options)


def _holds(seen: Reach, place: Place) -> bool:
    return seen.get(place.branch.id, -1) >= place.lsn

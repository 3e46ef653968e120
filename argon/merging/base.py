"""The merge base: the latest common state of two lines, with merges counted as git counts parents.

A reset gives a branch another past: what follows it has for its history the point that was gone back to,
and not what was taken back. So it cuts a line into stretches, and a history holds a beginning of each of
some stretches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import Int64, ObjectId
from pymongo import DESCENDING
from pymongo.read_concern import ReadConcern

from argon.errors import HistoryExpired
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.timetravel.place import Place, place_of
from argon.wal.log import LOG, MERGE_INDEX, RESET_INDEX

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Stretch = tuple[ObjectId, int]
"""A line from a reset on, whose LSN this is, or from its beginning, to the next reset."""

Reach = dict[Stretch, int]
"""For each stretch the last LSN that is part of a history."""


def reach(engine: Engine, place: Place) -> Operation[Reach]:
    """Find all that a place's history holds, by lineage and by merges.

    Args:
        engine: The engine.
        place: The place.
    """
    log = engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))
    found: Reach = {}
    waiting = [(place.branch.line_id, place.lsn)]
    while waiting:
        line_id, lsn = waiting.pop()
        reset = yield log.find_one(
            {"branch_id": line_id, "operation": str(Kind.RESET), "lsn": {"$lte": Int64(lsn)}},
            {"lsn": 1, "document": 1},
            sort=[("lsn", DESCENDING)],
        )
        begin = 0 if reset is None else int(reset["lsn"])
        known = found.get((line_id, begin), begin)
        if known >= lsn and (line_id, begin) in found:
            continue
        found[line_id, begin] = lsn
        record = place.branch if line_id == place.branch.line_id else (yield from engine.line_record(line_id))
        if reset is not None:
            waiting.append((reset["document"]["_id"], int(reset["document"]["lsn"])))
        elif record is not None and record.lineage:
            parent = record.lineage[0]
            waiting.append((parent.id, min(parent.fork, lsn)))
        query = {
            "branch_id": line_id,
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
    shared = {stretch: min(lsn, theirs[stretch]) for stretch, lsn in mine.items() if stretch in theirs}
    places: list[Place] = []
    reaches: list[Reach] = []
    held: list[tuple[Stretch, int]] = []
    for stretch, lsn in shared.items():
        place = yield from place_of(engine, stretch[0], lsn)
        if (yield from _is_held(engine, place)):
            places.append(place)
            reaches.append((yield from reach(engine, place)))
            held.append((stretch, lsn))
    best: list[Place] = []
    for number, (place, (stretch, lsn)) in enumerate(zip(places, held, strict=True)):
        others = (seen for other, seen in enumerate(reaches) if other != number)
        if not any(seen.get(stretch, -1) >= lsn for seen in others):
            best.append(place)
    return max(best, key=lambda place: place.lsn, default=None)


def _is_held(engine: Engine, place: Place) -> Operation[bool]:
    """Whether the state is there to be merged with: a source that was deleted long ago may be gone."""
    record: BranchRecord | None = place.branch
    if record is None:
        return False
    try:
        yield from engine.horizons.require(record, place.lsn)
    except HistoryExpired:
        return False
    return True


def ensure_indexes(engine: Engine) -> Operation[None]:
    """Make the indexes that find merges and resets, in databases that were made without them."""
    for keys, options in (MERGE_INDEX, RESET_INDEX):
        yield engine.raw[LOG].create_index(keys, **options)

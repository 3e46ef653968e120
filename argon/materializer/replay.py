"""Rebuilding a collection's state from the log alone.

Nothing here looks at a version row, so that a replay is a second opinion on
what the rows say.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from bson.raw_bson import RawBSONDocument

from argon.errors import CorruptHistory
from argon.io import Operation
from argon.materializer.names import Name, Names, lines
from argon.models import BranchRecord
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.points import as_point
from argon.retention.marker import collections_done
from argon.timetravel.place import at_head
from argon.timetravel.resolve import resolve
from argon.versions.ids import id_key
from argon.wal.log import DEFAULT_SPACE, LOG
from argon.wal.pages import line_pages

if TYPE_CHECKING:
    from argon.engine.engine import Engine

State = dict[Hashable, RawBSONDocument]
"""Documents with the bytes of the log, by :func:`argon.versions.ids.id_key` of their ids."""


def replay(
    engine: Engine, branch: BranchRecord, collection: str, lsn: int | None = None, space: str = DEFAULT_SPACE
) -> Operation[State]:
    """Rebuild a collection as it was.

    Args:
        engine: The engine.
        branch: The branch; a deleted one will do.
        collection: The collection's name at that moment.
        lsn: The moment; by default the branch's head.
        space: The collection's space.

    Returns:
        Its documents; none where there was no such collection, or a view.

    Raises:
        PointNotFound: The LSN is outside the branch's history.
        CorruptHistory: The log contradicts itself; the message names the entry.
    """
    if lsn is None:
        place = yield from at_head(engine, branch)
    else:
        place = yield from resolve(engine, branch, as_point(lsn=lsn))
    branch, lsn = place.branch, place.lsn
    while True:
        collected = yield from collections_done(engine, branch.project_id)
        failure: CorruptHistory | None = None
        try:
            state = yield from _replay(engine, branch, (space, collection), lsn)
        except CorruptHistory as error:
            failure = error
        # The log before and the log after it was compacted tell the same; half of each does not.
        if collected == (yield from collections_done(engine, branch.project_id)):
            break
    yield from engine.horizons.require(branch, lsn)
    if failure is not None:
        raise failure
    return state


def _replay(engine: Engine, branch: BranchRecord, named: Name, lsn: int) -> Operation[State]:
    log = engine.raw[LOG]
    names = Names()
    history = [(branch_id, lsn if limit is None else limit) for branch_id, limit in lines(branch, lsn)]
    for branch_id, limit in history:
        pages = line_pages(log, branch_id, limit, {"operation": {"$in": sorted(DDL_OPERATIONS)}})
        while page := (yield from pages.next()):
            for entry in page:
                names.add(entry)
    store = names.resolve(branch, named, lsn)
    state: State = {}
    if not store:
        return state
    query = {
        "operation": {"$in": sorted(DOCUMENT_OPERATIONS)},
        "collection": {"$in": sorted({name for _, name in names.of_store(store)})},
    }
    for branch_id, limit in history:
        pages = line_pages(log, branch_id, limit, query)
        while page := (yield from pages.next()):
            for entry in page:
                name = (entry.get("space", DEFAULT_SPACE), entry["collection"])
                if names.resolve(branch, name, int(entry["lsn"])) == store:
                    apply(state, entry)
    return state


def apply(state: State, entry: Mapping[str, Any]) -> None:
    """Do to a state what an entry did.

    Args:
        state: The documents of its collection.
        entry: An insert, an update or a delete.

    Raises:
        CorruptHistory: It does not follow from the state.
    """
    key = id_key(entry["document_id"])
    if (key in state) == (entry["operation"] == Kind.INSERT):
        there = "is there already" if key in state else "is not there"
        raise CorruptHistory(
            f"the log cannot be replayed: LSN {entry['lsn']} is {entry['operation']} of "
            f"{entry['document_id']!r} in {entry['collection']!r}, which {there}: "
            "'argon verify' shows the extent"
        )
    if entry["operation"] == Kind.DELETE:
        del state[key]
    else:
        state[key] = entry["document"]

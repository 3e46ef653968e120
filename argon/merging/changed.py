"""Which documents may differ between two places: those that the log names since their lines parted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo import ASCENDING
from pymongo.read_concern import ReadConcern

from argon.io import Operation
from argon.merging.ids import IdSet
from argon.merging.progress import Tally
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS
from argon.timetravel.place import Place, common
from argon.wal.log import DEFAULT_SPACE, LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PAGE = 5000
_FIELDS = {
    "lsn": 1,
    "operation": 1,
    "space": 1,
    "collection": 1,
    "document_id": 1,
    # What a document was is read from the rows; of collections the log tells what a name stood for.
    "document": {"$cond": [{"$in": ["$operation", sorted(DDL_OPERATIONS)]}, "$document", "$$REMOVE"]},
}


class Changed:
    """The ids that were written since two lines parted, by physical store.

    Args:
        everything: Whether the lines never met, so that every document may differ.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self.everything = everything
        self._stores: dict[str, IdSet] = {}

    def of(self, store: str) -> IdSet:
        """Return the ids of a store."""
        return self._stores.setdefault(store, IdSet())


def changed_between(
    engine: Engine, one: Place, other: Place, tally: Tally | None = None
) -> Operation[Changed]:
    """Find what may differ between two places; it costs what was written since their lines parted.

    Args:
        engine: The engine.
        one: A place.
        other: Another one.
        tally: Counts the entries that are read.
    """
    fork = yield from common(engine, one, other)
    if fork is None:
        return Changed(everything=True)
    changed = Changed()
    for place in (one, other):
        yield from _walk(engine, fork, place, changed, tally or Tally())
    return changed


def _walk(engine: Engine, fork: Place, place: Place, changed: Changed, tally: Tally) -> Operation[None]:
    """Go through what was written on a place's line after it had left the fork."""
    parts: list[tuple[ObjectId, int, int]] = []
    for branch_id, limit in place.line:
        shared = branch_id == fork.branch.line_id
        parts.append((branch_id, fork.lsn if shared else 0, limit))
        if shared:
            break
    if all(first >= limit for _, first, limit in parts):
        return
    catalog = (yield from fork.state(engine)).catalog
    stores = {(record.space, record.name): record.store for record in catalog.records()}
    names = {record.id: (record.space, record.name) for record in catalog.records()}
    log = engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))
    for branch_id, first, limit in reversed(parts):
        # The fork may lie between two entries, or be the record of a branch's creation.
        before = yield from engine.log.last_before(branch_id, first, first)
        follows = 0 if before is None else int(before["lsn"])
        while first < limit:
            entries: list[Any] = (
                yield log.find(
                    {
                        "branch_id": branch_id,
                        "prev_lsn": {"$gte": Int64(follows), "$lt": Int64(limit)},
                        "lsn": {"$gt": Int64(first), "$lte": Int64(limit)},
                    },
                    _FIELDS,
                )
                .sort("prev_lsn", ASCENDING)
                .limit(_PAGE)
                .to_list(None)
            )
            for entry in entries:
                _note(entry, stores, names, changed)
            tally.read(len(entries))
            if len(entries) < _PAGE:
                break
            first = follows = int(entries[-1]["lsn"])


def _note(
    entry: Any, stores: dict[tuple[str, str], str], names: dict[ObjectId, tuple[str, str]], changed: Changed
) -> None:
    name = (entry.get("space", DEFAULT_SPACE), entry.get("collection"))
    if entry["operation"] in DOCUMENT_OPERATIONS:
        identity, store = entry.get("document_id"), stores.get(name)
        if store is None:
            changed.everything = True  # slow and right, whatever the log has lost
        else:
            changed.of(store).add(identity)
    elif entry["operation"] in DDL_OPERATIONS:
        incarnation, record = entry["document_id"], entry.get("document")
        before = names.pop(incarnation, None)
        # Two collections that change names within one commit pass each other.
        if record is None:
            if before is not None:
                stores.pop(before, None)
            return
        names[incarnation] = now = (record["space"], record["name"])
        if before is not None and before != now and before not in names.values():
            stores.pop(before, None)
        stores[now] = record["store"]

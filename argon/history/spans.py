"""Version rows along a lineage: from when to when each one was what the branch had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.raw_bson import RawBSONDocument

from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.versions.layout import ID_INDEX, MAX_LSN, Row
from argon.versions.visibility import Level
from argon.wal.transactions import patiently

_PAGE = 64


@dataclass(frozen=True)
class Span:
    """One version of a document in the eyes of a branch.

    Attributes:
        begin: The LSN that made it.
        end: The LSN that ended it; None if it is still there.
        born: The LSN that inserted the document; versions of one life have it in common.
        document: The document.
    """

    begin: int
    end: int | None
    born: int
    document: RawBSONDocument


class Spans:
    """The versions of one document in one store, newest first, page by page.

    Each level of the lineage is one range of the store's index, so this costs
    what the document has versions, however long the log.

    Args:
        snapshot: The branch at the moment from which to look back.
        store: The physical collection.
        identity: The document's ``_id``.
    """

    def __init__(self, snapshot: Snapshot, store: str, identity: Any) -> None:
        self._snapshot = snapshot
        self._store = snapshot.rows(store)
        self._identity = identity
        self._depth = 0
        self._last: Row | None = None

    def next(self) -> Operation[list[Span]]:
        """Return the next page; an empty one is the end."""
        levels = self._snapshot.view.levels
        while self._depth < len(levels):
            level = levels[self._depth]
            begins: dict[str, Any] = {"$lte": Int64(level.limit or 0)}
            ends: dict[str, Any] = {"$lte": MAX_LSN}
            if self._last is not None:
                begins, ends = {"$lt": self._last["f"]}, {"$lt": self._last["_id"]["t"]}
            where = {"d._id": {"$eq": self._identity}, "_id.b": level.branch, "_id.t": ends, "f": begins}

            def read(where: dict[str, Any] = where) -> Operation[list[Row]]:
                cursor = self._store.find(where, sort=[("_id.t", -1)], limit=_PAGE, hint=ID_INDEX)
                found: list[Row] = yield cursor.to_list(None)
                return found

            rows = yield from patiently(self._snapshot.engine.world, read)
            page = [_span(row, self._depth, levels) for row in rows]
            if len(rows) == _PAGE:
                self._last = rows[-1]
            else:
                self._depth, self._last = self._depth + 1, None
            if page:
                return page
        return []


def all_spans(snapshot: Snapshot, store: str) -> Operation[list[Span]]:
    """Return all versions of all documents of a store that a branch has seen, in no order.

    Args:
        snapshot: The branch at the moment from which to look back.
        store: The physical collection, a small one.
    """
    levels = snapshot.view.levels
    rows = snapshot.rows(store)
    found: list[Span] = []
    for depth, level in enumerate(levels):
        first, last = ({"b": level.branch, "t": t, "n": t} for t in (MinKey(), MaxKey()))
        where = {"_id": {"$gte": first, "$lte": last}, "f": {"$lte": Int64(level.limit or 0)}}

        def read(where: dict[str, Any] = where) -> Operation[list[Row]]:
            page: list[Row] = yield rows.find(where).to_list(None)
            return page

        page = yield from patiently(snapshot.engine.world, read)
        found += [_span(row, depth, levels) for row in page]
    return found


def _span(row: Mapping[str, Any], depth: int, levels: Sequence[Level]) -> Span:
    """Say when a row was replaced or deleted: on its own branch, or by the mark of one further down."""
    ends = [int(row["_id"]["t"])] if row["_id"]["t"] <= (levels[depth].limit or 0) else []
    limits = {level.branch: level.limit or 0 for level in levels[:depth]}
    ends += [int(mark["l"]) for mark in row.get("s", ()) if mark["l"] <= limits.get(mark["b"], -1)]
    return Span(int(row["f"]), min(ends, default=None), int(row["_id"]["n"]), row["d"])

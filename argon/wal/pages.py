"""Reading long stretches of the log and of stores without holding them.

A page is a query of its own, so no cursor has to live for as long as the work
takes. Its size follows the size of what was read, not to hold more than some
megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bson import Int64, ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.read_concern import ReadConcern

from argon.io import Operation

_FIRST_PAGE = 16
_LARGEST_PAGE = 1000
_PAGE_BYTES = 4 * 1024 * 1024
_LEGS = 200
"""Ranges of LSNs in one query: `$in` would make the server scan the whole log."""

Found = list[RawBSONDocument]


class Pages:
    """The documents of one range, in order, page by page.

    Args:
        collection: The physical collection, decoding to raw BSON.
        first: The lower bound of the key, itself included.
        last: The upper bound, itself included.
        field: The key: unique within the query, and served by an index together with it.
        query: Further conditions.
        projection: What to read of each document; the key must be in it.
    """

    def __init__(
        self,
        collection: Any,
        first: Any,
        last: Any,
        *,
        field: str = "_id",
        query: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | None = None,
    ) -> None:
        self._collection = collection.with_options(read_concern=ReadConcern("majority"))
        self._bounds = {"$gte": first, "$lte": last}
        self._field = field
        self._query = dict(query or {})
        self._projection = projection
        self._size = _FIRST_PAGE
        self._ended = False

    def next(self) -> Operation[Found]:
        """Return the next page; an empty one is the end."""
        if self._ended:
            return []
        found: Found = (
            yield self._collection.find({**self._query, self._field: self._bounds}, self._projection)
            .sort(self._field, 1)
            .limit(self._size)
            .to_list(None)
        )
        self._ended = len(found) < self._size
        if found:
            self._bounds = {"$gt": found[-1][self._field], "$lte": self._bounds["$lte"]}
            average = sum(len(document.raw) for document in found) // len(found)
            self._size = max(1, min(_LARGEST_PAGE, self._size * 8, _PAGE_BYTES // max(1, average)))
        return found


def log_pages(log: Any, project_id: ObjectId, last: int, **options: Any) -> Pages:
    """Read a project's log in the order of its LSNs.

    Args:
        log: The log's collection, decoding to raw BSON.
        project_id: The project.
        last: The last LSN to read.
        options: As for :class:`Pages`.
    """
    return Pages(log, _key(project_id, 0), _key(project_id, last), **options)


def line_pages(log: Any, branch_id: ObjectId, last: int, query: Mapping[str, Any]) -> Pages:
    """Read one branch's own line.

    Args:
        log: The log's collection, decoding to raw BSON.
        branch_id: The branch.
        last: The last LSN to read.
        query: Further conditions on entries.
    """
    conditions = {"branch_id": branch_id, "lsn": {"$lte": Int64(last)}, **query}
    return Pages(log, Int64(0), Int64(max(0, last - 1)), field="prev_lsn", query=conditions)


def look_up(
    log: Any, project_id: ObjectId, lsns: Iterable[int], projection: Mapping[str, Any] | None = None
) -> Operation[dict[int, RawBSONDocument]]:
    """Read entries by their LSNs.

    Args:
        log: The log's collection, decoding to raw BSON.
        project_id: The project.
        lsns: Which.
        projection: What to read of each.

    Returns:
        Those that are there.
    """
    shaped: list[dict[str, Any]] = [] if projection is None else [{"$project": dict(projection)}]
    majority = log.with_options(read_concern=ReadConcern("majority"))
    ranges = [
        {"$match": {"_id": {"$gte": _key(project_id, first), "$lte": _key(project_id, last)}}}
        for first, last in _runs(lsns)
    ]
    found: dict[int, RawBSONDocument] = {}
    for start in range(0, len(ranges), _LEGS):
        first, *others = ranges[start : start + _LEGS]
        pipeline: list[dict[str, Any]] = [first, *shaped]
        pipeline += [{"$unionWith": {"coll": log.name, "pipeline": [leg, *shaped]}} for leg in others]
        cursor = yield majority.aggregate(pipeline)
        entries: Found = yield cursor.to_list(None)
        found.update((int(entry["_id"]["l"]), entry) for entry in entries)
    return found


def _runs(lsns: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Join neighbouring LSNs to ranges."""
    first = last = None
    for lsn in sorted(set(lsns)):
        if first is not None and last is not None and lsn > last + 1:
            yield first, last
            first = None
        first = lsn if first is None else first
        last = lsn
    if first is not None and last is not None:
        yield first, last


def _key(project_id: ObjectId, lsn: int) -> dict[str, Any]:
    return {"p": project_id, "l": Int64(lsn)}

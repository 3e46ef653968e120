"""Reading a branch's log, its inherited part included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId

from argon.io import Operation
from argon.models import BranchRecord, WALEntry
from argon.models.entry import Operation as Kind
from argon.wal.log import DEFAULT_SPACE, LOG, parse

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PAGE = 500
_ANY = {"$exists": True}
_VISIBLE: dict[str, Any] = {
    "$nor": [{"prev_lsn": None, "document.hidden": True}, {"operation": str(Kind.PUBLISH)}]
}
"""How a large commit came about is nothing that a branch's user would look for; its entries are."""


class LogPages:
    """A lineage's entries, newest first, page by page.

    Args:
        engine: The engine.
        branch: The branch.
        limit: At most so many entries.
        query: Further conditions on entries.
        after: Only greater LSNs.
        before: Only smaller LSNs.
    """

    def __init__(
        self,
        engine: Engine,
        branch: BranchRecord,
        *,
        limit: int | None,
        query: dict[str, Any],
        after: int | None,
        before: int | None,
    ) -> None:
        self._log = engine.plain[LOG]
        self._engine = engine
        self._branch = branch
        self._left = limit
        self._query = query
        self._after = after or 0
        self._lines: list[tuple[ObjectId, int | None]] | None = None
        self._before = before

    def next(self) -> Operation[list[WALEntry]]:
        """Return the next page; an empty one is the end.

        Raises:
            UnsupportedOperation: The branch is a classic one, without a history.
        """
        yield from self._engine.require_log(self._branch)
        if self._lines is None:
            branch = yield from self._engine.fresh(self._branch)
            # Lines are read from the branch upwards; each stops where the one below it began.
            self._lines = [(branch.line_id, None)]
            self._lines += [(ancestor.id, ancestor.fork) for ancestor in branch.lineage]
        while self._lines and self._left != 0:
            branch_id, fork = self._lines[0]
            bounds: dict[str, Any] = {"$gt": Int64(self._after)}
            if fork is not None:
                bounds["$lte"] = Int64(fork)
            if self._before is not None:
                bounds["$lt"] = Int64(self._before)
            size = _PAGE if self._left is None else min(_PAGE, self._left)
            # The chain index gives the order; a line's record of creation stands last in it.
            found = (
                yield self._log.find({"branch_id": branch_id, "lsn": bounds, **self._query, **_VISIBLE})
                .sort("prev_lsn", -1)
                .limit(size)
                .to_list(None)
            )
            if not found:
                self._lines.pop(0)
                continue
            self._before = int(found[-1]["lsn"])
            if self._left is not None:
                self._left -= len(found)
            return [parse(entry) for entry in found]
        return []


def read_log(
    engine: Engine,
    branch: BranchRecord,
    *,
    limit: int | None = None,
    collection: str | None = None,
    space: str | None = None,
    document_id: Any = None,
    author: str | None = None,
    after: int | None = None,
    before: int | None = None,
) -> LogPages:
    """Begin to read a branch's log.

    Args:
        engine: The engine.
        branch: The branch.
        limit: At most so many entries.
        collection: Of this collection only.
        space: Of this namespace only.
        document_id: About this document only.
        author: Written by this author only.
        after: With a greater LSN.
        before: With a smaller LSN.
    """
    query: dict[str, Any] = {}
    if space is not None:
        # The default space is left out of entries; so is the collection of those that are about none.
        query |= {"space": space} if space != DEFAULT_SPACE else {"space": None, "collection": _ANY}
    if collection is not None:
        query["collection"] = collection
    if document_id is not None:
        query["document_id"] = {"$eq": document_id}
    if author is not None:
        query["author"] = author
    return LogPages(engine, branch, limit=limit, query=query, after=after, before=before)

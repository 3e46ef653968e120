# Generated from argon/aio/branch_log.py by tools/async_to_sync.py: edit that.

"""The log of a branch, as applications read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argon.engine.history import read_log
from argon.errors import PointNotFound
from argon.io import run
from argon.models import BranchRecord, WALEntry
from argon.models.recorded import Recorded
from argon.points import Ago, Time, as_point
from argon.timetravel.resolve import resolve

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class BranchLog(Recorded[BranchRecord]):
    """The part of a branch that has to do with its history."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        def _found(self) -> None: ...

        def require(self, flag: str) -> None:
            """Check a feature flag for this branch."""

    def log(
        self,
        limit: int | None = None,
        collection: str | None = None,
        document_id: Any = None,
        *,
        space: str | None = None,
        author: str | None = None,
        after: int | None = None,
        before: int | None = None,
        since: Any = None,
        until: Any = None,
    ) -> list[WALEntry]:
        """Return the branch's entries, newest first, its inherited history included.

        Args:
            limit: At most so many.
            collection: Of this collection only.
            document_id: About this document only.
            space: Of this space only.
            author: Written by this author only.
            after: With a greater LSN.
            before: With a smaller LSN.
            since: Written after this point (an LSN, a datetime, a timedelta ago, a tag); one from before
                the branch's history leaves nothing out.
            until: Written by this point.

        Raises:
            PointNotFound: A point is outside the branch's history.
        """
        entries = self.iter_log(
            limit=limit,
            collection=collection,
            document_id=document_id,
            space=space,
            author=author,
            after=after,
            before=before,
            since=since,
            until=until,
        )
        return [entry for entry in entries]

    def iter_log(
        self,
        *,
        limit: int | None = None,
        collection: str | None = None,
        document_id: Any = None,
        space: str | None = None,
        author: str | None = None,
        after: int | None = None,
        before: int | None = None,
        since: Any = None,
        until: Any = None,
    ) -> Iterator[WALEntry]:
        """Like :meth:`log`, entry by entry, however long the history."""
        self.require("wal_time_travel")
        if since is not None:
            after = max(after or 0, self._last_by(since, early=True))
        if until is not None:
            last = self._last_by(until) + 1
            before = last if before is None else min(before, last)
        pages = read_log(
            self.engine,
            self._record,
            limit=limit,
            collection=collection,
            document_id=document_id,
            space=space,
            author=author,
            after=after,
            before=before,
        )
        while True:
            page = run(pages.next())
            if not page:
                return
            for entry in page:
                yield entry

    def _last_by(self, point: Any, *, early: bool = False) -> int:
        """Return the last LSN by a point, or 0 for a time before all history, where that may be."""
        where = as_point(at=point)
        try:
            return run(resolve(self.engine, self._record, where)).lsn
        except PointNotFound:
            if early and isinstance(where, Time | Ago):
                return 0
            raise

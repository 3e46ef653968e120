# Generated from argon/aio/branch_log.py by tools/async_to_sync.py: edit that.

"""The log of a branch, as applications read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argon.engine.history import read_log
from argon.io import run
from argon.models import BranchRecord, WALEntry
from argon.models.recorded import Recorded

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
        after: int | None = None,
        before: int | None = None,
    ) -> list[WALEntry]:
        """Return the branch's entries, newest first, its inherited history included.

        Args:
            limit: At most so many.
            collection: Of this collection only.
            document_id: About this document only.
            space: Of this space only.
            after: With a greater LSN.
            before: With a smaller LSN.
        """
        entries = self.iter_log(
            limit=limit,
            collection=collection,
            document_id=document_id,
            space=space,
            after=after,
            before=before,
        )
        return [entry for entry in entries]

    def iter_log(
        self,
        *,
        limit: int | None = None,
        collection: str | None = None,
        document_id: Any = None,
        space: str | None = None,
        after: int | None = None,
        before: int | None = None,
    ) -> Iterator[WALEntry]:
        """Like :meth:`log`, entry by entry, however long the history."""
        self.require("wal_time_travel")
        pages = read_log(
            self.engine,
            self._record,
            limit=limit,
            collection=collection,
            document_id=document_id,
            space=space,
            after=after,
            before=before,
        )
        while True:
            page = run(pages.next())
            if not page:
                return
            for entry in page:
                yield entry

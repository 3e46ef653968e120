"""A project's own line in the log, which holds what is said of the project as a whole.

It moves no branch's head and holds up no writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from bson import Int64
from pymongo import ReturnDocument

from argon.catalog.projects import line_head
from argon.catalog.tables import PROJECTS
from argon.errors import ProjectNotFound
from argon.io import Operation
from argon.models import ProjectRecord
from argon.models.entry import Operation as Kind
from argon.versions.layout import raw
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import Entry, Head, Log, encode
from argon.wal.lsn import LsnAllocator

T = TypeVar("T")

Tell = Callable[[Mapping[str, Any]], Operation["tuple[int, datetime]"]]
"""Appends the entry about what it is given; returns the entry's LSN and time."""


class ProjectLine:
    """Appends to the line of one project.

    Args:
        database: The database that holds everything.
        project: The project.
        log: The log.
        committer: Runs transactions.
        lsns: The project's allocator.
        clock: The server's.
    """

    def __init__(
        self,
        database: Any,
        project: ProjectRecord,
        log: Log,
        committer: Committer,
        lsns: LsnAllocator,
        clock: Clock,
    ) -> None:
        self.table = database[PROJECTS]
        self.project = project
        self._log = log
        self._committer = committer
        self._lsns = lsns
        self._clock = clock

    def append(
        self,
        operation: Kind,
        change: Callable[[Tell, Any], Operation[T]],
        *,
        author: str | None,
        message: str | None,
        above: int = 0,
    ) -> Operation[T]:
        """Append an entry, together with the change that it tells of.

        Args:
            operation: What it says.
            change: Makes the change and tells of it, in one transaction: gets what appends the entry, and
                the session. It is called again after a lost race.
            author: Who.
            message: Why.
            above: The entry gets a greater LSN than this one.

        Raises:
            ProjectNotFound: The project was deleted.
        """
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[T]:
            def tell(about: Mapping[str, Any]) -> Operation[tuple[int, datetime]]:
                head = yield from line_head(self._log, self.project)
                lsn = yield from self._lsns.take(1, max(head.lsn, above))
                moment = yield from self._told(operation, about, head, lsn, session, author, message)
                return lsn, moment

            yield from self._live(session)
            return (yield from change(tell, session))

        made: T = yield from self._committer.retrying_heads(body, self._lsns)
        return made

    def edit(
        self,
        change: Callable[[ProjectRecord], dict[str, Any]],
        *,
        author: str | None,
        message: str | None,
    ) -> Operation[ProjectRecord]:
        """Change what the project's record says.

        Args:
            change: Gives the new values from the record as it is; an empty document for nothing to do.
            author: Who.
            message: Why.

        Returns:
            The record as it is afterwards.

        Raises:
            ProjectNotFound: The project was deleted.
        """
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[ProjectRecord]:
            record = yield from self._live(session)
            values = change(record)
            if not values:
                return record
            # The counter of LSNs is in the same record, so the LSN has to be taken by the same statement.
            claimed = yield self.table.find_one_and_update(
                {"_id": record.id},
                {"$set": values, "$inc": {"next_lsn": Int64(1)}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            head = yield from line_head(self._log, self.project)
            lsn = max(int(claimed["next_lsn"]) - 1, head.lsn + 1)
            yield from self._told(Kind.EDIT_PROJECT, values, head, lsn, session, author, message)
            return ProjectRecord.model_validate(claimed)

        edited: ProjectRecord = yield from self._committer.retrying_heads(body)
        return edited

    def _live(self, session: Any) -> Operation[ProjectRecord]:
        live = yield self.table.find_one({"_id": self.project.id, "status": "active"}, session=session)
        if live is None:
            raise ProjectNotFound(f"there is no project {self.project.name!r} any more: it was deleted")
        return ProjectRecord.model_validate(live)

    def _told(
        self,
        operation: Kind,
        about: Mapping[str, Any],
        head: Head,
        lsn: int,
        session: Any,
        author: str | None,
        message: str | None,
    ) -> Operation[datetime]:
        moment = max(self._clock.now(), head.time)
        documents = encode(
            [Entry(operation, document=raw(about))],
            project_id=self.project.id,
            branch_id=self.project.id,
            prev_lsn=head.lsn,
            lsns=[lsn],
            moment=moment,
            author=author,
            message=message,
        )
        yield from self._committer.append(documents, session)
        return moment

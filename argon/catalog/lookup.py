"""Finding branches, and telling of a change to one on its own line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from argon.catalog.records import MAIN, gone
from argon.catalog.tables import BRANCHES, PROJECTS
from argon.errors import BranchNotFound, ProjectNotFound, UnsupportedOperation
from argon.io import Operation, World
from argon.models import BranchRecord, BranchStatus, ProjectRecord
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name
from argon.versions.layout import raw
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import Entry, Log, encode
from argon.wal.lsn import LsnAllocator
from argon.wire.finds import find_one

EXPIRY = "expiry"
"""Who the log says deleted a branch whose time was over."""

Listed = list[BranchRecord]
"""Branches; in the class below, ``list`` is a method."""


class BranchTable:
    """The records of one project's branches.

    Args:
        database: The database that holds everything.
        project_id: The project.
        project_name: Its name.
        log: The log.
        committer: Runs transactions.
        lsns: The project's allocator.
        clock: The server's.
        world: Threads or an event loop.
    """

    def __init__(
        self,
        database: Any,
        project_id: ObjectId,
        project_name: str,
        log: Log,
        committer: Committer,
        lsns: LsnAllocator,
        clock: Clock,
        world: World,
    ) -> None:
        self._table = database[BRANCHES]
        self._projects = database[PROJECTS].with_options(read_concern=ReadConcern("majority"))
        self._project_id = project_id
        self._project_name = project_name
        self._log = log
        self._committer = committer
        self._lsns = lsns
        self._clock = clock
        self._world = world
        self.confirm: Callable[..., Operation[None]] | None = None
        """Makes sure that what a new branch begins with is still held; see :mod:`argon.retention.fence`."""

    def get(self, name: str) -> Operation[BranchRecord]:
        """Look up a live branch by name; one whose time is over is marked as deleted.

        Raises:
            BranchNotFound: There is none; the message lists what there is, or says when it expired.
        """
        check_branch_name(name)
        found = yield from find_one(
            self._table, {"project_id": self._project_id, "name": name, "status": "active"}
        )
        if found is None:
            raise (yield from self._not_found(name))
        record = BranchRecord.model_validate(found)
        if (yield from self._ended(record)):
            raise gone(record)
        return record

    def default(self) -> Operation[BranchRecord]:
        """Look up the branch that is meant where none is named.

        Raises:
            BranchNotFound: The project has been deleted.
        """
        project = yield from find_one(self._projects, {"_id": self._project_id}, {"default_branch": 1})
        default = None if project is None else project.get("default_branch")
        if default is not None:
            found = yield from self.by_id(default)
            if found is not None and found.status == "active":
                return found
        return (yield from self.get(MAIN))

    def project(self) -> Operation[ProjectRecord]:
        """Read the project's record anew.

        Raises:
            ProjectNotFound: It has been deleted.
        """
        found = yield from find_one(self._projects, {"_id": self._project_id, "status": "active"})
        if found is None:
            raise ProjectNotFound(f"there is no project {self._project_name!r} any more: it was deleted")
        return ProjectRecord.model_validate(found)

    def by_id(self, branch_id: ObjectId, session: Any = None) -> Operation[BranchRecord | None]:
        """Look up a branch by id, deleted ones too.

        Args:
            branch_id: The branch.
            session: That of a transaction, if it is to be read in one.
        """
        found = yield from find_one(self._table, {"_id": branch_id}, session=session)
        return None if found is None else BranchRecord.model_validate(found)

    def list(self, *, deleted: bool = False) -> Operation[list[BranchRecord]]:
        """Return the branches, oldest first.

        Args:
            deleted: List the recoverable deleted ones instead of the live ones.
        """
        live = yield from self._listed("active")
        current = []
        for record in live:
            if not (yield from self._ended(record)):
                current.append(record)
        return (yield from self._listed("pending_delete")) if deleted else current

    def _listed(self, status: BranchStatus) -> Operation[Listed]:
        found = (
            yield self._table.find({"project_id": self._project_id, "status": status})
            .sort("created_lsn", 1)
            .to_list(None)
        )
        return [BranchRecord.model_validate(record) for record in found]

    def _ended(self, branch: BranchRecord) -> Operation[bool]:
        """Whether a live branch's time is over; whoever finds that out marks it as deleted."""
        if branch.expires_at is None:
            return False
        yield from self._clock.refresh()
        if not branch.has_expired(self._clock.now()):
            return False
        change = {"status": "pending_delete", "deleted_at": self._clock.now()}
        same = {"expires_at": branch.expires_at}
        with suppress(BranchNotFound):  # somebody else was first, or has given it more time
            yield from self._control(
                branch, Kind.DELETE_BRANCH, change, same=same, author=EXPIRY, message="its time was over"
            )
        return True

    def _control(
        self,
        branch: BranchRecord,
        operation: Kind,
        change: Mapping[str, Any],
        *,
        document: Mapping[str, Any] | None = None,
        same: Mapping[str, Any] | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Append a control entry to the branch's own line, so that no writer can miss it."""
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[Any]:
            head, line_id = yield from self._log.end(branch)
            lsn = yield from self._lsns.take(1, max(head.lsn, branch.created_lsn))
            documents = encode(
                [Entry(operation, document=None if document is None else raw(document))],
                project_id=self._project_id,
                branch_id=line_id,
                prev_lsn=head.lsn,
                lsns=[lsn],
                moment=max(self._clock.now(), head.time),
                author=author,
                message=message,
            )
            yield from self._committer.append(documents, session)
            updated = yield self._table.find_one_and_update(
                {
                    "_id": branch.id,
                    "status": branch.status,
                    "name": branch.name,
                    "migrating": branch.migrating,
                    **(same or {}),
                },
                {"$set": dict(change)},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if updated is None:
                raise BranchNotFound(
                    f"the branch {branch.name!r} was renamed, deleted or migrated by somebody else meanwhile"
                )
            return updated

        updated = yield from self._committer.retrying_heads(body, self._lsns)
        return BranchRecord.model_validate(updated)

    def _not_found(self, name: str) -> Operation[BranchNotFound]:
        deleted = {record.name: record for record in (yield from self._listed("pending_delete"))}
        if name in deleted and deleted[name].expires_at is not None:
            return gone(deleted[name])
        names = [branch.name for branch in (yield from self.list())]
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        back = f"; 'argon branch undelete {name}' brings a deleted one back" if name in deleted else ""
        return BranchNotFound(
            f"the project {self._project_name!r} has no branch {name!r}; it has: {shown}{back}"
        )


def refuse_classic(branch: BranchRecord) -> None:
    """Refuse what takes a history.

    Raises:
        UnsupportedOperation: The branch is a classic one.
    """
    if branch.kind == "classic":
        raise UnsupportedOperation(
            f"the branch {branch.name!r} is a classic one, a physical database without history: turn it "
            f"into a branch in the log with 'argon branch migrate {branch.name}'"
        )

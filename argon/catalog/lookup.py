"""Finding branches, and telling of a change to one on its own line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COUNTERS, PROJECTS
from argon.errors import BranchNotFound, UnsupportedOperation
from argon.io import Operation, World
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name
from argon.versions.layout import raw
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import Entry, Log, encode
from argon.wal.lsn import LsnAllocator


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
        self._counters = database[COUNTERS]
        self._project_id = project_id
        self._project_name = project_name
        self._log = log
        self._committer = committer
        self._lsns = lsns
        self._clock = clock
        self._world = world

    def get(self, name: str) -> Operation[BranchRecord]:
        """Look up a live branch by name.

        Raises:
            BranchNotFound: There is none; the message lists what there is.
        """
        check_branch_name(name)
        found = yield self._table.find_one({"project_id": self._project_id, "name": name, "status": "active"})
        if found is None:
            raise (yield from self._not_found(name))
        return BranchRecord.model_validate(found)

    def by_id(self, branch_id: ObjectId) -> Operation[BranchRecord | None]:
        """Look up a branch by id, deleted ones too."""
        found = yield self._table.find_one({"_id": branch_id})
        return None if found is None else BranchRecord.model_validate(found)

    def list(self, *, deleted: bool = False) -> Operation[list[BranchRecord]]:
        """Return the branches, oldest first.

        Args:
            deleted: List the recoverable deleted ones instead of the live ones.
        """
        status = "pending_delete" if deleted else "active"
        found = (
            yield self._table.find({"project_id": self._project_id, "status": status})
            .sort("created_lsn", 1)
            .to_list(None)
        )
        return [BranchRecord.model_validate(record) for record in found]

    def _control(
        self,
        branch: BranchRecord,
        operation: Kind,
        change: Mapping[str, Any],
        *,
        document: Mapping[str, Any] | None = None,
        author: str | None = None,
    ) -> Operation[BranchRecord]:
        """Append a control entry to the branch's own line, so that no writer can miss it."""
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[Any]:
            head = yield from self._log.head(branch)
            lsn = yield from self._lsns.take(1, max(head.lsn, branch.created_lsn))
            documents = encode(
                [Entry(operation, document=None if document is None else raw(document))],
                project_id=self._project_id,
                branch_id=branch.id,
                prev_lsn=head.lsn,
                lsns=[lsn],
                moment=max(self._clock.now(), head.time),
                author=author,
                message=None,
            )
            yield from self._committer.append(documents, session)
            updated = yield self._table.find_one_and_update(
                {
                    "_id": branch.id,
                    "status": branch.status,
                    "name": branch.name,
                    "migrating": branch.migrating,
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
        names = [branch.name for branch in (yield from self.list())]
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        return BranchNotFound(f"the project {self._project_name!r} has no branch {name!r}; it has: {shown}")


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

"""Branches: a branch is a pointer, so making one costs one small insert."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bson import Int64, ObjectId
from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COUNTERS, PROJECTS, classic_database
from argon.errors import (
    BranchExists,
    BranchHasChildren,
    BranchNotFound,
    BranchProtected,
    ProjectNotFound,
    UnsupportedOperation,
)
from argon.io import Operation, World
from argon.models import BranchRecord
from argon.models.branch import Ancestor
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name
from argon.versions.layout import raw
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import Entry, Log, encode
from argon.wal.lsn import LsnAllocator

MAIN = "main"


class Branches:
    """The branches of one project.

    Args:
        database: The database that holds everything.
        project_id: The project.
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

    def new_number(self) -> Operation[int]:
        """Reserve the number that stands for a branch in version rows."""
        counter = yield self._counters.find_one_and_update(
            {"_id": "branch_number"},
            {"$inc": {"value": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(counter["value"])

    def create(
        self,
        name: str,
        parent: BranchRecord,
        base_lsn: int | None = None,
        *,
        classic_id: ObjectId | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Make a branch.

        Args:
            name: Its name.
            parent: The branch it leaves.
            base_lsn: The last LSN of the parent's history that it sees; None for the parent's head.
            classic_id: The id of a classic branch, for which its physical database was made
                before; None for a branch in the log.
            author: Who makes it.
            message: Why.

        Raises:
            BranchExists: A live branch has this name.
        """
        check_branch_name(name)
        yield from self._clock.refresh()
        base = base_lsn if base_lsn is not None else (yield from self._log.head(parent)).lsn
        number = yield from self.new_number()
        now = self._clock.now()

        def body(session: Any) -> Operation[BranchRecord]:
            created = yield from self._lsns.take(1, max(base, parent.created_lsn))
            record = BranchRecord(
                _id=classic_id or ObjectId(),
                project_id=self._project_id,
                name=name,
                number=number,
                kind="classic" if classic_id else "wal",
                physical=classic_database(self._table.database, classic_id) if classic_id else None,
                parent_id=parent.id,
                base_lsn=base,
                created_lsn=created,
                lineage=lineage_from(parent, base),
                created_at=now,
            )
            yield self._table.insert_one(stored(record), session=session)
            yield from self._committer.append([birth(record, author, message)], session)
            return record

        try:
            made: BranchRecord = yield from self._committer.retrying_heads(body, self._lsns)
        except DuplicateKeyError as error:
            raise BranchExists(
                f"the project {self._project_name!r} has a branch {name!r} already: choose another name"
            ) from error
        yield from self._end_with_project(made, author)
        return made

    def _end_with_project(self, made: BranchRecord, author: str | None) -> Operation[None]:
        """Take a new branch back if its project has been deleted meanwhile.

        The deletion may not have seen it. It looks once more when it has
        landed, so that a branch is seen by one of the two.

        Raises:
            ProjectNotFound: It has been deleted.
        """
        project = yield self._projects.find_one({"_id": self._project_id, "status": "active"}, {"_id": 1})
        if project is not None:
            return
        with suppress(BranchNotFound):  # the deletion was quicker
            yield from self.delete(made, force=True, author=author)
        raise ProjectNotFound(
            f"there is no project {self._project_name!r} any more: somebody else deleted it"
        )

    def rename(
        self, branch: BranchRecord, name: str, *, author: str | None = None
    ) -> Operation[BranchRecord]:
        """Give a branch another name.

        Raises:
            BranchProtected: It is ``main``.
            BranchExists: The name is taken.
        """
        check_branch_name(name)
        if branch.name == MAIN:
            raise BranchProtected(f"the branch {MAIN!r} cannot be renamed: other tools rely on its name")
        try:
            return (
                yield from self._control(
                    branch,
                    Kind.RENAME_BRANCH,
                    {"name": name},
                    document={"name": name, "old_name": branch.name},
                    author=author,
                )
            )
        except DuplicateKeyError as error:
            raise BranchExists(
                f"the project {self._project_name!r} has a branch {name!r} already: choose another name"
            ) from error

    def edit(
        self, branch: BranchRecord, change: Mapping[str, Any], *, author: str | None = None
    ) -> Operation[BranchRecord]:
        """Say something else about a branch.

        Args:
            branch: The branch.
            change: Its new ``description``, its new ``metadata``, or both.
            author: Who says it.
        """
        return (yield from self._control(branch, Kind.EDIT_BRANCH, change, document=change, author=author))

    def delete(
        self, branch: BranchRecord, *, force: bool = False, author: str | None = None
    ) -> Operation[BranchRecord]:
        """Mark a branch as deleted and free its name; its rows stay until they are collected.

        Args:
            branch: The branch.
            force: Delete it although live children were made from it; they keep working.
            author: Who deletes it.

        Raises:
            BranchProtected: It is ``main``.
            BranchHasChildren: It has live children, and ``force`` was not given.
        """
        if branch.name == MAIN:
            raise BranchProtected(f"the branch {MAIN!r} cannot be deleted: delete the project instead")
        if not force:
            children = (
                yield self._table.find({"parent_id": branch.id, "status": "active"}, {"name": 1})
                .limit(6)
                .to_list(None)
            )
            if children:
                names = ", ".join(child["name"] for child in children[:5]) + (
                    " …" if len(children) > 5 else ""
                )
                raise BranchHasChildren(
                    f"the branch {branch.name!r} has live children ({names}): delete them first, or force "
                    "the deletion (they keep working)"
                )
        deleted_at = self._clock.now()
        return (
            yield from self._control(
                branch,
                Kind.DELETE_BRANCH,
                {"status": "pending_delete", "deleted_at": deleted_at},
                author=author,
            )
        )

    def undelete(
        self, name: str, *, new_name: str | None = None, author: str | None = None
    ) -> Operation[BranchRecord]:
        """Take back the latest deletion of a branch.

        Args:
            name: The name it had.
            new_name: The name it gets, where the old one has been used again.
            author: Who takes it back.

        Raises:
            BranchNotFound: No deleted branch had this name.
            BranchExists: The name is in use again.
        """
        check_branch_name(name)
        if new_name is not None:
            check_branch_name(new_name)
        found = (
            yield self._table.find({"project_id": self._project_id, "name": name, "status": "pending_delete"})
            .sort("deleted_at", DESCENDING)
            .limit(1)
            .to_list(None)
        )
        if not found:
            raise BranchNotFound(f"the project {self._project_name!r} has no deleted branch {name!r}")
        branch = BranchRecord.model_validate(found[0])
        try:
            return (
                yield from self._control(
                    branch,
                    Kind.UNDELETE_BRANCH,
                    {"status": "active", "deleted_at": None, "name": new_name or name},
                    document={"name": new_name or name, "old_name": name},
                    author=author,
                )
            )
        except DuplicateKeyError as error:
            raise BranchExists(
                f"the name {new_name or name!r} is in use again: undelete the branch under another name"
            ) from error

    def begin_migration(self, branch: BranchRecord) -> Operation[BranchRecord]:
        """Close a classic branch to writes, and claim it for one run of its migration.

        Raises:
            UnsupportedOperation: It is no classic branch any more.
        """
        claimed = yield self._table.find_one_and_update(
            {"_id": branch.id, "status": "active", "kind": "classic"},
            {"$set": {"migrating": ObjectId()}},
            return_document=ReturnDocument.AFTER,
        )
        if claimed is None:
            raise UnsupportedOperation(
                f"the branch {branch.name!r} is no classic branch: there is nothing to migrate"
            )
        return BranchRecord.model_validate(claimed)

    def finish_migration(self, branch: BranchRecord, *, author: str | None = None) -> Operation[BranchRecord]:
        """Let a branch be in the log from here on.

        Args:
            branch: The record that :meth:`begin_migration` gave.
            author: Who migrates it.

        Raises:
            BranchNotFound: Another run, or a deletion, came between.
        """
        change = {"kind": "wal", "migrating": None}
        return (yield from self._control(branch, Kind.MIGRATE_BRANCH, change, author=author))

    def give_up_migration(self, branch: BranchRecord) -> Operation[bool]:
        """Open a classic branch to writes again, as it was.

        Args:
            branch: The record that :meth:`begin_migration` gave.

        Returns:
            False if another run had taken over, which goes on.
        """
        reopened = yield self._table.update_one(
            {"_id": branch.id, "migrating": branch.migrating}, {"$set": {"migrating": None}}
        )
        return bool(reopened.matched_count)

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


def lineage_from(parent: BranchRecord, base_lsn: int) -> list[Ancestor]:
    """Return the lineage of a branch that leaves ``parent`` at ``base_lsn``.

    A level of which nothing can be seen, because the point lies before it
    began, is left out.
    """
    chain = [Ancestor(id=parent.id, number=parent.number, fork=base_lsn)]
    chain += [
        ancestor.model_copy(update={"fork": min(ancestor.fork, base_lsn)}) for ancestor in parent.lineage
    ]
    forks = [ancestor.fork for ancestor in parent.lineage]
    while len(chain) > 1 and base_lsn <= forks.pop(0):
        chain.pop(0)
    return chain


def birth(record: BranchRecord, author: str | None, message: str | None) -> dict[str, Any]:
    """Lay out the record of a branch's creation, which stands outside its line."""
    about = {
        "name": record.name,
        "number": record.number,
        "kind": record.kind,
        "parent_id": record.parent_id,
        "base_lsn": Int64(record.base_lsn),
    }
    return encode(
        [Entry(Kind.CREATE_BRANCH, document=raw(about))],
        project_id=record.project_id,
        branch_id=record.id,
        prev_lsn=None,
        lsns=[record.created_lsn],
        moment=record.created_at,
        author=author,
        message=message,
    )[0]


def stored(record: BranchRecord) -> dict[str, Any]:
    """Return a branch record as its document."""
    document = record.model_dump(by_alias=True)
    for key in ("base_lsn", "created_lsn", "ddl_lsn"):
        document[key] = Int64(document[key])
    for ancestor in document["lineage"]:
        ancestor["fork"] = Int64(ancestor["fork"])
    return document

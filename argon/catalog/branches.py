"""Branches: a branch is a pointer, so making one costs one small insert."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from argon.catalog.migrations import Migrations
from argon.catalog.records import MAIN, birth, lineage_from, stored
from argon.catalog.tables import classic_database
from argon.errors import (
    BranchExists,
    BranchHasChildren,
    BranchNotFound,
    BranchProtected,
    ProjectNotFound,
)
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name


class Branches(Migrations):
    """The branches of one project: see :class:`argon.catalog.lookup.BranchTable` for the arguments."""

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

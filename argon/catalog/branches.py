"""Branches: a branch is a pointer, so making one costs one small insert."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bson import ObjectId

from argon.catalog.ends import Ends
from argon.catalog.migrations import Migrations
from argon.catalog.records import MAIN, birth, lineage_from, stored
from argon.catalog.rules import refuse_protected
from argon.catalog.tables import classic_database, new_number
from argon.errors import BranchNotFound, BranchProtected, HistoryExpired, ProjectNotFound
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name
from argon.wire.finds import find_one


class Branches(Ends, Migrations):
    """The branches of one project: see :class:`argon.catalog.lookup.BranchTable` for the arguments."""

    def create(
        self,
        name: str,
        parent: BranchRecord,
        base_lsn: int | None = None,
        *,
        classic_id: ObjectId | None = None,
        expires: datetime | timedelta | None = None,
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
            expires: When, or after how long, it counts as deleted; None for never.
            author: Who makes it.
            message: Why.

        Raises:
            BranchExists: A live branch has this name.
            BranchProtected: It shall expire, and the project protects branches of this name.
            InvalidPoint: It would have expired already.
            HistoryExpired: What it was to begin with was collected meanwhile.
        """
        check_branch_name(name)
        yield from self._clock.refresh()
        expires_at = None if expires is None else self._expiry(expires)
        if expires_at is not None:
            yield from self._check_may_expire(name)

        def body(session: Any) -> Operation[BranchRecord]:
            nonlocal parent
            base, moment, line_id = base_lsn, self._clock.now(), None
            if base is None:
                head, line_id = yield from self._log.end(parent, session)
                base, moment = head.lsn, max(moment, head.time)
            if line_id != parent.line_id:  # the point may be on a line to which a large commit moved it
                parent = (yield from self.by_id(parent.id, session)) or parent
            number = yield from new_number(self._table.database, within=True)
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
                created_at=moment,
                expires_at=expires_at,
            )
            born = [birth(record, author, message)]
            yield from self._committer.insert(self._table, stored(record), born, session)
            return record

        made = yield from self._naming(
            name, lambda: self._committer.retrying_heads(body, self._lsns), self._taken(name)
        )
        yield from self._end_with_project(made, author)
        if self.confirm is not None and made.kind == "wal":
            taken_back = partial(self._mark_deleted, made, author=author)
            try:
                yield from self.confirm(parent, made, taken_back)
            except HistoryExpired:
                if base_lsn is not None:
                    raise
                # The head has moved on and was kept for no time at all; there is a new one.
                return (yield from self.create(name, parent, expires=expires, author=author, message=message))
        return made

    def _end_with_project(self, made: BranchRecord, author: str | None) -> Operation[None]:
        """Take a new branch back if its project has been deleted meanwhile.

        The deletion may not have seen it. It looks once more when it has
        landed, so that a branch is seen by one of the two.

        Raises:
            ProjectNotFound: It has been deleted.
        """
        project = yield from find_one(
            self._projects, {"_id": self._project_id, "status": "active"}, {"_id": 1}
        )
        if project is not None:
            return
        with suppress(BranchNotFound):  # the deletion was quicker
            yield from self._mark_deleted(made, author=author)
        raise ProjectNotFound(
            f"there is no project {self._project_name!r} any more: somebody else deleted it"
        )

    def rename(
        self,
        branch: BranchRecord,
        name: str,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Give a branch another name.

        Args:
            branch: The branch.
            name: Its new name.
            force: Do it although the branch is protected.
            author: Who does it.
            message: Why.

        Raises:
            BranchProtected: It is ``main``, or protected; or it has a time to expire at, and the project
                protects branches of the new name.
            BranchExists: The name is taken.
        """
        check_branch_name(name)
        if branch.name == MAIN:
            raise BranchProtected(f"the branch {MAIN!r} cannot be renamed: other tools rely on its name")
        if not force:
            refuse_protected((yield from self.project()), branch)
            if branch.expires_at is not None:
                yield from self._check_may_expire(name)

        def renamed() -> Operation[BranchRecord]:
            document = {"name": name, "old_name": branch.name}
            return (
                yield from self._control(
                    branch,
                    Kind.RENAME_BRANCH,
                    {"name": name},
                    document=document,
                    author=author,
                    message=message,
                )
            )

        return (yield from self._naming(name, renamed, self._taken(name)))

    def edit(
        self,
        branch: BranchRecord,
        change: Mapping[str, Any],
        *,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Say something else about a branch.

        Args:
            branch: The branch.
            change: Its new ``description``, its new ``metadata``, or both.
            author: Who says it.
            message: Why.
        """
        return (
            yield from self._control(
                branch, Kind.EDIT_BRANCH, change, document=change, author=author, message=message
            )
        )

    def _taken(self, name: str) -> str:
        return f"the project {self._project_name!r} has a branch {name!r} already: choose another name"

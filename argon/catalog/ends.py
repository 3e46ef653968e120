"""The ends of branches: deletion, which can be taken back, and a time at which it happens by itself.

A branch whose time is over is as deleted from that moment on. Whoever comes
across it, by its name or in a list, marks it as deleted; nobody has to watch.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from argon.catalog.lookup import BranchTable
from argon.catalog.merges import forget_merges
from argon.catalog.records import MAIN
from argon.catalog.rules import refuse_protected
from argon.errors import BranchExists, BranchHasChildren, BranchNotFound, BranchProtected, InvalidPoint
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.names import check_branch_name


class Ends(BranchTable):
    """The part of a project's branches that has to do with their ends."""

    def delete(
        self,
        branch: BranchRecord,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Mark a branch as deleted and free its name; its rows stay until they are collected.

        Args:
            branch: The branch.
            force: Delete it although it is protected, or live children were made from it; they keep working.
            author: Who deletes it.
            message: Why.

        Raises:
            BranchProtected: It is ``main``, the default branch, or protected and ``force`` was not given.
            BranchHasChildren: It has live children, and ``force`` was not given.
        """
        yield from self._check_may_end(branch, "deleted")
        if not force:
            refuse_protected((yield from self.project()), branch)
            yield from self._check_childless(branch)
        return (yield from self._mark_deleted(branch, author=author, message=message))

    def set_expiry(
        self,
        branch: BranchRecord,
        expires: datetime | timedelta | None,
        *,
        force: bool = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Say when a branch shall count as deleted. What was made from it keeps working.

        Args:
            branch: The branch.
            expires: The time, or how long from now; None for never.
            force: Do it although the branch is protected.
            author: Who says it.
            message: Why.

        Raises:
            BranchProtected: It is ``main``, the default branch, or protected and ``force`` was not given.
            InvalidPoint: The time is not in the future.
        """
        yield from self._clock.refresh()
        expires_at = None if expires is None else self._expiry(expires)
        if expires_at is not None:
            yield from self._check_may_end(branch, "given a time to expire at")
            if not force:
                refuse_protected((yield from self.project()), branch)
        change = {"expires_at": expires_at}
        return (
            yield from self._control(
                branch, Kind.EDIT_BRANCH, change, document=change, author=author, message=message
            )
        )

    def undelete(
        self,
        name: str,
        *,
        new_name: str | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[BranchRecord]:
        """Take back the latest deletion of a branch, which has no time to expire at from then on.

        Args:
            name: The name it had.
            new_name: The name it gets, where the old one has been used again.
            author: Who takes it back.
            message: Why.

        Raises:
            BranchNotFound: No deleted branch had this name.
            BranchExists: The name is in use again.
        """
        check_branch_name(name)
        if new_name is not None:
            check_branch_name(new_name)
        yield from self._retired(name)
        found = (
            yield self._table.find({"project_id": self._project_id, "name": name, "status": "pending_delete"})
            .sort("deleted_at", DESCENDING)
            .limit(1)
            .to_list(None)
        )
        if not found:
            raise BranchNotFound(f"the project {self._project_name!r} has no deleted branch {name!r}")
        branch = BranchRecord.model_validate(found[0])
        target = new_name or name

        def back() -> Operation[BranchRecord]:
            change = {"status": "active", "deleted_at": None, "expires_at": None, "name": target}
            document = {"name": target, "old_name": name}
            return (
                yield from self._control(
                    branch, Kind.UNDELETE_BRANCH, change, document=document, author=author, message=message
                )
            )

        taken = f"the name {target!r} is in use again: undelete the branch under another name"
        return (yield from self._naming(target, back, taken))

    def _mark_deleted(
        self, branch: BranchRecord, *, author: str | None, message: str | None = None
    ) -> Operation[BranchRecord]:
        change = {"status": "pending_delete", "deleted_at": self._clock.now()}
        deleted = yield from self._control(branch, Kind.DELETE_BRANCH, change, author=author, message=message)
        # A merge that is left pending meanwhile looks once more whether the branch is there.
        yield from forget_merges(self._table.database, [branch.id])
        return deleted

    def _naming(
        self, name: str, work: Callable[[], Operation[BranchRecord]], taken: str
    ) -> Operation[BranchRecord]:
        """Do what gives a branch a name; one that has the name and whose time is over makes way.

        Raises:
            BranchExists: A live branch has the name; with the text ``taken``.
        """
        while True:
            try:
                return (yield from work())
            except DuplicateKeyError as error:
                if not (yield from self._retired(name)):
                    raise BranchExists(taken) from error

    def _retired(self, name: str) -> Operation[bool]:
        """Mark the branch of a name as deleted if its time is over; tell whether it was."""
        found = yield self._table.find_one({"project_id": self._project_id, "name": name, "status": "active"})
        return False if found is None else (yield from self._ended(BranchRecord.model_validate(found)))

    def _expiry(self, expires: datetime | timedelta) -> datetime:
        """Return the time at which something expires, as MongoDB keeps it.

        Raises:
            InvalidPoint: It is not in the future.
        """
        now = self._clock.now()
        try:
            moment = now + expires if isinstance(expires, timedelta) else expires
        except OverflowError:
            raise InvalidPoint(f"{expires} from now is no time: give less") from None
        if moment <= now:
            raise InvalidPoint(
                f"{moment.isoformat()} is not in the future: to be rid of a branch now, delete it"
            )
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _check_may_expire(self, name: str) -> Operation[None]:
        pattern = (yield from self.project()).protecting(name)
        if pattern is not None:
            raise BranchProtected(
                f"a branch called {name!r} is protected by the pattern {pattern!r} and does not expire: "
                "choose another name, or clear its expiration"
            )

    def _check_may_end(self, branch: BranchRecord, what: str) -> Operation[None]:
        if branch.name == MAIN:
            raise BranchProtected(f"the branch {MAIN!r} cannot be {what}: delete the project instead")
        if (yield from self.project()).default_branch == branch.id:
            raise BranchProtected(
                f"the branch {branch.name!r} is the default one of the project {self._project_name!r} and "
                f"cannot be {what}: choose another default first ('argon branch set-default NAME')"
            )

    def _check_childless(self, branch: BranchRecord) -> Operation[None]:
        children = (
            yield self._table.find({"parent_id": branch.id, "status": "active"}, {"name": 1})
            .limit(6)
            .to_list(None)
        )
        if children:
            names = ", ".join(child["name"] for child in children[:5]) + (" …" if len(children) > 5 else "")
            raise BranchHasChildren(
                f"the branch {branch.name!r} has live children ({names}): delete them first, or force "
                "the deletion (they keep working)"
            )

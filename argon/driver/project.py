# Generated from argon/aio/project.py by tools/async_to_sync.py: edit that.

"""A project, as applications hold it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from argon.catalog.lineage import BranchNode, grow
from argon.classic.branches import create_branch
from argon.classic.migrate import Progress as MigrationProgress
from argon.driver.branch import Branch
from argon.driver.comparing import Comparing
from argon.driver.hooks import Hooks
from argon.driver.retention import ProjectRetention
from argon.driver.rules import Rules
from argon.driver.tags import Tags
from argon.engine.spaces import spaces_of
from argon.io import run
from argon.materializer import Progress as Reading
from argon.materializer import VerifyReport
from argon.materializer.rebuild import RebuildReport, rebuild
from argon.materializer.verify import verify
from argon.merging.results import ForkInfo
from argon.models import BranchRecord, ProjectRecord
from argon.models.recorded import Recorded
from argon.points import as_expiry, as_point
from argon.timetravel.locate import locate
from argon.timetravel.place import Place
from argon.timetravel.resolve import resolve

if TYPE_CHECKING:
    from argon.driver.argon import Argon
    from argon.engine.engine import Engine


class Project(Tags, Rules, Hooks, Comparing, ProjectRetention):
    """A database under version control.

    Args:
        argon: Where it is.
        record: Its record.
    """

    def __init__(self, argon: Argon, record: ProjectRecord) -> None:
        super().__init__(record)
        self._argon = argon

    def __repr__(self) -> str:
        return f"Project({self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Project) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self._record.id)

    @property
    def engine(self) -> Engine:
        """The engine that serves it."""
        return self._argon.engine

    @property
    def client(self) -> Any:
        """The client that serves it."""
        return self._argon.mongo

    @property
    def author(self) -> str | None:
        """Who commits."""
        return self._argon.author

    def branch(self, name: str | None = None) -> Branch:
        """Return a branch.

        Args:
            name: The branch; the default one where none is named.

        Raises:
            BranchNotFound: There is none of this name, or its time is over.
        """
        branches = self.engine.branches(self._record)
        return Branch(self, run(branches.default() if name is None else branches.get(name)))

    def _holding(self, record: BranchRecord) -> Branch:
        """Return a branch of the project, known by its record."""
        return Branch(self, record)

    def branches(self, *, deleted: bool = False) -> list[Branch]:
        """Return the branches, oldest first.

        Args:
            deleted: The recoverable deleted ones instead of the live ones.
        """
        records = run(self.engine.branches(self._record).list(deleted=deleted))
        return [Branch(self, record) for record in records]

    def tree(self) -> BranchNode:
        """Return the live branches as the tree that they grew into, with ``main`` as its root."""
        branches = self.engine.branches(self._record)
        live = run(branches.list())
        return grow(live, run(branches.list(deleted=True)))

    def create_branch(
        self,
        name: str,
        parent: str | Branch | None = None,
        at: Any = None,
        *,
        ttl: timedelta | str | None = None,
        expires_at: datetime | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Branch:
        """Make a branch; nothing is copied, and it can be used at once.

        Where the feature ``wal_create_branch`` is off, and where the parent is a
        classic branch, the new one is classic too: a copy in a physical database.

        Args:
            name: Its name.
            parent: The branch it leaves; by default the default branch.
            at: The point at which it leaves it (an LSN, a datetime, a tag); by default the parent's head.
            ttl: After how long it counts as deleted, a timedelta or ``"2h"``; by default never.
            expires_at: When it does, instead.
            author: Who makes it; by default whoever commits through this project.
            message: Why.

        Raises:
            BranchExists: The name is taken.
            BranchNotFound: There is no such parent.
            PointNotFound: The point is outside the parent's history.
            BranchProtected: It shall expire, and branches of this name are protected.
            InvalidPoint: It would have expired already.
            FeatureDisabled: A point was given, and ``wal_time_travel`` is off.
            UnsupportedOperation: A point was given, and the parent is a classic branch.
        """
        expires = as_expiry(ttl, expires_at)
        source = parent if isinstance(parent, Branch) else self.branch(parent)
        source._found()
        left, base = source.record, None
        if at is not None:
            source.require("wal_time_travel")
            place = run(resolve(self.engine, left, as_point(at=at)))
            left, base = place.branch, place.lsn
        made = create_branch(
            self.engine,
            self._record,
            left,
            name,
            base,
            expires=expires,
            author=author or self.author,
            message=message,
        )
        return Branch(self, run(made))

    def fork(
        self,
        source: str | Branch,
        destination: str,
        *,
        author: str | None = None,
        message: str | None = None,
    ) -> ForkInfo:
        """Make a branch of another one's head; nothing is copied.

        Args:
            source: The branch it leaves.
            destination: Its name.
            author: Who makes it; by default whoever commits through this project.
            message: Why.

        Raises:
            BranchNotFound: There is no such source.
            BranchExists: The name is taken.
        """
        branch = source if isinstance(source, Branch) else self.branch(source)
        made = self.create_branch(destination, parent=branch, author=author, message=message)
        spaces = run(spaces_of(self.engine, made.record))
        return ForkInfo(branch.name, made.name, made.base_lsn, spaces)

    def _place(self, where: Any, here: Recorded[BranchRecord] | None = None) -> Place:
        if isinstance(where, Branch):
            where._found()
            where = where.record
        branch = None if here is None else here.record
        return run(locate(self.engine, self._record, branch, where))

    def migrate_branch(
        self,
        name: str,
        *,
        progress: MigrationProgress | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Branch:
        """Turn a classic branch into one in the log; see :meth:`Branch.migrate`."""
        branch = self.branch(name)
        branch.migrate(progress=progress, author=author, message=message)
        return branch

    def delete_branch(
        self, name: str, *, force: bool = False, author: str | None = None, message: str | None = None
    ) -> None:
        """Delete a branch; :meth:`undelete_branch` brings it back.

        Args:
            name: The branch.
            force: Delete it although it is protected, or live children were made from it, which keep working.
            author: Who deletes it; by default whoever commits through this project.
            message: Why.

        Raises:
            BranchNotFound: There is none of this name.
            BranchProtected: It is ``main``, the default branch, or protected and ``force`` was not given.
            BranchHasChildren: It has live children, and ``force`` was not given.
        """
        branches = self.engine.branches(self._record)
        record = run(branches.get(name))
        deleted = branches.delete(record, force=force, author=author or self.author, message=message)
        run(deleted)
        self.engine.line(record).forget()  # so that this process does not read on for a moment

    def undelete_branch(
        self,
        name: str,
        *,
        new_name: str | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> Branch:
        """Bring a deleted or expired branch back; it does not expire again.

        Args:
            name: The name it had.
            new_name: The name it gets, where the old one has been used again.
            author: Who does it; by default whoever commits through this project.
            message: Why.

        Raises:
            BranchNotFound: No deleted branch had this name.
            BranchExists: The name is in use again.
        """
        branches = self.engine.branches(self._record)
        back = branches.undelete(name, new_name=new_name, author=author or self.author, message=message)
        return Branch(self, run(back))

    def verify(self, progress: Reading | None = None) -> VerifyReport:
        """Hold the log against the version rows, in both directions.

        The project may be written to meanwhile.

        Args:
            progress: Is told how many entries and how many rows have been read.

        Returns:
            What was found.
        """
        return run(verify(self.engine, self.id, progress))

    def rebuild(self, progress: Reading | None = None) -> RebuildReport:
        """Build all version rows anew from the log; nobody may write to the project meanwhile.

        Args:
            progress: Is told how many entries have been applied and how many rows written.

        Returns:
            What was done.

        Raises:
            Conflict: Somebody wrote to the project.
            CorruptHistory: The log itself is damaged; the rows are left as they are.
        """
        return run(rebuild(self.engine, self.id, progress))

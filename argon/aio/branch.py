"""A branch, as applications hold it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from bson import ObjectId

from argon.aio.branch_log import AsyncBranchLog
from argon.aio.conflicts import AsyncConflicts
from argon.aio.hooks import AsyncBranchHooks
from argon.aio.merging import AsyncMerging
from argon.aio.past import AsyncPast
from argon.aio.retention import AsyncBranchRetention
from argon.aio.undoing import AsyncUndoing
from argon.catalog.records import MAIN
from argon.classic.migrate import Progress, migrate
from argon.engine.expiry import expire
from argon.engine.handle import Handle
from argon.io import run_async
from argon.merging.results import ForkInfo
from argon.models import BranchRecord
from argon.points import as_expiry
from argon.versions.ids import id_key

if TYPE_CHECKING:
    from argon.aio.project import AsyncProject
    from argon.engine.engine import Engine


class AsyncBranch(
    AsyncMerging,
    AsyncConflicts,
    AsyncUndoing,
    AsyncBranchLog,
    AsyncPast,
    AsyncBranchHooks,
    AsyncBranchRetention,
):
    """A named line of writes.

    Args:
        project: The project it belongs to.
        record: Its record.
    """

    def __init__(self, project: AsyncProject, record: BranchRecord) -> None:
        super().__init__(record)
        self._project = project
        self._client: Any = None
        self._force = False

    def __repr__(self) -> str:
        return f"AsyncBranch({self._project.name}@{self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncBranch) and other.id == self.id

    def __hash__(self) -> int:
        return hash(id_key(self.id))

    @property
    def project(self) -> AsyncProject:
        """The project it belongs to."""
        return self._project

    @property
    def project_id(self) -> ObjectId:
        """The project's id."""
        return self._record.project_id

    @property
    def project_name(self) -> str:
        """The project's name."""
        return self._project.name

    @property
    def by_default(self) -> bool:
        """Whether it goes by the project's name alone, as the default branch does."""
        return self.name == MAIN and self._project.record.default_branch is None

    @property
    def kind(self) -> str:
        """``wal``, or ``classic`` for a branch that is a physical database."""
        return self._record.kind

    @property
    def parent_id(self) -> ObjectId | None:
        """The branch it was made from; None for ``main``."""
        return self._record.parent_id

    @property
    def base_lsn(self) -> int:
        """The fork point: the last LSN of the parent that it sees."""
        return self._record.base_lsn

    @property
    def expires_at(self) -> datetime | None:
        """From when on it counts as deleted; None for never."""
        return self._record.expires_at

    @property
    def description(self) -> str | None:
        """What it is for, in words."""
        return self._record.description

    @property
    def metadata(self) -> dict[str, Any]:
        """What programs keep with it; :meth:`update` changes it."""
        return copy.deepcopy(self._record.metadata)

    @property
    async def status(self) -> str:
        """``active`` or ``pending_delete``, read anew."""
        await self._found()
        record = await run_async(self.engine.branch_record(self.id))
        return "pending_delete" if record is None else record.status

    @property
    async def head_lsn(self) -> int:
        """The last LSN of the branch, read anew; its fork point while nothing was written."""
        await self._found()
        return (await run_async(self.engine.log.head(self._record))).lsn

    @property
    def engine(self) -> Engine:
        """The engine that serves it."""
        return self._project.engine

    @property
    def client(self) -> Any:
        """The client that serves it."""
        return self._client or self._project._argon.own_client

    def seen_through(self, client: Any) -> Self:
        """Return the same branch for databases that give another client as theirs."""
        same = copy.copy(self)
        same._client = client
        return same

    @property
    def handle(self) -> Handle:
        """The branch's head, for operations."""
        return Handle(self.engine.line(self._record), author=self._project.author, force=self._force)

    async def _found(self) -> None:
        """Make sure that the record is the branch's, where only its name is known so far."""

    async def rename(self, name: str, *, author: str | None = None, message: str | None = None) -> None:
        """Give the branch another name.

        Args:
            name: The name.
            author: Who does it; by default whoever commits through this branch.
            message: Why.

        Raises:
            BranchProtected: It is ``main``, or protected.
            BranchExists: The name is taken.
        """
        await self._found()
        branches = self.engine.branches(self._project.record)
        said = {"author": author or self._project.author, "message": message}
        self._record = await run_async(branches.rename(self._record, name, force=self._force, **said))

    async def update(
        self,
        *,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> None:
        """Say something else about the branch; what is not given stays.

        Args:
            description: What it is for, in words; an empty string removes it.
            metadata: What programs keep with it, in place of all that was there: any document.
            author: Who says it; by default whoever commits through this branch.
            message: Why.

        Raises:
            BranchNotFound: It was deleted.
            ValueError: Nothing was given.
        """
        change: dict[str, Any] = {}
        if description is not None:
            change["description"] = description or None
        if metadata is not None:
            change["metadata"] = dict(metadata)
        if not change:
            raise ValueError(
                "nothing to say about the branch was given: give description=, metadata= or both"
            )
        await self._found()
        branches = self.engine.branches(self._project.record)
        said = {"author": author or self._project.author, "message": message}
        self._record = await run_async(branches.edit(self._record, change, **said))

    async def set_expiry(
        self,
        ttl: timedelta | str | None = None,
        at: datetime | None = None,
        *,
        author: str | None = None,
        message: str | None = None,
    ) -> None:
        """Say when the branch shall count as deleted; without a time, that it never shall.

        From then on it is as deleted: :meth:`AsyncProject.undelete_branch` brings it back, and what was
        made from it keeps working.

        Args:
            ttl: How long from now: a timedelta, or text such as ``"2h"``.
            at: When, instead.
            author: Who says it; by default whoever commits through this branch.
            message: Why.

        Raises:
            BranchProtected: It is ``main``, the default branch, or protected.
            InvalidPoint: The time is not in the future.
        """
        expires = as_expiry(ttl, at)
        await self._found()
        branches = self.engine.branches(self._project.record)
        said = {"author": author or self._project.author, "message": message}
        self._record = await run_async(branches.set_expiry(self._record, expires, force=self._force, **said))
        self.engine.line(self._record).learn(self._record)

    def forced(self) -> Self:
        """Return the same branch to work on although it is protected.

        What is done through it, and through databases made of it, is not refused for that reason.
        """
        same = copy.copy(self)
        same._force = True
        return same

    async def fork(self, name: str, *, author: str | None = None, message: str | None = None) -> ForkInfo:
        """Make a branch of this one's head; nothing is copied.

        Args:
            name: Its name.
            author: Who makes it; by default whoever commits through this branch.
            message: Why.

        Raises:
            BranchExists: The name is taken.
        """
        return await self._project.fork(self, name, author=author, message=message)

    async def migrate(
        self, *, progress: Progress | None = None, author: str | None = None, message: str | None = None
    ) -> None:
        """Turn this classic branch, a physical database, into one in the log.

        It stays readable all the time. Writes are refused meanwhile; other
        handles go on by themselves afterwards, in every process. A migration that
        was interrupted is finished by running it again.

        Args:
            progress: Is told how many documents are done, and how many there are about.
            author: Who does it; by default whoever commits through this branch.
            message: Why; by default that it is a migration.

        Raises:
            UnsupportedOperation: It is no classic branch, or has a collection of a
                kind that a branch in the log cannot have (capped, time series …).
            FeatureDisabled: Branches in the log take no writes here.
            Conflict: Others keep on writing past AsyncArgon, or another run has taken over.
        """
        await self._found()
        about = (self.engine, self._project.record, self._record)
        migrated = migrate(*about, author=author or self._project.author, message=message, progress=progress)
        self._record = await run_async(migrated)

    async def expire(self) -> int:
        """Delete now what the TTL indexes of the branch say has expired; it happens by itself once a minute.

        Returns:
            How many documents were deleted.
        """
        return await run_async(expire(self.handle))

    async def require(self, flag: str) -> None:
        """Check a feature flag for this branch.

        Raises:
            FeatureDisabled: It is off.
        """
        await self._found()
        await run_async(self.engine.flags.require(flag, self._project.name, self.name))

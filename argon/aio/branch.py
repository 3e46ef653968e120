"""A branch, as applications hold it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from bson import ObjectId

from argon.classic.branches import create_branch
from argon.classic.migrate import Progress, migrate
from argon.engine.expiry import expire
from argon.engine.handle import Handle
from argon.engine.history import read_log
from argon.io import run_async
from argon.merging.merge import Merge, merge_of_plan
from argon.merging.plan import MergePlan
from argon.merging.results import BranchDiffResult, ForkInfo, MergeInfo
from argon.merging.strategy import Strategy
from argon.models import BranchRecord, WALEntry
from argon.models.recorded import Recorded
from argon.points import as_point
from argon.timetravel.resolve import resolve
from argon.versions.ids import id_key

if TYPE_CHECKING:
    from argon.aio.project import AsyncProject
    from argon.engine.engine import Engine


class AsyncBranch(Recorded[BranchRecord]):
    """A named line of writes.

    Args:
        project: The project it belongs to.
        record: Its record.
    """

    def __init__(self, project: AsyncProject, record: BranchRecord) -> None:
        super().__init__(record)
        self._project = project
        self._client: Any = None

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
        return Handle(self.engine.line(self._record), author=self._project.author)

    async def _found(self) -> None:
        """Make sure that the record is the branch's, where only its name is known so far."""

    async def rename(self, name: str) -> None:
        """Give the branch another name.

        Raises:
            BranchProtected: It is ``main``.
            BranchExists: The name is taken.
        """
        await self._found()
        branches = self.engine.branches(self._project.record)
        self._record = await run_async(branches.rename(self._record, name, author=self._project.author))

    async def update(
        self, *, description: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Say something else about the branch; what is not given stays.

        Args:
            description: What it is for, in words; an empty string removes it.
            metadata: What programs keep with it, in place of all that was there: any document.

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
        self._record = await run_async(branches.edit(self._record, change, author=self._project.author))

    async def restore(
        self,
        lsn: int | None = None,
        time: datetime | None = None,
        name: str | None = None,
        *,
        ago: timedelta | None = None,
        tag: str | None = None,
    ) -> AsyncBranch:
        """Make a new branch that begins where this one was at a moment; nothing is copied.

        Args:
            lsn: After the entry with this LSN.
            time: At this moment; it must have a time zone.
            name: The new branch's name; by default ``main-lsn-42`` or ``main-restore-42``,
                with the LSN that was found.
            ago: So long ago.
            tag: At this tag.

        Returns:
            The new branch.

        Raises:
            PointNotFound: The point is outside the branch's history.
            BranchExists: The name is taken.
            FeatureDisabled: ``wal_time_travel`` is off.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        await self.require("wal_time_travel")
        point = as_point(lsn=lsn, time=time, ago=ago, tag=tag)
        found = await run_async(resolve(self.engine, self._record, point))
        if name is None:
            name = f"{self.name}-{'lsn' if lsn is not None else 'restore'}-{found}"
        message = f"restore {self.name} at LSN {found}"
        project, author = self._project.record, self._project.author
        made = create_branch(self.engine, project, self._record, name, found, author=author, message=message)
        return AsyncBranch(self._project, await run_async(made))

    async def fork(self, name: str) -> ForkInfo:
        """Make a branch of this one's head; nothing is copied.

        Raises:
            BranchExists: The name is taken.
        """
        return await self._project.fork(self, name)

    async def diff(
        self,
        other: Any,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> BranchDiffResult:
        """Compare this branch with another state, which may be a point of its own past.

        Args:
            other: A branch, its name, ``branch@POINT``, or a point of this branch.
            space: Look at this space only.
            collection: Look at this collection only.
            filter: Tell only of documents that match this query in one of the states.

        Returns:
            The differences: what is added is there in ``other``.
        """
        await self._found()
        place = await self._project._place(other, self)
        return await self._project.diff(self, place, space, collection, filter)

    async def merge(
        self,
        source: Any,
        strategy: Strategy = "strict",
        propagate_deletes: bool = True,
        preview: bool = False,
        message: str | None = None,
        author: str | None = None,
    ) -> MergeInfo | MergePlan:
        """Bring into this branch what a source changed since they last met, in one commit.

        Args:
            source: A branch, its name, ``branch@POINT``, or a :class:`MergePlan` that a
                preview returned, which brings its own strategy.
            strategy: What settles conflicts; see :mod:`argon.merging.strategy`.
            propagate_deletes: Whether documents and collections that the source deleted go here, too.
            preview: Compute the merge and write nothing.
            message: Why.
            author: Who; by default who commits elsewhere.

        Returns:
            What was done; the plan, for a preview.

        Raises:
            MergeConflict: Both sides changed the same thing; the error has the list, and nothing was written.
            MergeOutdated: The branch has moved such that a plan would do something else now.
            DuplicateKeyError: A unique index of this branch would not hold.
            WriteError: A validator of this branch refuses a document.
        """
        await self._found()
        if isinstance(source, MergePlan):
            merge = await run_async(merge_of_plan(self.handle, source))
        else:
            place = await self._project._place(source, self)
            merge = Merge(self.handle, place, strategy, deletes=propagate_deletes)
        if preview:
            return await run_async(merge.preview())
        return await run_async(merge.land(author=author, message=message))

    async def migrate(self, *, progress: Progress | None = None) -> None:
        """Turn this classic branch, a physical database, into one in the log.

        It stays readable all the time. Writes are refused meanwhile; other
        handles go on by themselves afterwards, in every process. A migration that
        was interrupted is finished by running it again.

        Args:
            progress: Is told how many documents are done, and how many there are about.

        Raises:
            UnsupportedOperation: It is no classic branch, or has a collection of a
                kind that a branch in the log cannot have (capped, time series …).
            FeatureDisabled: Branches in the log take no writes here.
            Conflict: Others keep on writing past AsyncArgon, or another run has taken over.
        """
        await self._found()
        migrated = migrate(
            self.engine, self._project.record, self._record, author=self._project.author, progress=progress
        )
        self._record = await run_async(migrated)

    async def expire(self) -> int:
        """Delete now what the TTL indexes of the branch say has expired; it happens by itself once a minute.

        Returns:
            How many documents were deleted.
        """
        return await run_async(expire(self.handle))

    async def log(
        self,
        limit: int | None = None,
        collection: str | None = None,
        document_id: Any = None,
        *,
        after: int | None = None,
        before: int | None = None,
    ) -> list[WALEntry]:
        """Return the branch's entries, newest first, its inherited history included.

        Args:
            limit: At most so many.
            collection: Of this collection only.
            document_id: About this document only.
            after: With a greater LSN.
            before: With a smaller LSN.
        """
        entries = self.iter_log(
            limit=limit, collection=collection, document_id=document_id, after=after, before=before
        )
        return [entry async for entry in entries]

    async def iter_log(
        self,
        *,
        limit: int | None = None,
        collection: str | None = None,
        document_id: Any = None,
        after: int | None = None,
        before: int | None = None,
    ) -> AsyncIterator[WALEntry]:
        """Like :meth:`log`, entry by entry, however long the history."""
        await self.require("wal_time_travel")
        pages = read_log(
            self.engine,
            self._record,
            limit=limit,
            collection=collection,
            document_id=document_id,
            after=after,
            before=before,
        )
        while True:
            page = await run_async(pages.next())
            if not page:
                return
            for entry in page:
                yield entry

    async def require(self, flag: str) -> None:
        """Check a feature flag for this branch.

        Raises:
            FeatureDisabled: It is off.
        """
        await self._found()
        await run_async(self.engine.require(flag, self._project.name, self.name))

# Generated from argon/aio/branch.py by tools/async_to_sync.py: edit that.

"""A branch, as applications hold it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from bson import ObjectId

from argon.classic.migrate import Progress, migrate
from argon.driver.branch_log import BranchLog
from argon.driver.merging import Merging
from argon.driver.past import Past
from argon.engine.expiry import expire
from argon.engine.handle import Handle
from argon.io import run
from argon.merging.results import ForkInfo
from argon.models import BranchRecord
from argon.versions.ids import id_key

if TYPE_CHECKING:
    from argon.driver.project import Project
    from argon.engine.engine import Engine


class Branch(Merging, BranchLog, Past):
    """A named line of writes.

    Args:
        project: The project it belongs to.
        record: Its record.
    """

    def __init__(self, project: Project, record: BranchRecord) -> None:
        super().__init__(record)
        self._project = project
        self._client: Any = None

    def __repr__(self) -> str:
        return f"Branch({self._project.name}@{self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Branch) and other.id == self.id

    def __hash__(self) -> int:
        return hash(id_key(self.id))

    @property
    def project(self) -> Project:
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
    def status(self) -> str:
        """``active`` or ``pending_delete``, read anew."""
        self._found()
        record = run(self.engine.branch_record(self.id))
        return "pending_delete" if record is None else record.status

    @property
    def head_lsn(self) -> int:
        """The last LSN of the branch, read anew; its fork point while nothing was written."""
        self._found()
        return run(self.engine.log.head(self._record)).lsn

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

    def _found(self) -> None:
        """Make sure that the record is the branch's, where only its name is known so far."""

    def rename(self, name: str) -> None:
        """Give the branch another name.

        Raises:
            BranchProtected: It is ``main``.
            BranchExists: The name is taken.
        """
        self._found()
        branches = self.engine.branches(self._project.record)
        self._record = run(branches.rename(self._record, name, author=self._project.author))

    def update(self, *, description: str | None = None, metadata: Mapping[str, Any] | None = None) -> None:
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
        self._found()
        branches = self.engine.branches(self._project.record)
        self._record = run(branches.edit(self._record, change, author=self._project.author))

    def fork(self, name: str) -> ForkInfo:
        """Make a branch of this one's head; nothing is copied.

        Raises:
            BranchExists: The name is taken.
        """
        return self._project.fork(self, name)

    def migrate(self, *, progress: Progress | None = None) -> None:
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
            Conflict: Others keep on writing past Argon, or another run has taken over.
        """
        self._found()
        migrated = migrate(
            self.engine, self._project.record, self._record, author=self._project.author, progress=progress
        )
        self._record = run(migrated)

    def expire(self) -> int:
        """Delete now what the TTL indexes of the branch say has expired; it happens by itself once a minute.

        Returns:
            How many documents were deleted.
        """
        return run(expire(self.handle))

    def require(self, flag: str) -> None:
        """Check a feature flag for this branch.

        Raises:
            FeatureDisabled: It is off.
        """
        self._found()
        run(self.engine.require(flag, self._project.name, self.name))

"""A branch that is known by its name, is looked up when it is first used, and may not exist yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.catalog.collections import Catalog
from argon.catalog.records import MAIN
from argon.engine.line import Line
from argon.errors import BranchNotFound, ProjectExists, ProjectNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.versions.visibility import View, make_view
from argon.wal.change import Planner
from argon.wal.log import Head

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot

Create = Callable[[], Operation[ProjectRecord]]


class NamedLine(Line):
    """The branch that has a name, looked up when it is first used.

    It goes on with a new branch of the name when the old one has been deleted.
    A project's main branch can be as MongoDB's databases are: empty while there
    is none, and made by the first write.

    Args:
        engine: The engine.
        project: The project's name.
        branch: The branch's name; None for the project's default branch, whichever that is.
        create: Makes the project where there is none; None where that is an error.
        ready: Is called, and awaited in the async world, before the first look.
    """

    def __init__(
        self,
        engine: Engine,
        project: str,
        branch: str | None = None,
        *,
        create: Create | None = None,
        ready: Callable[[], Any] | None = None,
    ) -> None:
        self.project = ProjectRecord(_id=ObjectId(), name=project, created_at=datetime.now(UTC))
        nothing = BranchRecord(
            _id=ObjectId(),
            project_id=self.project.id,
            name=branch or MAIN,
            number=0,
            base_lsn=0,
            created_lsn=0,
            created_at=self.project.created_at,
        )
        self._line: Line | None = None
        super().__init__(engine, nothing)
        engine.branches(self.project)  # lets the engine know the name that goes with the id
        self._ready = ready
        self._name = project
        self._branch = branch
        self._create = create
        self._nothing = (self.project, nothing)

    @property
    def in_log(self) -> bool:
        """See :meth:`Line.in_log`."""
        return self._line is not None and self._line.in_log

    def lost(self) -> None:
        """Take note that the project or the branch was deleted."""
        self._line = None
        self.project, self.record = self._nothing

    @property
    def at(self) -> tuple[BranchRecord, View]:
        """See :attr:`Line.at`."""
        return super().at if self._line is None else self._line.at

    @property
    def record(self) -> BranchRecord:
        """See :attr:`Line.record`."""
        return self.at[0]

    @record.setter
    def record(self, record: BranchRecord) -> None:
        if self._line is None:
            self._at = (record, make_view(record.number, record.ancestors))
        else:
            self._line.record = record

    def snapshot(self) -> Operation[Snapshot]:
        """See :meth:`Line.snapshot`; that of a project that does not exist is empty."""

        def nothing() -> Operation[Snapshot]:
            yield None
            return self.engine.snapshot(self.record, self.view, Catalog([], self.view))

        found: Snapshot = yield from self._on(lambda line: line.snapshot(), nothing)
        return found

    def current(self) -> Operation[BranchRecord | None]:
        """See :meth:`Line.current`; None while the project does not exist."""

        def nothing() -> Operation[None]:
            yield None

        found: BranchRecord | None = yield from self._on(lambda line: line.current(), nothing)
        return found

    def opened(self) -> Operation[BranchRecord]:
        """See :meth:`Line.opened`; makes the project where there is none."""
        found: BranchRecord = yield from self._on(lambda line: line.opened(), None)
        return found

    def admitted(self) -> Operation[BranchRecord | None]:
        """See :meth:`Line.admitted`."""

        def nothing() -> Operation[None]:
            yield None

        found: BranchRecord | None = yield from self._on(lambda line: line.admitted(), nothing)
        return found

    def past(self, lsn: int) -> Operation[Snapshot]:
        """See :meth:`Line.past`."""
        found: Snapshot = yield from self._on(lambda line: line.past(lsn), self.snapshot)
        return found

    def head(self) -> Operation[Head]:
        """See :meth:`Line.head`."""
        found: Head = yield from self._on(lambda line: line.head(), super().head)
        return found

    def write(
        self,
        planner: Planner,
        *,
        author: str | None = None,
        message: str | None = None,
        judged: bool = True,
    ) -> Operation[Any]:
        """See :meth:`Line.write`; makes the project where there is none."""

        def write(line: Line) -> Operation[Any]:
            return (yield from line.write(planner, author=author, message=message, judged=judged))

        return (yield from self._on(write, None))

    def _on(
        self,
        work: Callable[[Line], Operation[Any]],
        otherwise: Callable[[], Operation[Any]] | None,
    ) -> Operation[Any]:
        """Do something on the branch that has the name now."""
        held = self._line
        if held is not None and self._branch is None and (yield from self._is_default(held)) is False:
            self.lost()
            held = None
        if held is not None:
            try:
                return (yield from work(held))
            except BranchNotFound:
                self.lost()
        line = yield from self._find()
        if line is None and otherwise is not None:
            return (yield from otherwise())
        if line is None:
            line = yield from self._make()
        return (yield from work(line))

    @property
    def by_default(self) -> bool:
        """Whether no branch was named."""
        return self._branch is None

    def _is_default(self, line: Line) -> Operation[bool]:
        """Whether a branch is still the default one, as far as is known; no set one means ``main``."""
        yield from self.engine.rules.of(line.record.project_id)
        return self.engine.rules.is_default(line.record)

    def _find(self) -> Operation[Line | None]:
        if self._ready is not None:
            yield self._ready()
        try:
            project = yield from self.engine.projects.get(self._name)
        except ProjectNotFound:
            if self._create is None:
                raise
            return None
        return (yield from self._take(project))

    def _make(self) -> Operation[Line]:
        assert self._create is not None
        try:
            project = yield from self._create()
        except ProjectExists:
            project = yield from self.engine.projects.get(self._name)
        return (yield from self._take(project))

    def _take(self, project: ProjectRecord) -> Operation[Line]:
        branches = self.engine.branches(project)
        if self._branch is None:
            record = yield from branches.default()
            self.engine.rules.learn(project)
        else:
            record = yield from branches.get(self._branch)
        self.project = project
        self._line = line = self.engine.line(record)
        return line

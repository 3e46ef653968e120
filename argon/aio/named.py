"""A branch by its name, looked up when first used; ``client["shop"]`` even makes it, with the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.aio.branch import AsyncBranch
from argon.aio.project import AsyncProject
from argon.classic.branches import create_project
from argon.engine.handle import Handle
from argon.engine.named import NamedLine
from argon.io import Operation, run_async
from argon.models import BranchRecord, ProjectRecord
from argon.names import check_branch_name, check_project_name

if TYPE_CHECKING:
    from argon.aio.argon import AsyncArgon


class AsyncNamedBranch(AsyncBranch):
    """The branch that has a name now, or will have it.

    Args:
        argon: Where it is.
        project: The project's name.
        branch: The branch's name; None for the project's default branch.
        makes: Whether the first write makes the project where there is none.
    """

    def __init__(
        self, argon: AsyncArgon, project: str, branch: str | None = None, *, makes: bool = False
    ) -> None:
        check_project_name(project)
        if branch is not None:
            check_branch_name(branch)

        def create() -> Operation[ProjectRecord]:
            return (yield from create_project(argon.engine, project, author=argon.author))

        self._line = NamedLine(
            argon.engine, project, branch, create=create if makes else None, ready=argon.opening
        )
        super().__init__(_AsyncNamedProject(argon, self._line), self._line.record)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncNamedBranch):
            mine = (self.engine, self.project_name, self.name)
            return mine == (other.engine, other.project_name, other.name)
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash((self.project_name, self.name))

    @property
    def by_default(self) -> bool:
        """See :attr:`AsyncBranch.by_default`."""
        return self._line.by_default or super().by_default

    async def _found(self) -> None:
        await run_async(self._line.current())

    @property
    def _record(self) -> BranchRecord:
        return self._line.record

    @_record.setter
    def _record(self, record: BranchRecord) -> None:
        self._line.record = record

    @property
    def handle(self) -> Handle:
        """See :attr:`AsyncBranch.handle`."""
        return Handle(self._line, author=self._project.author, force=self._force)

    def lost(self) -> None:
        """Take note that the project was deleted; the next write makes another one."""
        self._line.lost()


class _AsyncNamedProject(AsyncProject):
    def __init__(self, argon: AsyncArgon, line: NamedLine) -> None:
        self._line = line
        super().__init__(argon, line.project)

    @property
    def _record(self) -> ProjectRecord:
        return self._line.project

    @_record.setter
    def _record(self, record: ProjectRecord) -> None:
        self._line.project = record

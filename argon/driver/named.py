"""A project's main branch by name, as ``client["shop"]`` has it: it comes into being with the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argon.classic.branches import create_project
from argon.driver.branch import Branch
from argon.driver.project import Project
from argon.engine.handle import Handle
from argon.engine.named import NamedLine
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.names import check_project_name

if TYPE_CHECKING:
    from argon.driver.argon import Argon


class NamedBranch(Branch):
    """The main branch of the project that has a name now, or will have it.

    Args:
        argon: Where it is.
        name: The project's name.
        client: What the databases on it give as their client.
    """

    def __init__(self, argon: Argon, name: str, client: Any) -> None:
        check_project_name(name)

        def create() -> Operation[ProjectRecord]:
            return (yield from create_project(argon.engine, name, author=argon.author))

        self._line = NamedLine(argon.engine, name, create)
        super().__init__(_NamedProject(argon, self._line), self._line.record)
        self._client = client

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NamedBranch):
            return other.engine is self.engine and other.project_name == self.project_name
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self.project_name)

    @property
    def _record(self) -> BranchRecord:
        return self._line.record

    @_record.setter
    def _record(self, record: BranchRecord) -> None:
        self._line.record = record

    @property
    def handle(self) -> Handle:
        """See :attr:`Branch.handle`."""
        return Handle(self._line, author=self._project.author)

    def lost(self) -> None:
        """Take note that the project was deleted; the next write makes another one."""
        self._line.lost()


class _NamedProject(Project):
    def __init__(self, argon: Argon, line: NamedLine) -> None:
        self._line = line
        super().__init__(argon, line.project)

    @property
    def _record(self) -> ProjectRecord:
        return self._line.project

    @_record.setter
    def _record(self, record: ProjectRecord) -> None:
        self._line.project = record

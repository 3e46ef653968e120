"""What a project says of its branches, as this process knows it.

Every write asks, so the answer is kept: a process sees what another one has
said within :data:`RULES_BOUND`, and what it has said itself at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.catalog.records import MAIN
from argon.catalog.rules import refuse_protected
from argon.errors import BranchProtected, Conflict, NotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.names import check_branch_pattern
from argon.wire.finds import find_one

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.line import Line

RULES_BOUND = 2.0
"""Seconds after which a process sees what another one has said of a project, and of when a branch expires."""


class Rules:
    """The records of the projects that this process writes to.

    Args:
        table: The projects.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self._known: dict[ObjectId, tuple[float, ProjectRecord | None]] = {}

    def of(self, project_id: ObjectId) -> Operation[ProjectRecord | None]:
        """Return a project's record, at most :data:`RULES_BOUND` seconds old; None where there is none."""
        known = self._known.get(project_id)
        if known is not None and time.monotonic() - known[0] <= RULES_BOUND:
            return known[1]
        asked = time.monotonic()
        found = yield from find_one(self._table, {"_id": project_id})
        record = None if found is None else ProjectRecord.model_validate(found)
        self._known[project_id] = (asked, record)
        return record

    def is_default(self, branch: BranchRecord) -> bool:
        """Whether a branch is its project's default one, as far as is known; no set one means ``main``."""
        _, project = self._known.get(branch.project_id, (0.0, None))
        default = None if project is None else project.default_branch
        return branch.id == default or (default is None and branch.name == MAIN)

    def learn(self, record: ProjectRecord) -> None:
        """Take note of what this process has said itself."""
        self._known[record.id] = (time.monotonic(), record)


def admit(line: Line, *, force: bool) -> Operation[None]:
    """Check that a branch may be written to.

    Args:
        line: The branch.
        force: Whether to write although it is protected.

    Raises:
        BranchProtected: It is protected, and the write is not forced.
        BranchNotFound: It was deleted, or has expired.
    """
    record = yield from line.admitted()
    if force or record is None:
        return
    project = yield from line.engine.rules.of(record.project_id)
    if project is not None and project.protected:
        refuse_protected(project, record)


def set_default(
    engine: Engine, project: ProjectRecord, name: str, *, author: str | None, message: str | None
) -> Operation[ProjectRecord]:
    """Choose the branch that is meant where none is named.

    Raises:
        BranchNotFound: There is none of this name.
        BranchProtected: It has a time to expire at.
    """
    branch = yield from engine.branches(project).get(name)
    if branch.expires_at is not None:
        raise BranchProtected(
            f"the branch {name!r} has a time to expire at, and the default branch has none: clear it first "
            f"('argon branch edit {name} --clear-expiration')"
        )
    wanted = None if branch.name == MAIN else branch.id

    def change(record: ProjectRecord) -> dict[str, Any]:
        return {} if record.default_branch == wanted else {"default_branch": wanted}

    return (yield from edit(engine, project, change, author, message))


def protect(
    engine: Engine, project: ProjectRecord, pattern: str, *, author: str | None, message: str | None
) -> Operation[ProjectRecord]:
    """Protect the branches whose names match a pattern.

    Raises:
        InvalidName: It is no pattern that a branch's name can match.
        Conflict: It matches a branch that has a time to expire at.
    """
    check_branch_pattern(pattern)
    for branch in (yield from engine.branches(project).list()):
        if branch.expires_at is not None and fnmatchcase(branch.name, pattern):
            raise Conflict(
                f"the branch {branch.name!r}, which {pattern!r} matches, has a time to expire at: "
                f"clear it first ('argon branch edit {branch.name} --clear-expiration')"
            )

    def change(record: ProjectRecord) -> dict[str, Any]:
        return {} if pattern in record.protected else {"protected": [*record.protected, pattern]}

    return (yield from edit(engine, project, change, author, message))


def unprotect(
    engine: Engine, project: ProjectRecord, pattern: str, *, author: str | None, message: str | None
) -> Operation[ProjectRecord]:
    """Take a protection away.

    Raises:
        NotFound: Nothing is protected by this pattern.
    """

    def change(record: ProjectRecord) -> dict[str, Any]:
        if pattern not in record.protected:
            there = ", ".join(map(repr, record.protected)) or "no pattern at all"
            raise NotFound(f"the project {record.name!r} protects nothing by {pattern!r}; it does by {there}")
        return {"protected": [each for each in record.protected if each != pattern]}

    return (yield from edit(engine, project, change, author, message))


def edit(
    engine: Engine,
    project: ProjectRecord,
    change: Callable[[ProjectRecord], dict[str, Any]],
    author: str | None,
    message: str | None,
) -> Operation[ProjectRecord]:
    """Change what a project's record says; this process goes by it at once."""
    record = yield from engine.project_line(project).edit(change, author=author, message=message)
    engine.rules.learn(record)
    return record

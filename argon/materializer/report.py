"""What a verification finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SHOWN = 100
"""Problems that are kept; the others are counted."""

Progress = Callable[[int, int], None]
"""Is told how many entries and how many rows have been read."""


class ProblemKind(StrEnum):
    """What is wrong."""

    CHAIN = "chain"
    """An entry does not follow the one before it: one was removed, added or moved."""
    ENTRY = "entry"
    """An entry breaks the rules that all entries keep."""
    COMMIT = "commit"
    """The entries of a commit are not together, or not all there."""
    TIME = "time"
    """An entry is older than the one before it."""
    RECORD = "record"
    """The record of a project or a branch is not what the log says."""
    HORIZON = "horizon"
    """A branch says that it holds history which has been let go of, or its horizon is no point of it."""
    STORE = "store"
    """The physical collection of a logical one is not there."""
    ROW = "row"
    """A row is not what the entries that began and ended it say."""
    MISSING_ROW = "missing row"
    """An insert or an update has no row."""
    MISSING_END = "missing end"
    """What an update or a delete superseded is still there: its end or its mark is gone."""
    MARK = "mark"
    """A mark hides a row that no entry of its branch changed."""
    PROVISIONAL = "provisional"
    """A row of an open transaction, which nobody should see."""


@dataclass(frozen=True)
class Problem:
    """One disagreement.

    Attributes:
        kind: What is wrong.
        message: The same in words.
        branch: The branch's name.
        collection: The logical collection, with its space before a slash where that is not the default.
        lsn: The LSN of the entry.
        document_id: The document.
        store: The physical collection of the row.
    """

    kind: ProblemKind
    message: str
    branch: str | None = None
    collection: str | None = None
    lsn: int | None = None
    document_id: Any = None
    store: str | None = None


@dataclass
class VerifyReport:
    """The result of a verification.

    Attributes:
        project: The project's name.
        head_lsn: The greatest LSN that was looked at.
        entries: Entries read.
        rows: Rows read.
        problems: The first problems found, :data:`SHOWN` at most.
        problem_count: How many there are in all.
    """

    project: str
    head_lsn: int = 0
    entries: int = 0
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    progress: Progress | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether log and rows agree."""
        return self.problem_count == 0

    def add(self, kind: ProblemKind, message: str, **where: Any) -> None:
        """Note a problem.

        Args:
            kind: What is wrong.
            message: The same in words.
            where: The other attributes of :class:`Problem`.
        """
        self.problem_count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(Problem(kind, message, **where))

    def read(self, *, entries: int = 0, rows: int = 0) -> None:
        """Note that so much more was read."""
        self.entries += entries
        self.rows += rows
        if self.progress is not None:
            self.progress(self.entries, self.rows)

"""What revert, undo, cherry-pick and reset tell their callers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from argon.merging.results import ConflictEntry, DiffEntry, SchemaChange


@dataclass(frozen=True)
class CommitInfo:
    """A commit of the log, told in short.

    Attributes:
        first_lsn: The LSN of its first entry.
        lsn: The LSN of its last one, which is the commit's.
        before_lsn: The LSN that it followed.
        time: When it was made.
        author: Who made it.
        message: Why.
        operations: How many entries of each kind it has.
    """

    first_lsn: int
    lsn: int
    before_lsn: int
    time: datetime
    author: str | None
    message: str | None
    operations: dict[str, int]

    def __str__(self) -> str:
        told = ", ".join(f"{number} {kind}" for kind, number in self.operations.items())
        return f"LSN {self.lsn} ({told})"


@dataclass(frozen=True)
class ChangeInfo:
    """What was done to a branch, or would be.

    Attributes:
        operation: ``revert``, ``undo``, ``cherry_pick`` or ``reset``.
        branch: The branch.
        source: What it was done with, as ``branch@LSN``: the state that the branch was set to, or the
            last of the commits that were reverted or picked.
        lsn: The LSN of the commit, the branch's head after it; where nothing was written, its head.
        backup: The branch that holds the state before; None where nothing was written.
        documents_applied: Documents that were inserted or changed.
        documents_deleted: Documents that were deleted; those of dropped collections are not counted.
        commits: The commits that were taken back or picked, newest first; none for a reset, which goes by
            states.
        schema: What became of definitions.
        preview: Whether nothing was done, because a preview was asked for.
        changes: What would become of the documents; told by a preview.
        conflicts: What stands against it; told by a preview.
        resolved: Conflicts that the strategy settled.
    """

    operation: str
    branch: str
    source: str
    lsn: int
    backup: str | None = None
    documents_applied: int = 0
    documents_deleted: int = 0
    commits: list[CommitInfo] = field(default_factory=list)
    schema: list[SchemaChange] = field(default_factory=list)
    preview: bool = False
    changes: list[DiffEntry] = field(default_factory=list)
    conflicts: list[ConflictEntry] = field(default_factory=list)
    resolved: list[ConflictEntry] = field(default_factory=list)


def counted(number: int) -> str:
    """Write a number of commits."""
    return "1 commit" if number == 1 else f"{number:,} commits"

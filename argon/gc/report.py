"""What a garbage collection did, or would do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str, int], None]
"""Is told what is being done, and how many versions have gone so far."""


@dataclass(frozen=True)
class BranchHorizon:
    """How far back a branch can be gone.

    Attributes:
        branch: Its name.
        horizon_lsn: The first LSN of its own from which on everything is held; 0 for all of its history.
        moved: Whether this collection has moved it, or would.
    """

    branch: str
    horizon_lsn: int
    moved: bool


@dataclass
class GCReport:
    """The result of a garbage collection.

    Attributes:
        project: The project's name.
        dry_run: Whether this is only what would go.
        rows: Versions of documents that have gone.
        row_bytes: How many bytes they had.
        entries: Entries of the log that have gone.
        entry_bytes: How many bytes those had.
        compacted: Entries that tell less now, because what came before or after them has gone.
        branches: Names of deleted branches that cannot come back any more.
        stores: Physical collections that have gone.
        indexes: Physical indexes that have gone.
        databases: Physical databases of classic branches that have gone.
        horizons: How far back each branch can be gone.
    """

    project: str
    dry_run: bool = False
    rows: int = 0
    row_bytes: int = 0
    entries: int = 0
    entry_bytes: int = 0
    compacted: int = 0
    branches: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    horizons: list[BranchHorizon] = field(default_factory=list)
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def note(self, phase: str) -> None:
        """Tell whoever watches what is being done."""
        if self.progress is not None:
            self.progress(phase, self.rows)

"""A branch: a named line of writes, which is a pointer into the log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field

BranchStatus = Literal["active", "pending_delete", "purged", "hidden", "published"]
"""Branches are the first three; the others are lines that belong to a branch, or may come to."""


class Ancestor(BaseModel):
    """One step of a lineage.

    Attributes:
        id: The id of the line in the log: the ancestor's own, or that of a line it was moved to.
        number: Its number in the version rows.
        fork: The last LSN of it that belongs to the line.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: ObjectId
    number: int
    fork: int


class BranchRecord(BaseModel):
    """A document of ``branches``.

    Attributes:
        id: The branch's id.
        project_id: Its project.
        name: Unique among the project's live branches.
        number: What stands for the branch in version rows.
        kind: ``wal`` for a line in the log, ``classic`` for a physical database.
        parent_id: The branch it was made from; None for ``main``.
        base_lsn: The fork point: the last LSN of the parent that it sees.
        created_lsn: The LSN of the record of its creation.
        lineage: Its ancestors, nearest first, kept with the branch so that no reader
            has to walk up.
        line: The line in the log that the branch was moved to by its last large commit
            (see :mod:`argon.engine.large`), together with ``number`` and ``lineage``; None
            while it writes on the line that it began with, whose id is its own.
        ddl_lsn: The LSN of its last change to the catalogue.
        created_at: Server time.
        status: ``pending_delete`` is a recoverable mark, ``purged`` one that garbage collection has set:
            what nothing else needs of the branch is going away. ``hidden`` is a large commit under way, or
            one that was given up: its entries and rows belong to no branch. ``published`` is one that
            landed: its line belongs to the branch ``parent_id``.
        deleted_at: Server time of the deletion.
        expires_at: Server time from which on it counts as deleted.
        physical: The physical database of a classic branch; after a migration,
            until it has been removed.
        migrating: The run that is copying a classic branch into the log;
            while it is set the branch takes no writes.
        description: What it is for, in words.
        metadata: What programs keep with it.
        retention: Seconds for which its history is kept; None for as long as the project says.
        horizon_lsn: Of its own entries, the first that can still be gone back to; what lies before it is
            held only where a tag, a fork or a merge needs it. It never goes down.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, extra="ignore")

    id: ObjectId = Field(alias="_id")
    project_id: ObjectId
    name: str
    number: int
    kind: Literal["wal", "classic"] = "wal"
    parent_id: ObjectId | None = None
    base_lsn: int
    created_lsn: int
    lineage: list[Ancestor] = []
    line: ObjectId | None = None
    ddl_lsn: int = 0
    created_at: datetime
    status: BranchStatus = "active"
    deleted_at: datetime | None = None
    expires_at: datetime | None = None
    physical: str | None = None
    migrating: ObjectId | None = None
    description: str | None = None
    metadata: dict[str, Any] = {}
    retention: float | None = None
    horizon_lsn: int = 0

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def line_id(self) -> ObjectId:
        """The line in the log on which the branch writes."""
        return self.line or self.id

    def line_at(self, lsn: int) -> ObjectId:
        """The line on which an LSN of the branch's history is: its own, or an ancestor's."""
        line = self.line_id
        for ancestor in self.lineage:
            if lsn > ancestor.fork:
                break
            line = ancestor.id
        return line

    def on(self, line_id: ObjectId) -> BranchRecord:
        """Return the branch as it was while it wrote on an earlier line."""
        if self.line_id == line_id:
            return self
        for place, ancestor in enumerate(self.lineage):
            if ancestor.id == line_id:
                earlier = {"number": ancestor.number, "line": line_id, "lineage": self.lineage[place + 1 :]}
                return self.model_copy(update=earlier)
        return self

    @property
    def ancestors(self) -> list[tuple[int, int]]:
        """The lineage as the pairs (number, fork) that visibility works on."""
        return [(ancestor.number, ancestor.fork) for ancestor in self.lineage]

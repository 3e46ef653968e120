"""A merge that was computed, to be shown, stored, and done later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from argon.merging.results import ConflictEntry, DiffEntry
from argon.merging.strategy import Strategy


@dataclass(frozen=True)
class MergePlan:
    """A merge that was computed and not done; ``branch.merge(plan)`` does it.

    Attributes:
        source: The source, as it was named.
        target: The branch to merge into.
        source_id: The source branch.
        source_lsn: The last LSN of it that is merged.
        target_id: The target branch.
        target_lsn: Its head when the plan was made.
        base_lsn: The LSN of the merge base.
        strategy: What settles conflicts.
        propagate_deletes: Whether deletions are applied.
        digest: Tells whether the merge still does what the plan says.
        documents_applied: Documents that would be inserted or changed.
        documents_deleted: Documents that would be deleted.
        conflicts: What nothing settles; while there is any, the plan cannot be done.
        resolved: What the strategy settles.
        changes: What would become of the target's documents.
    """

    source: str
    target: str
    source_id: ObjectId
    source_lsn: int
    target_id: ObjectId
    target_lsn: int
    base_lsn: int
    strategy: Strategy
    propagate_deletes: bool
    digest: str
    documents_applied: int = 0
    documents_deleted: int = 0
    conflicts: list[ConflictEntry] = field(default_factory=list)
    resolved: list[ConflictEntry] = field(default_factory=list)
    changes: list[DiffEntry] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Return what has to be stored in order to do the plan later; a callable cannot be stored."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in kept.items() if not isinstance(value, list)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> MergePlan:
        """Read a plan that was stored; it has no lists of changes and conflicts any more."""
        return cls(**{name: document[name] for name in cls.__dataclass_fields__ if name in document})

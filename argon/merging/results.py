"""What fork and diff tell their callers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

_NAMED = 3
"""Conflicts that an error names one by one."""


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing.MISSING
"""Stands where a document has no such field; ``None`` is BSON's null."""


@dataclass(frozen=True)
class ForkInfo:
    """A branch that was made of another one; nothing was copied.

    Attributes:
        source: The branch it left.
        destination: Its name.
        lsn: The last LSN of the source that it sees.
        spaces: The spaces that it has.
    """

    source: str
    destination: str
    lsn: int
    spaces: list[str]


@dataclass(frozen=True)
class FieldChange:
    """One field that differs.

    Attributes:
        path: Its dotted path; empty for the document itself, whose fields only stand in another order.
        value_a: In the first state; :data:`MISSING` where there is no such field.
        value_b: In the second state.
    """

    path: str
    value_a: Any
    value_b: Any


@dataclass(frozen=True)
class DiffEntry:
    """One document that differs.

    Attributes:
        space: The namespace.
        collection: The collection.
        id: The document's ``_id``.
        value_a: The document in the first state; None where it is not there.
        value_b: The document in the second state.
        fields: What differs inside, for documents that both states have.
    """

    space: str
    collection: str
    id: Any
    value_a: dict[str, Any] | None
    value_b: dict[str, Any] | None
    fields: list[FieldChange] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """``added``, ``removed`` or ``modified``, going from the first state to the second."""
        if self.value_a is None:
            return "added"
        return "removed" if self.value_b is None else "modified"


@dataclass(frozen=True)
class SchemaChange:
    """What differs in a collection's definition.

    Attributes:
        space: The namespace.
        collection: The collection.
        path: ``collection`` for one that only one state has, ``indexes.<name>``, or an
            option such as ``validator``.
        value_a: The definition in the first state, or :data:`MISSING`.
        value_b: The definition in the second state.
    """

    space: str
    collection: str
    path: str
    value_a: Any
    value_b: Any


@dataclass(frozen=True)
class CollectionDiff:
    """The differences in one collection."""

    space: str
    collection: str
    added: list[DiffEntry] = field(default_factory=list)
    removed: list[DiffEntry] = field(default_factory=list)
    modified: list[DiffEntry] = field(default_factory=list)
    schema: list[SchemaChange] = field(default_factory=list)

    def add(self, change: DiffEntry | SchemaChange) -> None:
        """Take in one difference."""
        if isinstance(change, SchemaChange):
            self.schema.append(change)
        else:
            {"added": self.added, "removed": self.removed, "modified": self.modified}[change.kind].append(
                change
            )


@dataclass(frozen=True)
class SpaceDiff:
    """The differences in one space, by collection."""

    space: str
    collections: dict[str, CollectionDiff] = field(default_factory=dict)

    @property
    def added(self) -> list[DiffEntry]:
        """The documents that only the second state has."""
        return [entry for diff in self.collections.values() for entry in diff.added]

    @property
    def removed(self) -> list[DiffEntry]:
        """The documents that only the first state has."""
        return [entry for diff in self.collections.values() for entry in diff.removed]

    @property
    def modified(self) -> list[DiffEntry]:
        """The documents that both states have, with different values."""
        return [entry for diff in self.collections.values() for entry in diff.modified]


@dataclass(frozen=True)
class DiffSummary:
    """The differences, counted; collections are pairs of space and name."""

    total_added: int = 0
    total_removed: int = 0
    total_modified: int = 0
    spaces_only_in_a: list[str] = field(default_factory=list)
    spaces_only_in_b: list[str] = field(default_factory=list)
    collections_only_in_a: list[tuple[str, str]] = field(default_factory=list)
    collections_only_in_b: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class BranchDiffResult:
    """All that differs between two states.

    Attributes:
        branch_a: The first branch, or ``branch@LSN``.
        branch_b: The second one.
        spaces: The spaces that have differences.
        summary: The same, counted.
    """

    branch_a: str
    branch_b: str
    spaces: list[SpaceDiff]
    summary: DiffSummary

    def __bool__(self) -> bool:
        return bool(self.spaces)

    def __iter__(self) -> Iterator[DiffEntry | SchemaChange]:
        for space in self.spaces:
            for diff in space.collections.values():
                yield from diff.schema
                yield from diff.added
                yield from diff.removed
                yield from diff.modified


@dataclass(frozen=True)
class ConflictEntry:
    """One thing that both sides of a merge changed differently.

    Attributes:
        space: The namespace.
        collection: The collection.
        id: The document's ``_id``; None for a definition.
        path: The field; empty for the document as a whole; for definitions ``collection``,
            ``name``, ``indexes.<name>`` or an option.
        base_value: Its value at the merge base; :data:`MISSING` where there was none.
        source_value: Its value on the source.
        target_value: Its value on the target.
        definition: Whether it is about a definition; a document's ``_id`` may be None, too.
    """

    space: str
    collection: str
    id: Any
    path: str
    base_value: Any
    source_value: Any
    target_value: Any
    definition: bool = False

    def __str__(self) -> str:
        at = self.collection if self.definition else f"{self.collection} {self.id!r}"
        values = f"base {self.base_value!r}, source {self.source_value!r}, target {self.target_value!r}"
        return f"{at} {self.path or '(document)'}: {values}"


def named(conflicts: Sequence[ConflictEntry]) -> str:
    """Name the first of some conflicts, and say how many more there are."""
    more = len(conflicts) - _NAMED
    first = "; ".join(str(conflict) for conflict in conflicts[:_NAMED])
    return f"{first}{f'; and {more} more' if more > 0 else ''}"


@dataclass(frozen=True)
class MergeInfo:
    """What a merge did.

    Attributes:
        source: The source, a branch or ``branch@LSN``.
        target: The branch merged into.
        base_lsn: The LSN of the merge base.
        lsn: The LSN of the merge, the target's head after it; where there was nothing to merge, its head.
        documents_applied: Documents that were inserted or changed.
        documents_deleted: Documents that were deleted; those of dropped collections are not counted.
        spaces_merged: Spaces in which something changed.
        conflicts: Conflicts that were kept, with which nothing has landed yet; none in a merge that landed.
        resolved: Conflicts that the strategy settled.
    """

    source: str
    target: str
    base_lsn: int
    lsn: int
    documents_applied: int = 0
    documents_deleted: int = 0
    spaces_merged: int = 0
    conflicts: list[ConflictEntry] = field(default_factory=list)
    resolved: list[ConflictEntry] = field(default_factory=list)

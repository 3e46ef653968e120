"""What a three-way diff tells: what each of two sides did since they last met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Side(StrEnum):
    """Who changed something since the merge base."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"
    """Both sides, and alike."""
    MERGED = "merged"
    """Both sides, in parts that combine; of documents only."""
    CONFLICT = "conflict"
    """Both sides, differently."""


@dataclass(frozen=True)
class ThreeWayField:
    """One field that a side changed.

    Attributes:
        path: Its dotted path; empty for the document itself, whose fields only stand in another order.
        base: Its value at the base; :data:`~argon.merging.results.MISSING` where there is no such field.
        ours: Its value on our side.
        theirs: Its value on the other side.
        side: Who changed it.
    """

    path: str
    base: Any
    ours: Any
    theirs: Any
    side: Side


@dataclass(frozen=True)
class ThreeWayEntry:
    """One document that a side changed.

    Attributes:
        space: The namespace.
        collection: The collection, by our name for it.
        id: The document's ``_id``.
        base: The document at the base; None where it is not there.
        ours: The document on our side.
        theirs: The document on the other side.
        side: Who changed it.
        fields: What changed inside, for documents that all three states have.
    """

    space: str
    collection: str
    id: Any
    base: dict[str, Any] | None
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    side: Side
    fields: list[ThreeWayField] = field(default_factory=list)


@dataclass(frozen=True)
class ThreeWaySchema:
    """What a side changed in a collection's definition.

    Attributes:
        space: The namespace.
        collection: The collection, by our name for it.
        path: ``collection`` where not all three states have it, ``name``, ``indexes.<name>`` or an
            option such as ``validator``.
        base: The definition at the base, or :data:`~argon.merging.results.MISSING`.
        ours: The definition on our side.
        theirs: The definition on the other side.
        side: Who changed it.
    """

    space: str
    collection: str
    path: str
    base: Any
    ours: Any
    theirs: Any
    side: Side


@dataclass(frozen=True)
class ThreeWayDiff:
    """What two sides did since they last met.

    Attributes:
        ours: Our side, a branch or ``branch@LSN``.
        theirs: The other side.
        base: What both are compared with, ``branch@LSN``.
        changes: The differences, collection by collection.
    """

    ours: str
    theirs: str
    base: str
    changes: list[ThreeWayEntry | ThreeWaySchema] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __iter__(self) -> Iterator[ThreeWayEntry | ThreeWaySchema]:
        return iter(self.changes)

    @property
    def conflicts(self) -> list[ThreeWayEntry | ThreeWaySchema]:
        """What both sides changed differently."""
        return [change for change in self.changes if change.side is Side.CONFLICT]

    @property
    def counts(self) -> dict[Side, int]:
        """How many documents each side changed."""
        counted = Counter(change.side for change in self.changes if isinstance(change, ThreeWayEntry))
        return {side: counted[side] for side in Side}

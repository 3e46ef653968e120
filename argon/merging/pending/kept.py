"""A pending merge and its conflicts, as their callers see them, and what may become of a conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo.errors import InvalidOperation

from argon.merging.definitions import FIXED
from argon.merging.plan import MergePlan
from argon.merging.results import MISSING, ConflictEntry
from argon.merging.strategy import Pick
from argon.versions.ids import id_key

TAKES = ("ours", "theirs", "base")
CHOICES = (*TAKES, "value", "delete")
OPEN, RESOLVED = "open", "resolved"


@dataclass(frozen=True)
class KeptConflict(ConflictEntry):
    """A conflict of a pending merge.

    Attributes:
        number: What it is called; a conflict whose values have changed gets another number.
        state: ``open`` or ``resolved``.
        choice: How it was resolved: ``ours``, ``theirs``, ``base``, ``value`` or ``delete``.
        value: What was given for ``value``; else :data:`MISSING`.
        resolved_by: Who resolved it.
        resolved_at: When.
    """

    number: int = 0
    state: str = OPEN
    choice: str | None = None
    value: Any = MISSING
    resolved_by: str | None = None
    resolved_at: datetime | None = None

    @property
    def picked(self) -> Any:
        """The resolution, as a strategy would give it."""
        return picked_by(self.choice, self.value)


@dataclass(frozen=True)
class PendingMerge:
    """A merge that waits for its conflicts to be resolved.

    Attributes:
        source: The source with its LSN, which stays the same until the merge is finished.
        target: The branch merged into.
        base_lsn: The LSN of the merge base.
        open: How many conflicts are open.
        resolved: How many are resolved.
        strategy: What settled the other conflicts.
        propagate_deletes: Whether the source's deletions are applied.
        author: Who began it.
        message: Why.
        created_at: When.
    """

    source: str
    target: str
    base_lsn: int
    open: int
    resolved: int
    strategy: Any = field(default="strict")
    propagate_deletes: bool = True
    author: str | None = None
    message: str | None = None
    created_at: datetime | None = None


def picked_by(choice: str | None, value: Any) -> Any:
    """Return a resolution as a strategy would give it."""
    if choice is None:
        return Pick.UNRESOLVED
    return value if choice == "value" else MISSING if choice == "delete" else Pick(choice)


def pending_of(record: Mapping[str, Any], target: str, still_open: int, resolved: int) -> PendingMerge:
    """Describe a pending merge by its record."""
    plan = MergePlan.from_document(record["plan"])
    source = plan.source.partition("@")[0]
    return PendingMerge(
        f"{source}@{plan.source_lsn}",
        target,
        plan.base_lsn,
        still_open,
        resolved,
        plan.strategy,
        plan.propagate_deletes,
        record["author"],
        record["message"],
        record["created_at"],
    )


def choices_of(entry: ConflictEntry) -> tuple[str, ...]:
    """Return what may be chosen for a conflict; nothing where only another name settles it."""
    if not entry.definition:
        return TAKES if entry.path == "_id" else CHOICES
    if entry.path == "collection":
        return ("ours", "theirs", "delete")
    if entry.path == "name":
        return () if entry.base_value is MISSING else TAKES
    return ("ours",) if entry.path in FIXED else (*TAKES, "delete")


def check_choice(entry: ConflictEntry, choice: str, value: Any) -> None:
    """Refuse what cannot become of a conflict.

    Raises:
        InvalidOperation: The message says what can.
    """
    allowed = choices_of(entry)
    if not allowed:
        raise InvalidOperation(
            f"no choice settles that two collections would be named {entry.collection!r}: rename or drop the "
            "one on the target, and continue the merge"
        )
    if choice not in allowed:
        raise InvalidOperation(f"{choice!r} cannot become of {entry}: choose {', '.join(allowed)}")
    if choice != "value" or entry.path:
        return
    if not isinstance(value, Mapping):
        raise InvalidOperation(f"a document cannot become {value!r}: give a document, or delete it")
    if "_id" in value and id_key(value["_id"]) != id_key(entry.id):
        raise InvalidOperation(
            f"the document {entry.id!r} cannot get the _id {value['_id']!r}: leave _id out, or as it is"
        )

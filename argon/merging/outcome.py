"""What a computation comes to: changes, and conflicts, which are counted and held while they are few."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import bson

from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.results import ConflictEntry
from argon.models import CollectionRecord
from argon.wal.change import Change

LARGE_CHANGES = 20_000
"""Changes beyond which an outcome does not land in one transaction, and
"""
LARGE_BYTES = 32 * 1024 * 1024
"""bytes of documents before and after. Reading a branch takes one leg more after each large commit."""

Page = tuple[CollectionRecord, list[Change]]
"""Some changes of documents, with the collection that they are in afterwards."""


@dataclass
class Outcome:
    """What a computation comes to.

    Attributes:
        catalog: Changes of definitions, which come first.
        documents: Changes of documents by the collection that they are in afterwards; none where there
            is too much to be held.
        indexed: Collections that get other indexes, before and after.
        created: Collections that the branch gets.
        conflicts: What nothing settled.
        resolved: What the strategy settled.
        applied: How many documents are inserted or changed.
        deleted: How many are deleted; those of dropped collections are not counted.
        spaces: In which namespaces.
        large: Whether there is too much of it for one transaction.
        digest: What is the same for outcomes that do the same.
    """

    catalog: list[Change] = field(default_factory=list)
    documents: list[Page] = field(default_factory=list)
    indexed: list[tuple[CollectionRecord, CollectionRecord]] = field(default_factory=list)
    created: list[CollectionRecord] = field(default_factory=list)
    conflicts: list[ConflictEntry] = field(default_factory=list)
    resolved: list[ConflictEntry] = field(default_factory=list)
    applied: int = 0
    deleted: int = 0
    spaces: set[str] = field(default_factory=set)
    large: bool = False
    digest: str = field(default_factory=lambda: str(Digest([])))

    @property
    def count(self) -> int:
        """How many changes there are."""
        return len(self.catalog) + self.applied + self.deleted

    @property
    def changes(self) -> list[Change]:
        """All changes, in the order in which the log shall tell them."""
        return [*self.catalog, *(change for _, changes in self.documents for change in changes)]


class Computed(Protocol):
    """A computation that has run, and can tell its changes of documents once more."""

    outcome: Outcome

    @property
    def records(self) -> list[CollectionRecord]:
        """The collections whose documents may change, as they are afterwards."""

    def again(self, ours: Snapshot) -> Iterator[Operation[Page]]:
        """Return what reads the changes, page by page.

        Args:
            ours: The state of the branch that it was computed on.
        """


class Gathering:
    """Counts the changes of documents as they are computed, and holds them while they are few.

    Args:
        outcome: Gets them; it has its changes of definitions already.
        keep: Whether to hold them also where they are many.
    """

    def __init__(self, outcome: Outcome, *, keep: bool) -> None:
        self._outcome = outcome
        self._keep = keep
        self._size = 0
        self._digest = Digest(outcome.catalog)
        outcome.spaces = {change.space for change in outcome.catalog}

    def add(self, record: CollectionRecord, changes: list[Change]) -> None:
        """Take note of changes of a collection's documents."""
        if not changes:
            return
        outcome = self._outcome
        gone = sum(change.after is None for change in changes)
        outcome.deleted += gone
        outcome.applied += len(changes) - gone
        outcome.spaces.add(record.space)
        self._digest.add(record, changes)
        self._size += sum(change.size() for change in changes)
        outcome.large = outcome.count > LARGE_CHANGES or self._size > LARGE_BYTES
        if outcome.large and not self._keep:
            outcome.documents.clear()
        elif outcome.documents and outcome.documents[-1][0] is record:
            outcome.documents[-1][1].extend(changes)
        else:
            outcome.documents.append((record, [*changes]))

    def close(self) -> Outcome:
        """Return the outcome, now that it has all changes."""
        self._outcome.digest = str(self._digest)
        return self._outcome


class Digest:
    """What is the same for outcomes that do the same.

    Args:
        catalog: The changes of definitions.
    """

    def __init__(self, catalog: Sequence[Change]) -> None:
        self._told = hashlib.sha256()
        for change in catalog:
            after = None if change.after is None else dict(change.after)
            kept = {name: value for name, value in (after or {}).items() if name not in ("_id", "store")}
            self._told.update(bson.encode({"o": str(change.operation), "c": change.collection, "d": kept}))

    def add(self, record: CollectionRecord, changes: Sequence[Change]) -> None:
        """Take note of changes of documents."""
        for change in changes:
            before = b"" if change.before is None else bytes(change.before["d"].raw)
            after = b"" if change.after is None else bytes(change.after.raw)
            self._told.update(bson.encode({"s": record.space, "c": record.name, "b": before, "a": after}))

    def __str__(self) -> str:
        return self._told.hexdigest()

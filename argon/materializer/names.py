"""Which store a name meant on a branch at an LSN, told by the log alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from argon.models import BranchRecord

Name = tuple[str, str]
"""Space and collection."""


@dataclass(frozen=True)
class _Naming:
    lsn: int
    incarnation: ObjectId
    name: Name | None
    store: str


class Names:
    """What the catalogue entries of a log say of names.

    Entries are added line by line in their order, all of them before the
    first question.
    """

    def __init__(self) -> None:
        self._lines: dict[ObjectId, list[_Naming]] = {}
        self._timelines: dict[ObjectId, dict[Name, list[tuple[int, str | None]]]] = {}
        self._of_store: dict[str, set[Name]] = {}
        self._store_of: dict[ObjectId, str] = {}
        self.records: dict[str, list[Mapping[str, Any]]] = {}
        """The catalogue records that each store had, as the log has them."""

    def add(self, entry: Mapping[str, Any]) -> None:
        """Take note of a catalogue entry.

        Args:
            entry: As it is stored.
        """
        record = entry.get("document")
        incarnation = entry["document_id"]
        name: Name | None = None
        if record is not None:
            name = (record["space"], record["name"])
            store = record["store"]
            self._store_of[incarnation] = store
            self._of_store.setdefault(store, set()).add(name)
            self.records.setdefault(store, []).append(record)
        naming = _Naming(int(entry["lsn"]), incarnation, name, self._store_of.get(incarnation, ""))
        self._lines.setdefault(entry["branch_id"], []).append(naming)

    @property
    def stores(self) -> list[str]:
        """Every physical store that the log speaks of; views have none."""
        return [store for store in self._of_store if store]

    def of_store(self, store: str) -> set[Name]:
        """Return all the names that a store's collection ever had on any branch."""
        return self._of_store.get(store, set())

    def resolve(self, branch: BranchRecord, name: Name, lsn: int) -> str | None:
        """Return the store that a name meant, or None if there was no such collection.

        Args:
            branch: The branch.
            name: Space and collection.
            lsn: The moment: a point of the branch's history, inherited ones too.
        """
        timeline = self._timelines.get(branch.id)
        if timeline is None:
            timeline = self._timelines[branch.id] = self._timeline(branch)
        steps = timeline.get(name, [])
        place = bisect_right(steps, lsn, key=lambda step: step[0])
        return steps[place - 1][1] if place else None

    def _timeline(self, branch: BranchRecord) -> dict[Name, list[tuple[int, str | None]]]:
        timeline: dict[Name, list[tuple[int, str | None]]] = {}
        current: dict[ObjectId, Name] = {}
        for naming in self._history(branch):
            old = current.pop(naming.incarnation, None)
            # Two collections that change names within one commit pass each other.
            if old is not None and old != naming.name and timeline[old][-1][1] == naming.store:
                timeline[old].append((naming.lsn, None))
            if naming.name is not None:
                current[naming.incarnation] = naming.name
                if old != naming.name:
                    timeline.setdefault(naming.name, []).append((naming.lsn, naming.store))
        return timeline

    def _history(self, branch: BranchRecord) -> Iterable[_Naming]:
        for branch_id, limit in lines(branch):
            for naming in self._lines.get(branch_id, ()):
                if limit is None or naming.lsn <= limit:
                    yield naming


def lines(branch: BranchRecord, lsn: int | None = None) -> list[tuple[ObjectId, int | None]]:
    """Return the lines that make a branch's history, the oldest first.

    Args:
        branch: The branch.
        lsn: Up to this LSN.

    Returns:
        Their ids, each with the last LSN that belongs to the history; None for no limit.
    """
    found: list[tuple[ObjectId, int | None]] = [(branch.line_id, lsn)]
    for ancestor in branch.lineage:
        found.append((ancestor.id, ancestor.fork if lsn is None else min(ancestor.fork, lsn)))
    return found[::-1]

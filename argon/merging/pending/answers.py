"""How the conflicts of a pending merge are answered: by the stored strategy, and by resolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from argon.catalog.merges import Merges
from argon.io import Operation
from argon.merging.pending.kept import RESOLVED, choices_of, picked_by
from argon.merging.pending.values import encode_value, fingerprint, resolution
from argon.merging.plan import MergePlan
from argon.merging.results import MISSING, ConflictEntry
from argon.merging.strategy import Pick, pick

Answer = Callable[[ConflictEntry], Any]


def storable(strategy: Any) -> Any:
    """Return a strategy without its callables, in whose place nothing is settled."""
    if isinstance(strategy, Mapping):
        return {name: storable(inner) for name, inner in strategy.items()}
    return "strict" if callable(strategy) else strategy


class Answers:
    """Settles conflicts, and remembers those that the stored strategy leaves open.

    Args:
        strategy: The strategy without callables.
        answer: Settles what it leaves open, or leaves it open too.
    """

    def __init__(self, strategy: Any, answer: Answer) -> None:
        self.strategy = strategy
        self._answer = answer
        self._seen: dict[bytes, tuple[ConflictEntry, Any]] = {}

    def __call__(self, entry: ConflictEntry) -> Any:
        """Settle a conflict."""
        picked = pick(self.strategy, entry)
        if picked is Pick.UNRESOLVED:
            picked = self._answer(entry)
            self._seen[fingerprint(entry)] = (entry, picked)
        return picked

    def seen(self, plan: MergePlan) -> Iterator[tuple[ConflictEntry, Any]]:
        """Return the conflicts of a plan, each with what settles it."""
        yield from self._seen.values()
        for entry in plan.conflicts:
            if not choices_of(entry):  # nobody is asked about those
                yield entry, Pick.UNRESOLVED


class Told:
    """The resolutions that were given, by the conflicts that they were given for."""

    def __init__(self, picked: dict[bytes, Any], known: set[bytes]) -> None:
        self._picked = picked
        self.known = known

    def __call__(self, entry: ConflictEntry) -> Any:
        """Return the resolution of a conflict."""
        return self._picked.get(fingerprint(entry), Pick.UNRESOLVED)


def resolutions(merges: Merges, record: dict[str, Any]) -> Operation[Told]:
    """Read the resolutions of a pending merge."""
    fields = {"fingerprint": 1, "choice": 1, "value": 1, "state": 1}
    picked: dict[bytes, Any] = {}
    known: set[bytes] = set()
    for document in (yield from merges.conflicts(record, {}, fields)):
        key = bytes(document["fingerprint"])
        known.add(key)
        if document["state"] == RESOLVED:
            value = yield from resolution(merges, record, document)
            picked[key] = picked_by(document["choice"], value)
    return Told(picked, known)


def as_choice(merges: Merges, record: dict[str, Any], picked: Any) -> Operation[dict[str, Any]]:
    """Return what a conflict keeps of its resolution."""
    if isinstance(picked, Pick):
        return {"choice": picked.value}
    if picked is MISSING:
        return {"choice": "delete"}
    return {"choice": "value", "value": (yield from merges.write_blob(record, encode_value(picked)))}

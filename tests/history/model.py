"""A branch's past as a list of remembered states, and what history and blame are by comparing them all."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count(1)
GONE: Any = object()


@dataclass
class Held:
    """A collection under whatever name it has."""

    number: int = field(default_factory=lambda: next(_numbers))
    documents: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass
class State:
    """The whole branch after a commit."""

    lsn: int
    author: str | None
    message: str | None
    branch: str
    collections: dict[str, Held]


class Past:
    """The states of one branch, the oldest first."""

    def __init__(self, states: list[State] | None = None) -> None:
        self.states = states or [State(0, None, None, "main", {})]

    @property
    def now(self) -> dict[str, Held]:
        return copy.deepcopy(self.states[-1].collections)

    def fork(self) -> Past:
        return Past(list(self.states))

    def versions(self, name: str, key: int) -> list[tuple[State, Any, Any]]:
        """Return the states in which a document changed, newest first, with it then and before."""
        seen = [*self._followed(name, key), (self.states[0], GONE)]
        # By their text, so that 1 and 1.0 differ, and so do two orders of fields.
        return [
            (state, now, before)
            for (state, now), (_, before) in itertools.pairwise(seen)
            if repr(now) != repr(before)
        ]

    def _followed(self, name: str, key: int) -> Iterator[tuple[State, Any]]:
        """Yield a document in each state, newest first, through the names of its collection."""
        number: int | None = None
        later: dict[str, Held] | None = None
        found = False
        for state in reversed(self.states):
            here = state.collections
            if number is None or number not in {held.number for held in here.values()}:
                number = None
                if name in here and (later is None or _ended(here[name], later, None if found else name)):
                    number, found = here[name].number, True
            later = here
            if number is None:
                yield state, GONE
                continue
            name = next(known for known, held in here.items() if held.number == number)
            yield state, here[name].documents.get(key, GONE)

    def blame(self, name: str, key: int) -> dict[str, State]:
        """Find for each innermost field the state since which it has its value."""
        versions = self.versions(name, key)
        found: dict[str, State] = {}
        for path, value in leaves(versions[0][1]).items():
            for state, _, before in versions:
                if before is GONE or repr(leaves(before).get(path, GONE)) != repr(value):
                    found[path] = state
                    break
        return found


def _ended(held: Held, later: dict[str, Held], name: str | None) -> bool:
    """Whether a collection was dropped by a later state; of a name whether that went, too."""
    numbers = {known: each.number for known, each in later.items()}
    return held.number not in numbers.values() or (name is not None and numbers.get(name) != held.number)


def leaves(document: dict[str, Any], at: str = "") -> dict[str, Any]:
    """Return a document's innermost fields by their paths."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, f"{at}{name}.")
        else:
            found[f"{at}{name}"] = value
    return found

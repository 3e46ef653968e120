"""Git in plain dicts: commits with parents, each with the whole state. It knows nothing of Argon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

State = dict[int, dict[str, Any]]
Place = tuple[int, str]
Strategy = str | dict[Place, str]


class Collision(Exception):
    """The places, as pairs of id and field, at which a strict merge cannot decide."""


@dataclass
class Commit:
    number: int
    state: State
    parents: list[Commit] = field(default_factory=list)

    def history(self) -> dict[int, Commit]:
        found: dict[int, Commit] = {}
        waiting = [self]
        while waiting:
            commit = waiting.pop()
            if commit.number not in found:
                found[commit.number] = commit
                waiting += commit.parents
        return found


class Repository:
    def __init__(self) -> None:
        self._number = 0
        self.heads = {"main": Commit(0, {})}

    def state(self, branch: str) -> State:
        return self.heads[branch].state

    def commit(self, branch: str, state: State, *parents: Commit) -> None:
        self._number += 1
        self.heads[branch] = Commit(self._number, state, [self.heads[branch], *parents])

    def move(self, branch: str, to: Commit) -> None:
        """Reset: what follows has the point for its past, and not what was taken back."""
        self._number += 1
        self.heads[branch] = Commit(self._number, to.state, [to])

    def fork(self, source: str, name: str) -> None:
        self.heads[name] = self.heads[source]

    def base(self, ours: Commit, theirs: Commit) -> Commit:
        """The latest of the best common ancestors."""
        mine, others = ours.history(), theirs.history()
        shared = [mine[number] for number in mine.keys() & others.keys()]
        best = [one for one in shared if not any(one.number in o.history() for o in shared if o is not one)]
        return max(best, key=lambda commit: commit.number)

    def merge(self, target: str, source: str | Commit, strategy: Strategy, *, deletes: bool = True) -> None:
        ours, theirs = self.heads[target], source if isinstance(source, Commit) else self.heads[source]
        base = self.base(ours, theirs)
        if base is theirs:
            return
        state, collisions = merged(base.state, ours.state, theirs.state, strategy, deletes=deletes)
        if collisions and strategy == "strict":
            raise Collision(collisions)
        self.commit(target, state, theirs)

    def collisions(self, target: str, theirs: Commit) -> dict[Place, tuple[Any, Any, Any]]:
        """The places at which a merge cannot decide, each with the values of base, target and source."""
        ours = self.heads[target]
        states = (self.base(ours, theirs).state, ours.state, theirs.state)
        _, places = merged(*states, "strict")
        found = {}
        for key, name in places:
            values = (state.get(key) for state in states)
            found[key, name] = tuple(
                value and (value[name] if name else tuple(value.values())) for value in values
            )
        return found  # type: ignore[return-value]


def merged(
    base: State, ours: State, theirs: State, strategy: Strategy, *, deletes: bool = True
) -> tuple[State, set[tuple[int, str]]]:
    state: State = {}
    collisions: set[tuple[int, str]] = set()
    for key in base.keys() | ours.keys() | theirs.keys():
        old, mine, new = base.get(key), ours.get(key), theirs.get(key)
        if new is None and not deletes:
            new = old
        if new == old or mine == new:
            result = mine
        elif mine == old:
            result = new
        elif old is None or mine is None or new is None:
            collisions.add((key, ""))
            result = new if winner(strategy, (key, "")) == "theirs" else mine
        else:
            result = dict(mine)
            for name in result:
                if new[name] in (old[name], mine[name]):
                    continue
                if mine[name] != old[name]:
                    collisions.add((key, name))
                    if winner(strategy, (key, name)) != "theirs":
                        continue
                result[name] = new[name]
        if result is not None:
            state[key] = result
    return state, collisions


def winner(strategy: Strategy, place: Place) -> str:
    return strategy if isinstance(strategy, str) else strategy[place]

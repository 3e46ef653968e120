"""Who wins where both sides changed the same thing.

================================ ==========================================================
``strict``                       nobody: the merge is refused with the list of conflicts
``ours``                         the target
``theirs``, ``last_writer_wins`` the source
a callable                       takes a :class:`ConflictEntry` and returns the value, a
                                 :class:`Pick`, or ``MISSING`` for a field or document to go
a mapping                        collections (``space/name`` outside the default space) to any
                                 of these, or to a mapping of paths; ``*`` stands for the rest
================================ ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from pymongo.errors import InvalidOperation

from argon.merging.results import ConflictEntry
from argon.wal.log import DEFAULT_SPACE


class Pick(Enum):
    """What becomes of a conflict."""

    OURS = "ours"
    THEIRS = "theirs"
    BASE = "base"
    """Neither: what was there at the merge base stays. Not for collections that one side dropped."""
    UNRESOLVED = "strict"


Choice = str | Callable[[ConflictEntry], Any]
Strategy = Choice | Mapping[str, Any]
_NAMED = {
    "strict": Pick.UNRESOLVED,
    "ours": Pick.OURS,
    "theirs": Pick.THEIRS,
    "last_writer_wins": Pick.THEIRS,
}


def check_strategy(strategy: Any) -> None:
    """Refuse what is no strategy.

    Raises:
        InvalidOperation: It is none; the message names those that there are.
    """
    if isinstance(strategy, Mapping):
        for inner in strategy.values():
            check_strategy(inner)
    elif not callable(strategy) and (not isinstance(strategy, str) or strategy not in _NAMED):
        names = ", ".join(_NAMED)
        raise InvalidOperation(
            f"{strategy!r} is no merge strategy: give one of {names}, a callable, or a mapping of "
            "collections to these"
        )


def pick(strategy: Strategy, conflict: ConflictEntry) -> Any:
    """Settle a conflict.

    Args:
        strategy: As the user gave it.
        conflict: What collides.

    Returns:
        A :class:`Pick`, or the value that a callable gave.
    """
    space = "" if conflict.space == DEFAULT_SPACE else f"{conflict.space}/"
    chosen: Any = strategy
    if isinstance(chosen, Mapping):
        chosen = chosen.get(f"{space}{conflict.collection}", chosen.get("*", "strict"))
    if isinstance(chosen, Mapping):
        chosen = _by_path(chosen, conflict.path)
    return chosen(conflict) if callable(chosen) else _NAMED[chosen]


def _by_path(choices: Mapping[str, Any], path: str) -> Any:
    """Return the choice for a path, or for the nearest one above it."""
    while path:
        if path in choices:
            return choices[path]
        path = path.rpartition(".")[0]
    return choices.get("*", "strict")

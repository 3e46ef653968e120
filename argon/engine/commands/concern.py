"""What the servers say of a write concern that asks for more than a commit gives anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argon.engine.source import NO_STORE
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_GIVEN = (None, 0, 1, "majority")
"""A commit is acknowledged by a majority, whatever was asked for."""


def unsatisfied(engine: Engine, concern: Mapping[str, Any] | None) -> Operation[dict[str, Any]]:
    """Wait until the servers have what was written, as a write concern asks.

    Args:
        engine: The engine.
        concern: The field ``writeConcern`` of a command that has written.

    Returns:
        What to add to its reply: ``writeConcernError``, or nothing.
    """
    if not concern or concern.get("w") in _GIVEN:
        return {}
    # A write that finds nothing waits for what came before it.
    nothing = {
        "delete": NO_STORE,
        "deletes": [{"q": {"_id": None}, "limit": 1}],
        "writeConcern": dict(concern),
    }
    reply = yield engine.plain.command(nothing)
    error = reply.get("writeConcernError")
    return {} if error is None else {"writeConcernError": error}

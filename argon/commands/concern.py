"""What the servers say of a write concern that asks for more than a commit gives anyway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from argon.commands.wire import failed
from argon.engine.errors import command_error
from argon.engine.source import NO_STORE
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_OF_SNAPSHOTS = frozenset({"aggregate", "distinct", "find"})
_GIVEN = (None, 0, 1, "majority")
"""A commit is acknowledged by a majority, whatever was asked for."""


def is_snapshot(command: Mapping[str, Any]) -> bool:
    """Whether a command belongs to a session of snapshots, and not to a transaction."""
    asked = command.get("readConcern") or {}
    return asked.get("level") == "snapshot" and "autocommit" not in command


def check_snapshot(command: Mapping[str, Any]) -> None:
    """Refuse a command that is not one of those which read a snapshot, in the server's words.

    Raises:
        OperationFailure: It is not.
    """
    verb = str(next(iter(command)))
    if is_snapshot(command) and verb not in _OF_SNAPSHOTS:
        text = (
            f'Command {verb} does not support {{ readConcern: {{ level: "snapshot", provenance: '
            '"clientSupplied" } } :: caused by :: read concern not supported'
        )
        raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})


def concerned(engine: Engine, command: Mapping[str, Any], run: Operation[dict[str, Any]]) -> Operation[Any]:
    """Run a command, and tell what the servers say of its write concern, as they do after an error too.

    Args:
        engine: The engine.
        command: The command.
        run: What it does.

    Returns:
        Its reply.
    """
    concern = command.get("writeConcern")
    try:
        reply = yield from run
    except OperationFailure as error:
        more = yield from unsatisfied(engine, concern)
        if not more:
            raise
        raise command_error({**failed(error), **more}) from error
    return reply | (yield from unsatisfied(engine, concern))


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

"""The server's own databases, whose commands the server itself answers, as long as they stay there.

``admin``, ``config`` and ``local`` are no projects: what they are asked goes to
the server as it is. But a command there can name other databases, and those
are Argon's, whose log tells of every write, or branches, which have answers of
their own. So there is one rule: **what the server answers names no database but
its own**. It holds for reads, too, since what is found elsewhere are
rows of versions, and nobody's documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argon.engine.sink import is_sink
from argon.errors import UnsupportedOperation

SERVERS_OWN = ("admin", "config", "local", "$external")
"""Databases that are the server's and no projects."""

_INSIDE = "what branches hold goes through their own databases, such as client['project@branch']"
_SHARDING = "sharding is set up with a client of MongoDB's, see docs/operations.md"

_NAMING_OTHERS = {
    "_shardsvrRenameCollection": _INSIDE,
    "applyOps": "db.commit() makes many changes as one",
    "bulkWrite": "the collections of a branch have bulk_write()",
    "cleanupOrphaned": _SHARDING,
    "enableSharding": _SHARDING,
    "internalRenameIfOptionsAndIndexesMatch": _INSIDE,
    "mergeChunks": _SHARDING,
    "moveChunk": _SHARDING,
    "moveCollection": _SHARDING,
    "movePrimary": _SHARDING,
    "moveRange": _SHARDING,
    "refineCollectionShardKey": _SHARDING,
    "reshardCollection": _SHARDING,
    "shardCollection": _SHARDING,
    "split": _SHARDING,
    "splitChunk": _SHARDING,
    "unshardCollection": _SHARDING,
}
"""Commands that are about databases which they name, and what to do instead."""


def check_stays(command: Mapping[str, Any]) -> None:
    """See that a command to one of the server's own databases names no other.

    Args:
        command: The command, its verb first.

    Raises:
        UnsupportedOperation: It does.
    """
    verb = str(next(iter(command), ""))
    if verb in _NAMING_OTHERS:
        raise UnsupportedOperation(f"the command {verb!r} would go past the log: {_NAMING_OTHERS[verb]}")
    for name in _named_by(verb, command):
        if name not in SERVERS_OWN:
            raise UnsupportedOperation(
                f"{verb!r} on one of the server's own databases cannot reach the database {name!r} past the "
                f"log: {_INSIDE}"
            )


def written_to(command: Mapping[str, Any]) -> str | None:
    """Return the database that is no server's own and that a pipeline writes to, if it does."""
    pipeline = command.get("pipeline")
    if "aggregate" not in command or not isinstance(pipeline, list) or not pipeline:
        return None
    return next((name for name in _named_in(pipeline[-1:]) if is_sink(pipeline[-1])), None)


def _named_by(verb: str, command: Mapping[str, Any]) -> Iterator[str]:
    """Give the other databases that a command names.

    Source: the MongoDB manual on ``aggregate``, ``explain``, ``mapReduce`` and ``renameCollection``.
    """
    if verb == "explain" and isinstance(command[verb], Mapping):
        yield from _named_by(str(next(iter(command[verb]), "")), command[verb])
    elif verb in ("mapReduce", "mapreduce"):
        yield from _database_of(command.get("out"))
    elif verb == "renameCollection":
        yield from (str(command.get(key)).partition(".")[0] for key in (verb, "to"))
    yield from _named_in(command.get("pipeline"))


def _named_in(pipeline: Any) -> Iterator[str]:
    for stage in pipeline if isinstance(pipeline, list) else ():
        for kind, argument in stage.items() if isinstance(stage, Mapping) else ():
            if kind in ("$out", "$unionWith"):
                yield from _database_of(argument)
            if not isinstance(argument, Mapping):
                continue
            if kind == "$merge":
                yield from _database_of(argument.get("into"))
            elif kind in ("$lookup", "$graphLookup"):
                yield from _database_of(argument.get("from"))
            elif kind == "$facet":
                for part in argument.values():
                    yield from _named_in(part)
            yield from _named_in(argument.get("pipeline"))


def _database_of(target: Any) -> Iterator[str]:
    if isinstance(target, Mapping) and "db" in target:
        yield str(target["db"])

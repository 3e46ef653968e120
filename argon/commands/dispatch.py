"""From a command's name to what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pymongo.errors import OperationFailure

from argon.commands import definitions, held, map_reduce, profile, reads, statistics, writes
from argon.commands.concern import check_snapshot, concerned
from argon.commands.request import Command, Reply, Request
from argon.engine.client_timeout import in_time
from argon.engine.errors import command_error
from argon.engine.handle import Handle
from argon.engine.source import NO_STORE
from argon.errors import UnsupportedOperation
from argon.io import Operation

_COMMANDS: dict[str, Callable[[Request, Command], Operation[Reply]]] = {
    "aggregate": reads.aggregate,
    "collMod": definitions.modify,
    "collStats": statistics.coll_stats,
    "count": reads.count,
    "create": definitions.create,
    "createIndexes": definitions.create_indexes,
    "dataSize": statistics.data_size,
    "dbStats": statistics.db_stats,
    "delete": writes.delete,
    "deleteIndexes": definitions.drop_indexes,
    "distinct": reads.distinct,
    "drop": definitions.drop,
    "dropDatabase": definitions.drop_database,
    "dropIndexes": definitions.drop_indexes,
    "explain": reads.explain,
    "find": reads.find,
    "findAndModify": writes.find_and_modify,
    "getMore": held.get_more,
    "insert": writes.insert,
    "killCursors": held.kill_cursors,
    "listCollections": definitions.list_collections,
    "listIndexes": definitions.list_indexes,
    "mapReduce": map_reduce.map_reduce,
    "profile": profile.profile,
    "update": writes.update,
    "validate": statistics.validate,
}
_ALIASES = {
    "findandmodify": "findAndModify",
    "mapreduce": "mapReduce",
    "dbstats": "dbStats",
    "collstats": "collStats",
    "datasize": "dataSize",
}

_OF_SERVER = "the database 'admin', since users and roles are the server's"
_INSTEAD = {
    "applyOps": "db.commit()",
    "bulkWrite": "the collections' bulk_write(), or db.commit()",
    "cloneCollectionAsCapped": "an ordinary collection",
    "compact": "argon gc",
    "convertToCapped": "an ordinary collection",
    "createRole": _OF_SERVER,
    "createSearchIndexes": "a text index",
    "createUser": _OF_SERVER,
    "dropSearchIndex": "a text index",
    "dropUser": _OF_SERVER,
    "enableSharding": "sharding of Argon's own database, see docs/operations.md",
    "moveChunk": "sharding of Argon's own database, see docs/operations.md",
    "planCacheListFilters": "a hint",
    "planCacheSetFilter": "a hint",
    "reIndex": "argon verify",
    "shardCollection": "sharding of Argon's own database, see docs/operations.md",
    "updateSearchIndex": "a text index",
    "updateUser": _OF_SERVER,
    "usersInfo": _OF_SERVER,
}
_API_STRICT = 323
_ON_SEARCH = frozenset({"createSearchIndexes", "dropSearchIndex", "updateSearchIndex"})
_ONLY_ON_ADMIN = frozenset({"listDatabases", "renameCollection"})
_ON_ALL = _ONLY_ON_ADMIN | {"abortTransaction", "commitTransaction"}

_ABOUT_SERVER = frozenset(
    {
        "buildInfo",
        "buildinfo",
        "connPoolStats",
        "connectionStatus",
        "endSessions",
        "features",
        "getCmdLineOpts",
        "getLog",
        "getParameter",
        "getnonce",
        "hello",
        "hostInfo",
        "isMaster",
        "ismaster",
        "killAllSessions",
        "killSessions",
        "listCommands",
        "lockInfo",
        "ping",
        "refreshSessions",
        "replSetGetStatus",
        "serverStatus",
        "startSession",
        "top",
        "whatsmyuri",
    }
)


_READING = frozenset(
    {
        "collStats",
        "count",
        "dataSize",
        "dbStats",
        "distinct",
        "explain",
        "find",
        "getMore",
        "killCursors",
        "listCollections",
        "listIndexes",
        "validate",
    }
)


def only_reads(name: str) -> bool:
    """Whether a command writes nothing, whatever its arguments."""
    return _ALIASES.get(name, name) in _READING


def is_about_branches(name: str) -> bool:
    """Whether a command is one that branches answer, and not the server itself."""
    return _ALIASES.get(name, name) in _COMMANDS or name in _ON_ALL


def is_about_server(name: str) -> bool:
    """Whether a command asks about the server and not about data."""
    return name in _ABOUT_SERVER


@in_time
def run_command(
    handle: Handle, space: str, database: str, command: Command, options: Mapping[str, Any] | None = None
) -> Operation[Reply]:
    """Run a command on a branch.

    Args:
        handle: The branch and the moment.
        space: The namespace of the collections that it names.
        database: The name that the branch has as a database.
        command: The command, its verb first, in BSON's own types.
        options: ``read_preference`` and ``read_concern`` of what it reads.

    Returns:
        The server's reply, its documents encoded.

    Raises:
        OperationFailure: The server would have refused it, or there is no such command.
        UnsupportedOperation: It cannot be on a branch; the message names what to use instead.
    """
    check_snapshot(command)
    name = str(next(iter(command), ""))
    name = _ALIASES.get(name, name)
    run = _COMMANDS.get(name)
    if run is not None:
        running = run(Request(handle, space, database, options or {}), command)
        reply: Reply = yield from concerned(handle.line.engine, command, running)
        return reply
    if name in _ONLY_ON_ADMIN:
        text = f"{name} may only be run against the admin database."
        raise command_error({"code": 13, "codeName": "Unauthorized", "errmsg": text})
    try:
        known = yield handle.line.engine.client.admin.command("listCommands")
    except OperationFailure as error:
        if error.code != _API_STRICT:
            raise
        # The server is asked under the application's version of its API, in which no such command is either.
        text = str((error.details or {}).get("errmsg")).replace("listCommands", name)
        raise command_error({**(error.details or {}), "errmsg": text}) from error
    if name not in known["commands"] and (name in _ON_SEARCH or name not in _INSTEAD):
        text = f"no such command: '{name}'"
        raise command_error({"code": 59, "codeName": "CommandNotFound", "errmsg": text})
    if name in _ON_SEARCH:
        # A server without search indexes says so itself.
        yield handle.line.engine.plain[NO_STORE].aggregate([{"$listSearchIndexes": {}}])
    instead = _INSTEAD.get(name, "the method of the client, database or collection that does the same")
    raise UnsupportedOperation(f"the command {name!r} would go past the log: use {instead}")

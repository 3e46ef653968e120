"""The three faces behind one: what is written once here runs on each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson import decode, encode, json_util
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)


async def do(value: Any) -> Any:
    """Return what a call gives: awaited where it has to be, and a cursor's documents in a list."""
    if hasattr(value, "__await__"):
        value = await value
    if hasattr(value, "to_list"):
        value = value.to_list(None)
        return await value if hasattr(value, "__await__") else value
    return value


_REPLIES = ("raw_result", "bulk_api_result")
"""What the server said, of which the rest of a result is made."""


@dataclass
class Face:
    """One way to hold the same thing.

    Attributes:
        name: ``sync``, ``pymongo`` or ``motor``.
        argon: An Argon of it.
        client: A client of it, whose databases are projects.
        db: The main branch of a project.
        branch: That branch.
        project: The project's name.
        database: The class of databases on branches.
    """

    name: str
    argon: Any
    client: Any
    db: Any
    branch: Any
    project: str
    database: type[Any]


async def outcome(scenario: Any, db: Any) -> str:
    """Run a scenario on a database and return what came out, in text that can be compared."""
    try:
        result = await scenario(db)
    except BulkWriteError as error:
        result = {"bulk error": _without(error.details, "errmsg", "op", "errInfo")}
    except OperationFailure as error:
        result = {"error": type(error).__name__, "code": error.code}
    except Exception as error:
        result = {"error": type(error).__name__}
    return json_util.dumps(decode(encode({"result": _plain(result)})), indent=1)


def _plain(value: Any) -> Any:
    """Make a result into a document."""
    if isinstance(value, dict):
        return {
            str(key): _plain(item)
            for key, item in value.items()
            if key not in ("$clusterTime", "operationTime")
        }
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, InsertOneResult | InsertManyResult | UpdateResult | DeleteResult | BulkWriteResult):
        public = (name for name in dir(type(value)) if not name.startswith("_"))
        return {name: _plain(getattr(value, name)) for name in public if name not in _REPLIES}
    return value


def _without(value: Any, *names: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, *names) for key, item in value.items() if key not in names}
    return [_without(item, *names) for item in value] if isinstance(value, list) else value

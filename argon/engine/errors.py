"""PyMongo's errors for what was found out about rows, in the user's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError, ExecutionTimeout, OperationFailure

from argon.engine.cursors import readable
from argon.engine.shell import shell
from argon.wal.rows import DuplicateId

DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
NEEDS_STORE = frozenset({26, 27, 291})
"""What the server says where there is no collection, or not the index that a query needs."""

CANNOT_RUN = "Cannot run '{}' in a multi-document transaction."
OF_FIND = "Executor error during find command :: caused by :: "
OF_AGGREGATE = "PlanExecutor error during aggregation :: caused by :: "
OF_FIND_AND_MODIFY = "Plan executor error during findAndModify :: caused by :: "
_EXECUTORS = (OF_FIND, OF_AGGREGATE, OF_FIND_AND_MODIFY)


def not_in_transaction(text: str) -> OperationFailure:
    """Build the server's error for what cannot be in a transaction.

    Args:
        text: Its message; see :data:`CANNOT_RUN`.
    """
    return command_error({"code": 263, "codeName": "OperationNotSupportedInTransaction", "errmsg": text})


def duplicate_key(
    namespace: str, index: str, pattern: Mapping[str, Any], value: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the server's error document for a duplicate key.

    Args:
        namespace: ``project.collection``, which stands for ``database.collection``.
        index: The index's name.
        pattern: Its key.
        value: The key that was there already.

    Returns:
        The document, without ``index``.
    """
    shown = ", ".join(f"{field}: {shell(item)}" for field, item in value.items())
    return {
        "code": DUPLICATE_KEY,
        "keyPattern": dict(pattern),
        "keyValue": dict(value),
        "errmsg": f"E11000 duplicate key error collection: {namespace} index: {index} dup key: {{ {shown} }}",
    }


def duplicate_id(error: DuplicateId) -> DuplicateKeyError:
    """Build PyMongo's error for an insert that met its ``_id``."""
    change = error.change
    details = duplicate_key(change.collection, "_id_", {"_id": 1}, {"_id": change.document_id})
    return DuplicateKeyError(details["errmsg"], DUPLICATE_KEY, {"index": 0, **details})


def executing(error: OperationFailure, executor: str | None) -> OperationFailure:
    """Return the error of a plan under way as the server tells it of another command.

    Args:
        error: The error of the command that was run.
        executor: How the server begins what it says of the command that was asked for; None for a
            write, of which it tells the cause alone.
    """
    details = dict(error.details or {})
    text = str(details.get("errmsg"))
    begun = next((begin for begin in _EXECUTORS if text.startswith(begin)), None)
    if begun is None or type(error) not in (OperationFailure, ExecutionTimeout):
        return error
    details["errmsg"] = ("" if executor is None else executor) + text.removeprefix(begun)
    return type(error)(details["errmsg"], error.code, details)


def command_error(details: Mapping[str, Any]) -> OperationFailure:
    """Build PyMongo's error for a command that the server would have refused."""
    kind = DuplicateKeyError if details.get("code") == DUPLICATE_KEY else OperationFailure
    return kind(str(details.get("errmsg")), details.get("code"), dict(details))


def unknown_field(path: str) -> OperationFailure:
    """Build the server's error for a field that it does not know.

    Args:
        path: The field, with the command that it is in.
    """
    text = f"BSON field '{path}' is an unknown field."
    return command_error({"code": 40415, "codeName": "Location40415", "errmsg": text})


def missing_field(path: str) -> OperationFailure:
    """Build the server's error for a field that is not there; see :func:`unknown_field`."""
    text = f"BSON field '{path}' is missing but a required field"
    return command_error({"code": 40414, "codeName": "Location40414", "errmsg": text})


def renamed(error: OperationFailure, physical: str, logical: str) -> OperationFailure:
    """Return a server's error that names the collection as the user knows it.

    Args:
        error: The error.
        physical: The physical namespace.
        logical: What stands for it.
    """
    error = readable(error)
    details = dict(error.details or {})
    if physical not in str(details.get("errmsg")):
        return error
    details["errmsg"] = details["errmsg"].replace(physical, logical)
    return type(error)(details["errmsg"], error.code, details)

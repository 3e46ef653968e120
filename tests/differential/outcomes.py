"""What an operation gave, in a form that can be compared byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson.errors import BSONError
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.results import (
    BulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)

# The server names what it works on, which is another thing below a branch.
# What a plan had read of a document when it met the error is the plan's affair.
_PHYSICAL = re.compile(
    r"Index build failed: .* :: caused by :: |Requested index: .*| Input document: .*", re.DOTALL
)


@dataclass(frozen=True)
class Outcome:
    """A result or an error.

    Attributes:
        kind: ``result`` or the name of the error's class.
        value: The result, or what the error says; BSON as bytes.
    """

    kind: str
    value: Any

    @property
    def failed(self) -> bool:
        """Whether it is an error."""
        return self.kind != "result"


def observe(call: Callable[[], Any], names: Mapping[str, str]) -> Outcome:
    """Run something and note what it gave.

    Args:
        call: What to run.
        names: Database names to replace in messages.
    """
    try:
        return Outcome("result", _result(call()))
    except PyMongoError as error:
        return Outcome(type(error).__name__, _error(error, names))
    except (BSONError, TypeError, ValueError, OverflowError) as error:
        return Outcome(type(error).__name__, None)


def encoded(value: Any) -> bytes:
    """Return a value's BSON: types, field order and all."""
    return bson.encode({"": value})


def decoded(value: Any) -> Any:
    """Return encoded BSON as something to read in a report."""
    return bson.decode(value)[""] if isinstance(value, bytes) else value


def _result(result: Any) -> Any:
    match result:
        case InsertOneResult():
            return encoded(result.inserted_id)
        case InsertManyResult():
            return encoded(result.inserted_ids)
        case UpdateResult():
            return (result.matched_count, result.modified_count, encoded(result.upserted_id))
        case DeleteResult():
            return result.deleted_count
        case BulkWriteResult():
            return encoded(result.bulk_api_result)
        case list() | dict() | None | int() | str():
            return encoded(result)
        case _:
            return encoded(list(result))


def _error(error: PyMongoError, names: Mapping[str, str]) -> Any:
    if isinstance(error, BulkWriteError):
        counts = {key: value for key, value in error.details.items() if key[:1] == "n"}
        upserted = encoded(error.details.get("upserted"))
        failures = [(_failure(one, names), encoded(one.get("op"))) for one in error.details["writeErrors"]]
        return (counts, upserted, failures)
    if isinstance(error, OperationFailure):
        details = dict(error.details or {})
        details.setdefault("code", error.code)
        details.setdefault("errmsg", str(error))
        return _failure(details, names)
    return None


def _failure(details: Mapping[str, Any], names: Mapping[str, str]) -> Any:
    message = _PHYSICAL.sub("", str(details.get("errmsg")))
    for name, meaning in names.items():
        message = message.replace(name, meaning)
    key = [details.get("keyPattern"), details.get("keyValue"), details.get("errInfo")]
    return (details.get("index", 0), details.get("code"), encoded(key), message)


__all__ = ["DuplicateKeyError", "Outcome", "decoded", "encoded", "observe"]

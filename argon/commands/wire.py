"""Between a driver's values and a command's: what encoding and decoding on the wire would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import make_read_preference, read_pref_mode_from_name

PLAIN: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)

_ENVELOPE = frozenset(
    {"$clusterTime", "$db", "$readPreference", "autocommit", "lsid", "startTransaction", "txnNumber"}
)


def encoded(command: Mapping[str, Any], codec: CodecOptions[Any]) -> dict[str, Any]:
    """Return a command in BSON's own types.

    Args:
        command: The command.
        codec: The user's own types.
    """
    return bson.decode(bson.encode(command, codec_options=codec), codec_options=PLAIN)


def decoded(reply: Mapping[str, Any], codec: CodecOptions[Any], *, decoders: bool = False) -> Any:
    """Return a reply as the driver gives it.

    Args:
        reply: The reply.
        codec: The user's options.
        decoders: Whether the user's own decoders are used; PyMongo does so for documents alone.
    """
    return bson.decode(
        bson.encode(reply), codec_options=codec if decoders else codec.with_options(type_registry=None)
    )


def is_allowed(error: OperationFailure, allowable: Sequence[str | int] | None) -> bool:
    """Whether an error is one that the caller wants to see in the reply."""
    errmsg = (error.details or {}).get("errmsg")
    return allowable is not None and (errmsg in allowable or error.code in allowable)


def failed(error: OperationFailure, *, without: str = "") -> dict[str, Any]:
    """Return the reply that an error stands for.

    Args:
        error: The error.
        without: A label that it does not hand on.
    """
    labels = sorted(error._error_labels - {without})
    reply = {"ok": 0.0, "errmsg": str(error), "code": error.code, **(error.details or {})}
    reply.pop("errorLabels", None)
    return {**reply, "errorLabels": labels} if labels else reply


def without_envelope(command: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command without what the driver adds to every one, and adds again."""
    return {field: value for field, value in command.items() if field not in _ENVELOPE}


def reads_by(command: Mapping[str, Any]) -> dict[str, Any]:
    """Return the read preference and the read concern that a command names."""
    asked = command.get("$readPreference") or {"mode": "primary"}
    mode = read_pref_mode_from_name(asked["mode"])
    reader: dict[str, Any] = {"read_preference": make_read_preference(mode, asked.get("tags"))}
    level = (command.get("readConcern") or {}).get("level")
    if level is not None:
        reader["read_concern"] = ReadConcern(level)
    return reader

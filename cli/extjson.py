"""Reading MongoDB's extended JSON, with errors that point at the place."""

from __future__ import annotations

import json
from typing import Any

from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from bson.json_util import JSONOptions, object_pairs_hook

_OPTIONS = JSONOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_SHOWN = 24


class BadExtendedJSON(ValueError):
    """Text that is no JSON, or JSON with an impossible typed value.

    Attributes:
        position: The character at which reading stopped, where that is known.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def decoder() -> json.JSONDecoder:
    """Make a decoder of extended JSON, relaxed and canonical; it keeps the order of fields."""
    return json.JSONDecoder(object_pairs_hook=_typed)


def parse(text: str) -> Any:
    """Read one value of extended JSON.

    Raises:
        BadExtendedJSON: It does not parse; says where and why.
    """
    try:
        return decoder().decode(text)
    except json.JSONDecodeError as error:
        raise BadExtendedJSON(describe(error), error.pos) from error
    except RecursionError as error:
        raise BadExtendedJSON("it is nested too deeply") from error


def describe(error: json.JSONDecodeError) -> str:
    """Say in one line where JSON breaks off and why."""
    reason = (error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")
    rest = " ".join(error.doc[error.pos : error.pos + _SHOWN].split())
    if not rest:
        return f"it ends too early: {reason}"
    line = f"line {error.lineno}, " if error.lineno > 1 else ""
    return f"{line}character {error.colno}, at {rest!r}: {reason}"


def _typed(pairs: list[tuple[str, Any]]) -> Any:
    try:
        return object_pairs_hook(pairs, _OPTIONS)
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, BSONError) as error:
        shown = json.dumps(dict(pairs), default=str, ensure_ascii=False)
        raise BadExtendedJSON(f"{shown} is no value of its type") from error

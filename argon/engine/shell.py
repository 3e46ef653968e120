"""Values as the server writes them in its messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Binary, Code, ObjectId
from bson.binary import UUID_SUBTYPE
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.regex import Regex

_FLAGS = (("i", 2), ("l", 4), ("m", 8), ("s", 16), ("u", 32), ("x", 64))


def shell(value: Any) -> str:
    """Write a BSON value the way the server writes it in messages, ``keyValue`` of a duplicate key above all.

    Args:
        value: The value.
    """
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, Mapping):
        fields = ", ".join(f"{key}: {shell(item)}" for key, item in value.items())
        return f"{{ {fields} }}" if fields else "{}"
    if isinstance(value, list | tuple):
        items = ", ".join(shell(item) for item in value)
        return f"[ {items} ]" if items else "[]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Code():
            text = str(value)
            return _cut(text, 80, 70) if value.scope is None else f"CodeWScope( {text}, {shell(value.scope)})"
        case str():
            return f'"{_cut(value, 160, 150)}"'
        case ObjectId():
            return f"ObjectId('{value}')"
        case float():
            text = f"{value:.16g}"
            return text if "." in text else f"{text}.0"
        case datetime() | DatetimeMS():
            return f"new Date({int(value if isinstance(value, DatetimeMS) else DatetimeMS(value))})"
        case bytes():
            return _binary(value)
        case Regex():
            flags = "".join(letter for letter, bit in _FLAGS if value.flags & bit)
            pattern = value.pattern.decode() if isinstance(value.pattern, bytes) else value.pattern
            return f"/{pattern}/{flags}"
        case MinKey() | MaxKey():
            return type(value).__name__
    return str(value)


def _binary(value: bytes) -> str:
    subtype = value.subtype if isinstance(value, Binary) else 0
    text = value.hex()
    if subtype == UUID_SUBTYPE and len(value) == 16:
        return f'UUID("{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")'
    shown = text.upper() if len(value) <= 80 else f"{text[:140].upper()}..."
    return f"BinData({subtype}, {shown})"


def _cut(text: str, limit: int, kept: int) -> str:
    """Cut what has ``limit`` bytes or more, as the server does."""
    data = text.encode()
    return text if len(data) < limit else data[:kept].decode(errors="ignore") + "..."

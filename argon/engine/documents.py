"""Documents on their way in: what MongoDB does to them before it stores them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Any, TypeGuard

import bson
from bson import Code, ObjectId, Timestamp
from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from bson.regex import Regex
from pymongo.errors import DocumentTooLarge

from argon.versions import elements
from argon.versions.layout import RAW_CODEC
from argon.wal.log import MAX_ENTRY

_ATOMS = frozenset({NoneType, ObjectId, bool, datetime, float, int, str})
"""Most of what stands in filters, and holds nothing that is to be looked at."""
_ODD_IDS = (Mapping, list, tuple, Regex)


@dataclass(slots=True)
class Incoming:
    """An encoded document.

    Attributes:
        id: Its ``_id`` as it is.
        raw: Its bytes, ``_id`` first.
        fresh: Whether the id was made here, so that it cannot be taken.
        odd: Whether only the server knows what will be stored, or whether it will.
    """

    id: Any
    raw: RawBSONDocument
    fresh: bool = False
    odd: bool = False


def is_raw(document: Any) -> TypeGuard[RawBSONDocument]:
    """Whether a document is raw BSON; most are plain dicts, of which the exact type tells far quicker."""
    return type(document) is not dict and isinstance(document, RawBSONDocument)


def with_id(document: RawBSONDocument) -> RawBSONDocument:
    """Return a raw document with an ``_id``, which is made if it has none."""
    if "_id" in document:
        return document
    return elements.document([b"\x07_id\x00" + ObjectId().binary, bytes(document.raw[4:-1])])


def incoming(document: Mapping[str, Any], codec: CodecOptions[Any], *, fresh: bool = False) -> Incoming:
    """Encode a document once, for the row and the log together.

    Args:
        document: The user's, with an ``_id`` unless it is raw BSON.
        codec: The user's own types.
        fresh: Whether the ``_id`` was made for it just now.

    Raises:
        DocumentTooLarge: It does not fit in a row.
    """
    if is_raw(document):
        encoded = document = RawBSONDocument(document.raw, RAW_CODEC)
        first = next(iter(document), None)
        odd = first != "_id" or _is_odd(document.items(), document.get("_id"))
        identity = document.get("_id")
    else:
        identity = document["_id"]
        if next(iter(document)) != "_id":
            document = {"_id": identity, **document}
        data = bson.encode(document, codec_options=codec)
        encoded = RawBSONDocument(data, RAW_CODEC)
        odd = _may_be_odd(data, identity) and _is_odd(document.items(), identity)
        if type(identity) not in _SIMPLE_IDS:
            identity = encoded["_id"]
    if len(encoded.raw) > MAX_ENTRY:
        raise DocumentTooLarge(
            f"BSON document too large ({len(encoded.raw)} bytes) - a branch takes documents of up to "
            f"{MAX_ENTRY} bytes"
        )
    return Incoming(identity, encoded, fresh, odd)


_SIMPLE_IDS = (ObjectId, str, int, float)
_EMPTY = bytes(9)


def _may_be_odd(data: bytes, identity: Any) -> bool:
    """Rule out quickly what :func:`_is_odd` looks for: a dollar, or an empty timestamp."""
    return type(identity) not in _SIMPLE_IDS or b"$" in data or (b"\x11" in data and _EMPTY in data)


def _is_odd(items: Iterable[tuple[str, Any]], identity: Any) -> bool:
    # The server refuses some ids, puts _id first, and fills in empty timestamps at the top level.
    if isinstance(identity, _ODD_IDS) or hasattr(identity, "pattern"):
        return True
    return any(key[:1] == "$" or (type(value) is Timestamp and value == _NOW) for key, value in items)


_NOW = Timestamp(0, 0)


def replacement_image(identity: Any, replacement: Mapping[str, Any], codec: CodecOptions[Any]) -> Incoming:
    """Encode what a document becomes when it is replaced as a whole."""
    return incoming({"_id": identity, **replacement}, codec)


def users_value(value: Any, codec: CodecOptions[Any]) -> Any:
    """Return a value as the user's handle decodes it."""
    if (
        codec.uuid_representation == DEFAULT_CODEC_OPTIONS.uuid_representation
        and not codec.type_registry._decoder_map
    ):
        return value
    plain: CodecOptions[Any] = codec.with_options(document_class=dict)
    return bson.decode(bson.encode({"": value}, codec_options=plain), codec_options=plain)[""]


def plain_values(value: Any, codec: CodecOptions[Any]) -> Any:
    """Turn values of the user's own types into BSON's.

    Rows are read and written as raw BSON, whose codec knows no custom types.

    Args:
        value: A filter, an update, a pipeline, array filters or None.
        codec: The user's.
    """
    value = plain_text(value, codec)
    if value is None or codec == DEFAULT_CODEC_OPTIONS:
        return value
    if not _encodes(codec) and codec.uuid_representation == DEFAULT_CODEC_OPTIONS.uuid_representation:
        return value
    plain: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return bson.decode(bson.encode({"": value}, codec_options=codec), codec_options=plain)[""]


def plain_text(value: Any, codec: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS) -> Any:
    """Turn text of the user's own types into Python's.

    BSON takes members of a string enumeration, or the fields of an ODM, for the text that they are; Python
    may print, compare and split them as something else.

    Args:
        value: A filter, a projection, a pipeline, or a part of one; it is left as it is.
        codec: The user's; if it encodes types of the user's, those of text may be among them.

    Returns:
        The value itself, where all its text is Python's own already.
    """
    return value if _is_plain(value) or _encodes(codec) else _plain(value)


def _encodes(codec: CodecOptions[Any]) -> bool:
    """Whether a codec knows types that BSON does not."""
    registry = codec.type_registry
    return bool(registry._encoder_map) or registry._fallback_encoder is not None


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in _ATOMS:
        return True
    if kind is dict:
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return isinstance(value, RawBSONDocument) or _is_plain(dict(value))
    return not _is_text(value)


def _is_text(value: Any) -> bool:
    # JavaScript is text with a type of its own.
    return isinstance(value, str) and not isinstance(value, Code)


def _plain(value: Any) -> Any:
    if _is_text(value):
        return str.__str__(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping) and not isinstance(value, RawBSONDocument):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value

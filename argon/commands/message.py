"""Commands as they stand on the wire: MongoDB's OP_MSG, read and answered.

The source of the format is the MongoDB specification ``OP_MSG``: flags, then
sections, of which one (kind 0) is the command and others (kind 1) are
sequences of documents that belong to one of its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.message import _OpMsg

from argon.commands.wire import PLAIN

_HEADER = 20
"""Four numbers that all messages begin with, and the flags."""
_INT = struct.Struct("<i")
_FLAGS = struct.Struct("<I")
_MORE_TO_COME = 1 << 1
"""Nobody waits for an answer."""
_EXHAUST_ALLOWED = 1 << 16
"""An answer may be followed by others, for which nobody has asked."""
_RAW = frozenset({"documents"})
"""Sequences of documents that are kept and not looked into."""


def received(message: bytes) -> dict[str, Any]:
    """Return the command in a message, its sequences of documents in their fields.

    Args:
        message: An OP_MSG, neither compressed nor with a checksum.
    """
    command: dict[str, Any] = {}
    sequences: dict[str, list[Any]] = {}
    place = _HEADER
    while place < len(message):
        kind, place = message[place], place + 1
        [size] = _INT.unpack_from(message, place)
        if kind == 0:
            command = bson.decode(message[place : place + size], codec_options=PLAIN)
        else:
            end = message.index(b"\x00", place + 4)
            field = message[place + 4 : end].decode()
            sequences[field] = _documents(message, end + 1, place + size, raw=field in _RAW)
        place += size
    return {**command, **sequences}


def for_one_answer(message: bytes) -> bytes:
    """Return a message that gets one answer: neither none, as unacknowledged writes, nor a stream of them.

    Args:
        message: An OP_MSG.
    """
    [flags] = _FLAGS.unpack_from(message, _HEADER - _FLAGS.size)
    flags &= ~(_MORE_TO_COME | _EXHAUST_ALLOWED)
    return message[: _HEADER - _FLAGS.size] + _FLAGS.pack(flags) + message[_HEADER:]


def _documents(message: bytes, place: int, end: int, *, raw: bool) -> list[Any]:
    documents: list[Any] = []
    while place < end:
        [size] = _INT.unpack_from(message, place)
        one = message[place : place + size]
        documents.append(RawBSONDocument(one) if raw else bson.decode(one, codec_options=PLAIN))
        place += size
    return documents


def answered(reply: Mapping[str, Any]) -> _OpMsg:
    """Return a reply as the message that would have held it."""
    return _OpMsg(0, bson.encode(reply))

"""Documents taken apart into their elements and put together again, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable

from bson.raw_bson import RawBSONDocument

from argon.versions.layout import RAW_CODEC

_FIXED = {
    0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0,
    0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0,
}  # fmt: skip
"""Bytes of a value, by its type's number; see bsonspec.org."""
_PREFIXED = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
"""Bytes of a value beyond what its own length prefix says."""
_REGEX = 0x0B

Elements = list[tuple[bytes, bytes]]
"""For each field of a document, in order, its name, and the element: type, name and value."""


def elements(data: bytes | memoryview) -> Elements:
    """Part a document into its elements.

    Args:
        data: The document's bytes.
    """
    raw = bytes(data)
    found: Elements = []
    place, end = 4, len(raw) - 1
    while place < end:
        kind = raw[place]
        value = raw.index(0, place + 1) + 1
        if kind in _FIXED:
            after = value + _FIXED[kind]
        elif kind == _REGEX:
            after = raw.index(0, raw.index(0, value) + 1) + 1
        else:
            after = value + int.from_bytes(raw[value : value + 4], "little") + _PREFIXED[kind]
        found.append((raw[place + 1 : value - 1], raw[place:after]))
        place = after
    return found


def document(parts: Iterable[bytes]) -> RawBSONDocument:
    """Put a document together.

    Args:
        parts: Its elements, in order.
    """
    body = b"".join(parts)
    return RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\0", RAW_CODEC)

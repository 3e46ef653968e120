"""Pre-images in the log, told by what the post-image changed.

An update mostly gives new values to fields that are there. Its entry then
holds the old values of these fields alone, ``old_fields``, from which and from
the post-image the pre-image is put together byte for byte. Where fields came,
went or moved, and in deletes, the entry holds the whole ``old_document``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
_WORTH = 0.5
"""The part of a document up to which old fields are shorter to read than the whole."""


def old_fields(before: RawBSONDocument, after: RawBSONDocument) -> RawBSONDocument | None:
    """Return the old values of the fields that changed.

    Args:
        before: The pre-image.
        after: The post-image.

    Returns:
        A document of those fields, in their order; None if the images have not
        the same fields in the same order, or little would be saved.
    """
    old, new = _elements(before.raw), _elements(after.raw)
    if len(old) != len(new) or any(mine[0] != theirs[0] for mine, theirs in zip(old, new, strict=True)):
        return None
    changed = [mine[1] for mine, theirs in zip(old, new, strict=True) if mine[1] != theirs[1]]
    if sum(map(len, changed)) > _WORTH * len(before.raw):
        return None
    return _document(changed)


def pre_image(entry: Mapping[str, Any]) -> RawBSONDocument | None:
    """Return the pre-image of an entry that was read as raw BSON.

    Args:
        entry: The entry.

    Returns:
        The document before the change; None for inserts, and where both images
        together were too large for the entry.
    """
    if "old_fields" not in entry:
        whole: RawBSONDocument | None = entry.get("old_document")
        return whole
    old = dict(_elements(entry["old_fields"].raw))
    return _document([old.get(name, element) for name, element in _elements(entry["document"].raw)])


def _elements(data: bytes | memoryview) -> list[tuple[bytes, bytes]]:
    """Part a document into its elements: the field's name, and the element with type, name and value."""
    raw = bytes(data)
    found: list[tuple[bytes, bytes]] = []
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


def _document(elements: list[bytes]) -> RawBSONDocument:
    body = b"".join(elements)
    return RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\0", RAW_CODEC)

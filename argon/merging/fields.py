"""Documents compared field by field, by their bytes: 1 and 1.0 differ, and so do two orders of fields."""

from __future__ import annotations

from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.merging.results import MISSING, FieldChange
from argon.merging.states import value_of
from argon.versions.elements import document, elements

_DOCUMENT = 0x03


def field_changes(one: RawBSONDocument, other: RawBSONDocument) -> list[FieldChange]:
    """Return the fields in which two documents differ.

    Nested documents are looked into; arrays count as one value.

    Args:
        one: A document.
        other: The same at another place.
    """
    return list(_compare(bytes(one.raw), bytes(other.raw), ""))


def _compare(one: bytes, other: bytes, at: str) -> list[FieldChange]:
    before, after = elements(one), elements(other)
    mine, theirs = dict(before), dict(after)
    found: list[FieldChange] = []
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        left, right = mine.get(name), theirs.get(name)
        if left == right:
            continue
        path = join(at, name)
        if is_document(left) and is_document(right):
            assert left is not None
            assert right is not None
            found += _compare(body(left), body(right), path)
        else:
            found.append(FieldChange(path, value(left), value(right)))
    if not found and one != other:
        found.append(FieldChange(at, _decoded(one), _decoded(other)))
    return found


def join(at: str, name: bytes) -> str:
    """Return the dotted path of a field of a document at a path."""
    text = name.decode("utf-8", "replace")
    return f"{at}.{text}" if at else text


def is_document(element: bytes | None) -> bool:
    """Whether an element holds a nested document."""
    return element is not None and element[0] == _DOCUMENT


def body(element: bytes) -> bytes:
    """Return the document that an element holds."""
    return element[element.index(0, 1) + 1 :]


def nested(name: bytes, inner: bytes) -> bytes:
    """Make an element of a document."""
    return bytes([_DOCUMENT]) + name + b"\0" + inner


def value(element: bytes | None) -> Any:
    """Decode the value of an element, or tell that there is none."""
    if element is None:
        return MISSING
    [decoded] = (value_of(document([element])) or {}).values()
    return decoded


def _decoded(data: bytes) -> Any:
    return value_of(RawBSONDocument(data))

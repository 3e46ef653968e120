"""What an update makes of a document, where that can be told without the server.

The server runs every update on the row itself. The log needs the image after
it too, and reading it back costs a round trip; for the plainest updates the
image follows from the one before. Whatever is not listed here is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import Int64, Timestamp
from bson.raw_bson import RawBSONDocument

from argon.versions.elements import Elements, document, elements

_INT32, _INT64 = 0x10, 0x12
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def effect(update: Mapping[str, Any], before: RawBSONDocument) -> RawBSONDocument | None:
    """Return the image after an update, byte for byte, or None where it is not known.

    Args:
        update: The update, in the user's terms.
        before: The image before.
    """
    after = elements_after(update, elements(before.raw))
    return None if after is None else document(element for _, element in after)


def elements_after(update: Mapping[str, Any], before: Elements) -> Elements | None:
    """Return the elements of a document after an update.

    Known are ``$set``, ``$unset`` and ``$inc`` by integers of fields at the top
    level, of which one at most is new: where several are, their order is the
    server's affair.

    Args:
        update: The update, in the user's terms.
        before: Those before it.

    Returns:
        None where they are not known.
    """
    fields = dict(before)
    names = set(fields)
    seen: set[bytes] = set()
    for operator, operand in update.items():
        if not isinstance(operand, Mapping):
            return None
        for path, value in operand.items():
            name = path.encode()
            if not path or "." in path or path[0] == "$" or b"\0" in name or name in seen:
                return None
            seen.add(name)
            if operator == "$unset":
                fields.pop(name, None)
                continue
            old = fields.get(name)
            element = _set(path, value) if operator == "$set" else None
            if operator == "$inc":
                element = _increased(path, old, value)
            if element is None:
                return None
            fields[name] = element
    if len(names) != len(before) or len(fields.keys() - names) > 1:
        return None
    return list(fields.items())


def _set(path: str, value: Any) -> bytes | None:
    if isinstance(value, Timestamp):
        return None
    element = bson.encode({path: value})[4:-1]
    # Names that begin with "$" inside a value may be refused.
    return None if isinstance(value, Mapping | list | tuple) and b"$" in element else element


def _increased(path: str, old: bytes | None, amount: Any) -> bytes | None:
    """Add as the server does: an int32 grows into an int64 where it must, and never shrinks back."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        return None
    long = isinstance(amount, Int64) or not _INT32_MIN <= amount <= _INT32_MAX
    if old is not None:
        if old[0] not in (_INT32, _INT64):
            return None
        start = len(path.encode()) + 2
        amount = amount + int.from_bytes(old[start:], "little", signed=True)
        long = long or old[0] == _INT64 or not _INT32_MIN <= amount <= _INT32_MAX
    if not _INT64_MIN <= amount <= _INT64_MAX:
        return None
    return _set(path, Int64(amount) if long else int(amount))

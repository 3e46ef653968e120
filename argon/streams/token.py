"""Resume tokens: places on branches' lines, which live as long as the log does.

A token is ``{"_data": <hex>}`` as the server's are. The hex is BSON with a
version, and means: of this branch, all up to ``lsn`` is done, and of the entry
that follows it the first ``skip`` events. (A drop is one entry and two events,
``drop`` and ``invalidate``.) A stream over many projects has one place for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bson
from bson import Int64, ObjectId
from bson.errors import BSONError

from argon.streams.errors import TYPE_MISMATCH, refusal, unnamed

VERSION = 1


@dataclass(frozen=True)
class Place:
    """A place on a branch's line.

    Attributes:
        branch: The branch that wrote the last entry; an ancestor, in inherited history.
        lsn: The last entry that is done with.
        skip: How many events of the next entry are done with too.
    """

    branch: ObjectId
    lsn: int
    skip: int = 0


@dataclass(frozen=True)
class Token:
    """What a resume token says.

    Attributes:
        places: One for each branch that the stream follows.
        invalidated: Whether the stream ended there.
        newest: For a stream over all projects, the highest branch number that it knows of:
            later ones are of projects made since, even if they have no place and are gone again.
    """

    places: tuple[Place, ...]
    invalidated: bool = False
    newest: int | None = None

    def encode(self) -> dict[str, str]:
        """Return the token as events carry it."""
        content: dict[str, Any] = {
            "v": VERSION,
            "p": [[place.branch, Int64(place.lsn), place.skip] for place in self.places],
        }
        if self.invalidated:
            content["i"] = True
        if self.newest is not None:
            content["n"] = self.newest
        return {"_data": bson.encode(content).hex().upper()}


def decode_token(token: Any, name: str) -> Token:
    """Read a resume token.

    Args:
        token: What the user gave.
        name: The option that it was given for.

    Raises:
        OperationFailure: It is no token, with the server's own codes.
    """
    if not isinstance(token, Mapping):
        raise refusal(
            TYPE_MISMATCH,
            f"BSON field '$changeStream.{name}' is the wrong type '{type(token).__name__}', "
            "expected type 'object'",
        )
    data = token.get("_data")
    if not isinstance(data, str):
        text = f"Bad resume token: _data of missing or of wrong type. Expected string, got {dict(token)}"
        raise refusal(unnamed(40647), text)
    if not data:
        raise refusal(unnamed(40649), "invalid empty resume token")
    try:
        encoded = bytes.fromhex(data)
    except ValueError:
        raise refusal((9, "FailedToParse"), "resume token string was not a valid hex string") from None
    try:
        content = bson.decode(encoded)
        if content["v"] != VERSION:
            raise _malformed(f"its version is {content['v']!r}, and this one reads {VERSION}")
        places = tuple(_place(item) for item in content["p"])
        newest = content.get("n")
        if newest is not None and not isinstance(newest, int):
            raise TypeError
        return Token(places, content.get("i") is True, newest)
    except (BSONError, KeyError, TypeError, ValueError):
        raise _malformed("it was not made by a stream on a branch") from None


def _place(item: Any) -> Place:
    branch, lsn, skip = item
    if not isinstance(branch, ObjectId) or not isinstance(lsn, int) or not isinstance(skip, int):
        raise TypeError
    if lsn < 0 or skip < 0:
        raise ValueError
    return Place(branch, int(lsn), skip)


def _malformed(why: str) -> Exception:
    return refusal(unnamed(50811), f"Bad resume token: {why}")

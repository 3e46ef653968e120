"""Cursors: what those of the drivers do not have in common, and one over documents at hand."""

from __future__ import annotations

from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from argon.io import Operation
from argon.wire.finds import Find, first


def first_batch(find: Find) -> Operation[tuple[Any, list[Any]]]:
    """Return a cursor for a find, and its first documents.

    Args:
        find: What to ask for.
    """
    try:
        begun = yield from first(find)
    except OperationFailure as error:
        raise readable(error) from error
    if begun is not None:
        return begun
    cursor = find.cursor()
    return cursor, (yield from next_batch(cursor))


def next_batch(cursor: Any) -> Operation[list[Any]]:
    """Return a cursor's next documents, those of one reply of the server.

    Args:
        cursor: One of PyMongo's, or of Motor's, which hold PyMongo's and fetch in a thread.
    """
    batch: list[Any] = []
    try:
        if hasattr(cursor, "_next_batch"):
            yield cursor._next_batch(batch)
        elif cursor.alive:
            yield cursor._get_more()
            fetched = cursor._data()
            batch.extend(fetched)
            fetched.clear()
    except OperationFailure as error:
        raise readable(error) from error
    return batch


def resize(cursor: Any, size: int | None) -> None:
    """Set how many documents a cursor's next reply holds; None leaves it to the server.

    PyMongo sets that before the first reply alone, and in another way for each kind of cursor.
    """
    own = vars(cursor).get("delegate", cursor)
    if hasattr(own, "_batch_size"):
        own._batch_size = size or 0


def readable(error: OperationFailure) -> OperationFailure:
    """Return an error whose details are plain values, also where documents are read as raw BSON."""
    details: Any = error.details
    if not isinstance(details, RawBSONDocument):
        return error
    plain = bson.decode(details.raw)
    # PyMongo adds to the server's text which time limits were set.
    text = str(error).removesuffix(f", full error: {details}")
    same = type(error)(text, error.code, plain)
    for label in plain.get("errorLabels", ()):
        same._add_error_label(label)
    return same


def close(cursor: Any) -> Operation[None]:
    """Close a cursor."""
    yield cursor.close()


def explain(cursor: Any) -> Operation[Any]:
    """Return a cursor's plan; None if it is one that cannot be asked."""
    asked = getattr(cursor, "explain", None)
    return None if asked is None else (yield asked())


class Materialized:
    """Documents that are at hand already, read as a cursor is."""

    def __init__(self, documents: list[Any]) -> None:
        self._documents = documents
        self._place = 0
        self.alive = True

    def _next_batch(self, result: list[Any], total: int | None = None) -> bool:
        """Hand over what is left, as PyMongo's cursors do batch by batch."""
        result += self.to_list(total)
        return bool(result)

    def to_list(self, length: int | None = None) -> list[Any]:
        """Return the next documents."""
        end = len(self._documents) if length is None else self._place + length
        taken = self._documents[self._place : end]
        self._place += len(taken)
        self.alive = self._place < len(self._documents)
        return taken

    def close(self) -> None:
        """Forget the rest."""
        self._documents, self.alive = [], False

"""What the drivers' cursors do not have in common."""

from __future__ import annotations

from typing import Any

from argon.io import Operation


def next_batch(cursor: Any) -> Operation[list[Any]]:
    """Return a cursor's next documents, those of one reply of the server.

    Args:
        cursor: One of PyMongo's, or of Motor's, which hold PyMongo's and fetch in a thread.
    """
    batch: list[Any] = []
    if hasattr(cursor, "_next_batch"):
        yield cursor._next_batch(batch)
    elif cursor.alive:
        yield cursor._get_more()
        fetched = cursor._data()
        batch.extend(fetched)
        fetched.clear()
    return batch


def close(cursor: Any) -> Operation[None]:
    """Close a cursor."""
    yield cursor.close()


def explain(cursor: Any) -> Operation[Any]:
    """Return a cursor's plan; None if it is one that cannot be asked."""
    asked = getattr(cursor, "explain", None)
    return None if asked is None else (yield asked())

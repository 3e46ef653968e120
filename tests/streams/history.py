"""A history in which places are hard to tell: commits of many entries, drops, other collections."""

from __future__ import annotations

from typing import Any

from argon import WALDatabase


def make_history(db: WALDatabase[Any]) -> None:
    """Write it."""
    db.users.insert_one({"_id": 1})
    with db.commit() as group:
        for number in range(2, 6):
            group.users.insert_one({"_id": number})
        group.users.update_one({"_id": 1}, {"$set": {"n": 1}})
        group.orders.insert_one({"_id": "o"})
        group.users.delete_one({"_id": 1})
    db.orders.insert_many([{"_id": f"o{number}"} for number in range(5)])
    db.users.update_many({}, {"$inc": {"n": 1}})
    db.lost.insert_one({"_id": 1})
    db.lost.drop()
    db.other.create_index("x")
    db.other.rename("orders", dropTarget=True)
    db.users.replace_one({"_id": 2}, {"whole": True})
    db.orders.insert_one({"_id": "o"})
    db.users.delete_many({"_id": {"$gt": 3}})


def take(stream: Any, count: int) -> list[dict[str, Any]]:
    """Return the next events."""
    return [stream.next() for _ in range(count)]


def rest(stream: Any) -> list[dict[str, Any]]:
    """Return what a stream has left; what was acknowledged is in the log, so the first pause is the end."""
    events = []
    while (event := stream.try_next()) is not None:
        events.append(event)
    return events

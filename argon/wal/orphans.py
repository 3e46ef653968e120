"""Transactions that nobody will end: their client is dead, or the event loop is closed that they ran on.

A client that is killed between two statements leaves its transaction to the
server, which keeps it, and with it the head of the branch, for a minute
(``transactionLifetimeLimitSeconds``). The writers who wait for it need not:
the server knows that the connection is closed.

The connections of an event loop that is closed with tasks in it stay open until
Python collects them, which may be much later. So sessions are noted by
their loop while they last, for the other writers of the process.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from bson import Binary
from pymongo.errors import PyMongoError

from argon.forks import renew_in_child
from argon.io import Operation, World

APPLICATION = "argon"
"""The name under which Argon's own clients are known to the server."""
_IDLE_MICROS = 100_000


class _Sessions:
    """The ids of the sessions that are open on each event loop of this process."""

    def __init__(self) -> None:
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Begin with none: those of the parent are for the parent to end."""
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, set[Binary]] = WeakKeyDictionary()

    def of(self, loop: asyncio.AbstractEventLoop) -> set[Binary]:
        """Return those of a loop, to be changed."""
        return self._of_loop.setdefault(loop, set())

    def abandoned(self) -> list[Binary]:
        """Return those that loops were closed with."""
        loops = [loop for reference in self._of_loop.keyrefs() if (loop := reference()) is not None]
        return [known for loop in loops if loop.is_closed() for known in self.of(loop)]


_sessions = _Sessions()


def open_session(client: Any, world: World) -> Operation[Any]:
    """Start a session for a transaction.

    Args:
        client: Of the driver in use.
        world: Where the transaction runs.
    """
    session = yield client.start_session(causal_consistency=False)
    loop = world.loop()
    if loop is not None:
        _sessions.of(loop).add(session.session_id["id"])
    return session


def close_session(session: Any, world: World) -> Operation[None]:
    """End what :func:`open_session` has started; where the loop is closed, this does not come to its end."""
    known = session.session_id["id"]
    yield session.end_session()
    loop = world.loop()
    if loop is not None:
        _sessions.of(loop).discard(known)


def end_orphans(client: Any) -> Operation[int]:
    """Abort the transactions of Argon's clients whose connections are closed, and those of closed loops.

    Other transactions of a client that the application brought along are left
    alone: nothing says that they are Argon's.

    Args:
        client: Of the driver in use; it needs no more than a user's rights over its own sessions.

    Returns:
        How many there were.
    """
    abandoned = _sessions.abandoned()
    fields = {"type": 1, "connectionId": 1, "lsid": 1, "transaction": 1}
    try:
        cursor = yield client.admin.aggregate(
            [
                {"$currentOp": {"idleSessions": True, "idleConnections": True}},
                {"$match": {"$or": [{"appName": APPLICATION}, {"lsid.id": {"$in": abandoned}}]}},
                {"$project": {**fields, "abandoned": {"$in": ["$lsid.id", abandoned]}}},
            ]
        )
        found = yield cursor.to_list(None)
        open_connections = {one.get("connectionId") for one in found if one["type"] != "idleSession"}
        orphans = [
            one["lsid"]
            for one in found
            if one["type"] == "idleSession"
            and one.get("transaction", {}).get("timeInactiveMicros", 0) > _IDLE_MICROS
            and (one["abandoned"] or one.get("connectionId") not in open_connections)
        ]
        if orphans:
            yield client.admin.command("killSessions", orphans)
    except PyMongoError:
        # Not allowed to look, or nobody there: the server ends them in its own time.
        return 0
    return len(orphans)

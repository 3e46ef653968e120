"""Transactions that a dead client has left open.

A client that is killed between two statements leaves its transaction to the
server, which keeps it, and with it the head of the branch, for a minute
(``transactionLifetimeLimitSeconds``). The writers who wait for it need not:
the server knows that the connection is closed.
"""

from __future__ import annotations

from typing import Any

from pymongo.errors import PyMongoError

from argon.io import Operation

APPLICATION = "argon"
"""The name under which Argon's own clients are known to the server."""
_IDLE_MICROS = 100_000


def end_orphans(client: Any) -> Operation[int]:
    """Abort the transactions of Argon's clients whose connections are closed.

    A transaction of a client that the application brought along is left alone:
    nothing says that it is one of Argon's.

    Args:
        client: Of the driver in use; it needs no more than a user's rights over its own sessions.

    Returns:
        How many there were.
    """
    try:
        cursor = yield client.admin.aggregate(
            [
                {"$currentOp": {"idleSessions": True, "idleConnections": True}},
                {"$match": {"appName": APPLICATION}},
                {"$project": {"type": 1, "connectionId": 1, "lsid": 1, "transaction": 1}},
            ]
        )
        found = yield cursor.to_list(None)
        open_connections = {one.get("connectionId") for one in found if one["type"] != "idleSession"}
        orphans = [
            one["lsid"]
            for one in found
            if one["type"] == "idleSession"
            and one.get("transaction", {}).get("timeInactiveMicros", 0) > _IDLE_MICROS
            and one.get("connectionId") not in open_connections
        ]
        if orphans:
            yield client.admin.command("killSessions", orphans)
    except PyMongoError:
        # Not allowed to look, or nobody there: the server ends them in its own time.
        return 0
    return len(orphans)

"""Make a running ``mongod`` the writable primary of a one-node replica set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from argon.errors import EmbeddedServerError
from argon.server.state import REPLICA_SET

if TYPE_CHECKING:
    from pymongo import MongoClient

# AlreadyInitialized, NotYetInitialized, ConfigurationInProgress: it is still loading its configuration.
_NOT_YET = (23, 94, 109)
_AWAIT_MILLISECONDS = 200
_SELECTION_MILLISECONDS = 1000


def make_primary(port: int, deadline: float) -> str:
    """Bring the server to the state in which it takes writes.

    Args:
        port: The loopback port on which it listens.
        deadline: How long to wait, on the monotonic clock.

    Returns:
        The server's version.

    Raises:
        EmbeddedServerError: It did not become primary in time.
        pymongo.errors.AutoReconnect: It does not listen, or closed the connection; it may yet come.
    """
    from pymongo import MongoClient

    host = f"127.0.0.1:{port}"
    with MongoClient[dict[str, Any]](
        host, directConnection=True, serverSelectionTimeoutMS=_SELECTION_MILLISECONDS, appname="argon-server"
    ) as client:
        hello = client.admin.command("hello")
        while not (hello["isWritablePrimary"] and hello.get("me") == host):
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"{host} has not come to take writes in time; {hello.get('info') or 'it is not primary'}."
                )
            _configure(client, host)
            # The server answers as soon as its state changes, so this is no poll.
            hello = client.admin.command(
                "hello", topologyVersion=hello["topologyVersion"], maxAwaitTimeMS=_AWAIT_MILLISECONDS
            )
        return str(client.admin.command("buildInfo")["version"])


def _configure(client: MongoClient[dict[str, Any]], host: str) -> None:
    """Initiate the replica set, or tell it of the port that the server has this time."""
    from pymongo.errors import OperationFailure

    # What is stored, not what is loaded: while mongod loads its configuration it says that it has none.
    stored = client.local["system.replset"].find_one()
    member = {"_id": 0, "host": host}
    try:
        if stored is None:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        elif [each["host"] for each in stored["members"]] != [host]:
            config = {**stored, "version": stored["version"] + 1, "members": [member]}
            client.admin.command("replSetReconfig", config, force=True)
    except OperationFailure as error:
        if error.code not in _NOT_YET:
            raise

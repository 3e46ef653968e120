"""Which server a client uses, and whether it will do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from argon.errors import ServerError, StandaloneServer
from argon.server.embedded import EmbeddedServer

URI_VARIABLE = "ARGON_MONGODB_URI"
_OLDEST_WIRE_VERSION = 16  # MongoDB 5.3, the first with clustered collections

# Everything up to the last @, since a password that was not escaped may itself hold one, or a slash.
_USER_AND_PASSWORD = re.compile(r"(?<=://)([^:@/?]*):.*@", re.DOTALL)
_SECRET_OPTION = re.compile(
    r"(?i)\b(tlsCertificateKeyFilePassword|authMechanismProperties|proxyPassword)=[^&]*"
)


def known_uri(uri: str | None = None) -> str | None:
    """Return the connection string that is given or stands in ``ARGON_MONGODB_URI``, if one does."""
    if uri is not None and uri != "":
        return uri  # an empty list of hosts too, of which PyMongo says what is wrong
    return os.environ.get(URI_VARIABLE) or None


def resolve_uri(uri: str | None = None) -> str:
    """Choose the server: the one given, ``ARGON_MONGODB_URI``, else the embedded one.

    Args:
        uri: The connection string that the user gave, if any.

    Returns:
        The connection string to use. The embedded server runs when this returns it.

    Raises:
        EmbeddedServerError: No server is named, and the embedded one cannot be started.
    """
    known = known_uri(uri)
    return EmbeddedServer().start() if known is None else known


def check_server(hello: Mapping[str, Any], uri: str) -> None:
    """Refuse a server that cannot carry branches.

    Args:
        hello: The server's answer to the ``hello`` command.
        uri: The connection string, for the message.

    Raises:
        StandaloneServer: The server is no replica set, so it has no transactions.
        ServerError: The server is older than clustered collections.
    """
    shown = redact_uri(uri)
    wire = hello.get("maxWireVersion", 0)
    if wire < _OLDEST_WIRE_VERSION:
        raise ServerError(
            f"the server at {shown} is too old (wire version {wire}, needed is {_OLDEST_WIRE_VERSION}). "
            "Argon keeps versions in clustered collections, which came with MongoDB 5.3: use 6.0 or later."
        )
    if hello.get("setName") or hello.get("msg") == "isdbgrid":
        return
    host = _first_host(uri)
    port = host.rpartition(":")[2]
    address = f"mongodb://{host}/?directConnection=true"
    members = f'{{_id: "rs0", members: [{{_id: 0, host: "{host}"}}]}}'
    initiate = f"mongosh '{address}' --eval 'rs.initiate({members})'"
    connect = f'Then connect to "mongodb://{host}/?replicaSet=rs0".'
    if hello.get("isreplicaset"):
        raise StandaloneServer(
            f"the server at {shown} was started as a member of a replica set that was never initiated, "
            "or that it is no longer part of. Initiate it, under the name that --replSet gave it:\n"
            f"  {initiate}\n{connect}"
        )
    raise StandaloneServer(
        f"the server at {shown} is a standalone; branches need transactions, which only replica sets have. "
        "One node is enough, and the data stays:\n"
        f"  mongosh '{address}' --eval 'db.getSiblingDB(\"admin\").shutdownServer()'\n"
        f"  mongod --replSet rs0 --port {port} --dbpath <its data directory> --bind_ip 127.0.0.1\n"
        f"  {initiate}\n"
        f"{connect} Or name no server at all: Argon then starts one of its own."
    )


def _first_host(uri: str) -> str:
    authority = re.split(r"[/?]", uri.partition("://")[2] or uri, maxsplit=1)[0]
    host = authority.rpartition("@")[2].split(",")[0] or "127.0.0.1"
    return host if re.search(r":\d+$", host) else f"{host}:27017"


def redact_uri(uri: str) -> str:
    """Hide what is secret in a connection string.

    Args:
        uri: A connection string, well-formed or not.

    Returns:
        The same without passwords and tokens, fit for messages and logs.
    """
    hidden = _USER_AND_PASSWORD.sub(r"\1:***@", uri)
    return _SECRET_OPTION.sub(r"\1=***", hidden)

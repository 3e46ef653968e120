"""Finds whose first reply is read without a cursor of the driver's.

Most finds are answered in one reply, and half of what PyMongo does for one is
to be ready for more. So the first reply is asked for here, on a connection of
the driver's; where documents are left on the server, its cursor goes on. What
fails and may be asked again is left to the driver, which asks once more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymongo import MongoClient, ReadPreference
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.cursor_shared import _CURSOR_DOC_FIELDS
from pymongo.errors import (
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.helpers_shared import _RETRYABLE_ERROR_CODES, _check_command_response
from pymongo.message import _op_msg
from pymongo.synchronous.command_cursor import CommandCursor

from argon.io import Operation
from argon.wire.connection import Checkout, can_bypass, select
from argon.wire.replies import reader

_NAMES = {
    "allow_disk_use": "allowDiskUse",
    "comment": "comment",
    "hint": "hint",
    "let": "let",
    "max_time_ms": "maxTimeMS",
    "no_cursor_timeout": "noCursorTimeout",
    "skip": "skip",
}
"""What the command calls the arguments that mean the same in it."""
_KEPT = "_argon_finds"
_REAUTHENTICATE = 391
_AGAIN = frozenset({*_RETRYABLE_ERROR_CODES, _REAUTHENTICATE})


class Find:
    """A find that has not been sent.

    Args:
        collection: The physical collection, with its codec, read preference and read concern.
        query: The filter.
        projection: Fields; None for all.
        session: The session, if any.
        arguments: The others of ``Collection.find``; what is None is not given.
    """

    __slots__ = ("arguments", "collection", "projection", "query", "session")

    def __init__(
        self,
        collection: Any,
        query: Mapping[str, Any],
        projection: Mapping[str, Any] | None,
        session: Any,
        arguments: dict[str, Any],
    ) -> None:
        self.collection = collection
        self.query = query
        self.projection = projection
        self.session = session
        self.arguments = {name: value for name, value in arguments.items() if value is not None}

    def cursor(self) -> Any:
        """Return the driver's cursor for it, that has not been read from."""
        return self.collection.find(self.query, self.projection, session=self.session, **self.arguments)

    def command(self) -> dict[str, Any] | None:
        """Return the command that the driver's cursor sends first; None if that is better left to it."""
        command: dict[str, Any] = {"find": self.collection.name, "filter": self.query}
        if self.projection:
            command["projection"] = self.projection
        if self.collection.read_concern.level:
            command["readConcern"] = self.collection.read_concern.document
        for name, value in self.arguments.items():
            if name == "limit":
                command["limit"] = abs(value)
                if value < 0:
                    command["singleBatch"] = True
            elif name == "batch_size":
                # As the driver does: so the server need not keep a cursor to learn that all have been read.
                command["batchSize"] = value + (value == self.arguments.get("limit"))
            elif name == "sort":
                command["sort"] = dict(value)
            elif name == "collation":
                command["collation"] = getattr(value, "document", value)
            elif name in _NAMES:
                command[_NAMES[name]] = value
            else:
                return None
        return command


class Exhausted(NamedTuple):
    """A cursor that has no more documents.

    Attributes:
        address: Of the server that had them.
    """

    address: Any
    alive: bool = False
    cursor_id: int = 0

    def close(self) -> None:
        """Do nothing, for there is nothing on the server."""


class _Finds:
    """Asks for the first replies of finds.

    Args:
        client: Of the driver in use.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._selected: tuple[Any, Any] = (None, None)

    def first(self, find: Find) -> Operation[tuple[Any, list[Any]] | None]:
        """Return a find's first documents, and a cursor for the others.

        Args:
            find: What to ask for.

        Returns:
            None where the driver's own cursor has to ask.

        Raises:
            PyMongoError: As of the driver's cursor, where to ask again is no use.
        """
        client, collection = self._client, find.collection
        if (
            find.session is not None
            or collection.read_preference != ReadPreference.PRIMARY
            or not can_bypass(client)
            or client._get_bound_session() is not None
        ):
            return None
        command = find.command()
        if command is None:
            return None
        try:
            return (yield from self._ask(find, command))
        except PyMongoError as error:
            if client.options.retry_reads and _may_pass(error):
                return None
            raise

    def _ask(self, find: Find, command: dict[str, Any]) -> Operation[tuple[Any, list[Any]] | None]:
        client, (servers, server) = self._client, self._selected
        # Another object as soon as the driver learns anything of the servers, or is closed.
        known = client._topology._description
        if servers is not known:
            server = yield from select(client, None)
            self._selected = (known, server)
        if not server.description.is_writable:
            return None  # it is the only one that the client is to know, and must be told that it may answer
        session = client._topology.get_server_session(server.description.logical_session_timeout_minutes)
        checkout = Checkout(client, server, None)
        connection = yield from checkout.take()
        try:
            reply = yield from _exchange(client, connection, find.collection, command, session)
        except BaseException as error:
            yield from checkout.give_back(error)
            if isinstance(error, OperationFailure):
                client._topology.return_server_session(session)
            raise
        yield from checkout.give_back()
        cursor = reply["cursor"]
        if not cursor["id"]:
            client._topology.return_server_session(session)
            return Exhausted(connection.address), cursor["firstBatch"]
        return self._rest(find, cursor, connection.address, session), cursor["firstBatch"]

    def _rest(self, find: Find, cursor: Mapping[str, Any], address: Any, session: Any) -> Any:
        """Return the driver's cursor for what is left on the server, in the session in which it was begun."""
        implicit = self._client._start_session(True, causal_consistency=False)
        implicit._server_session = session
        kind: Any = CommandCursor if isinstance(self._client, MongoClient) else AsyncCommandCursor
        left = {"id": cursor["id"], "ns": cursor["ns"], "firstBatch": []}
        rest = kind(find.collection, left, address, session=implicit, comment=find.arguments.get("comment"))
        rest._batch_size = find.arguments.get("batch_size", 0)  # for its own method 1 is 2
        return rest


def first(find: Find) -> Operation[tuple[Any, list[Any]] | None]:
    """Return a find's first documents, and a cursor for the others; see :meth:`_Finds.first`."""
    client = find.collection.database.client
    # With the client: in a dictionary of clients, all that have the same seeds are one.
    finds: _Finds | None = vars(client).get(_KEPT)
    if finds is None:
        finds = vars(client)[_KEPT] = _Finds(client)
    return finds.first(find)


def find_one(
    collection: Any,
    query: Mapping[str, Any],
    projection: Mapping[str, Any] | None = None,
    *,
    session: Any = None,
    **arguments: Any,
) -> Operation[Any]:
    """Return the first document of a find, as the driver's own method does.

    Args:
        collection: The physical collection.
        query: The filter.
        projection: Fields; None for all.
        session: The session, if any.
        arguments: The others of ``Collection.find_one``.
    """
    find = Find(collection, query, projection, session, {**arguments, "limit": -1})
    begun = yield from first(find)
    if begun is not None:
        return next(iter(begun[1]), None)
    return (yield collection.find_one(query, projection, session=session, **arguments))


def _exchange(
    client: Any, connection: Any, collection: Any, command: dict[str, Any], session: Any
) -> Operation[Any]:
    """Send a command on a connection, and return the reply."""
    session.last_use = time.monotonic()
    command["lsid"] = session.session_id
    connection.add_server_api(command)
    connection.send_cluster_time(command, None, client)
    codec = collection.codec_options
    number, message, _, size = _op_msg(0, command, collection.database.name, None, codec)
    try:
        yield connection.send_message(message, size)
        answer = yield reader(connection)(number)
    except BaseException:
        # The reply may be still to come, which whoever had the connection next would take for its own.
        yield connection.close_conn(None)
        raise
    reply = answer.unpack_response(codec_options=codec, user_fields=_CURSOR_DOC_FIELDS)[0]
    yield client._process_response(reply, None)
    _check_command_response(reply, connection.max_wire_version, pool_opts=connection.opts)
    return reply


def _may_pass(error: PyMongoError) -> bool:
    """Whether the driver asks again after an error; see "Retryable Reads" in its specification."""
    if isinstance(error, OperationFailure):
        return error.code in _AGAIN or error.has_error_label("RetryableError")
    return isinstance(error, ConnectionFailure) and not isinstance(error, ServerSelectionTimeoutError)

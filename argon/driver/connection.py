# Generated from argon/aio/connection.py by tools/async_to_sync.py: edit that.

"""A connection that ends at branches: what PyMongo sends on it, Argon answers.

PyMongo's own classes write commands, retry them, read cursors batch by batch
and tell listeners of it all. On this connection their commands run on
branches instead of databases, so whatever is derived from PyMongo's classes
(``Collection(database, name)`` made by hand, the cursors of libraries)
reads and writes through the log, and listeners hear of the commands that an
ordinary database would have been sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from pymongo import MongoClient
from pymongo.errors import (
    ConnectionFailure,
    InvalidOperation,
    OperationFailure,
)
from pymongo.message import _OpMsg
from pymongo.pool_shared import PoolState
from pymongo.synchronous.mongo_client import _ClientCheckout, _ClientReadCheckout
from pymongo.synchronous.pool import Connection

from argon.commands import is_about_server, wire
from argon.commands import message as wire_message
from argon.commands.concern import is_snapshot
from argon.commands.servers_own import SERVERS_OWN, check_stays
from argon.driver.failing import Failing
from argon.driver.projects import answer_about_all, answer_of_cursor, shown_database
from argon.driver.session import WALSession, bound_session, foreign_session
from argon.engine.errors import not_in_transaction
from argon.fail_points import (
    any_set,
    is_transient,
    keep_reply,
    kept_reply,
)
from argon.listening import given_options, listeners_of, sends_commands
from argon.profiling import any_on, profile_of

if TYPE_CHECKING:
    from pymongo.synchronous.server import Server

    from argon.driver.client import WALClient


class BranchConnection(Failing, Connection):
    """A connection whose other end is the engine.

    Args:
        client: Its databases are branches.
        server: Where the plain client would have sent the command.
        session: The session that the commands belong to.
    """

    def __init__(self, client: Any, server: Server, session: Any) -> None:
        nothing: Any = None
        address: Any = server.description.address
        super().__init__(nothing, server.pool, address, 0, False)
        about = server.description
        self.max_wire_version = about.max_wire_version
        self.max_bson_size = about.max_bson_size
        self.max_message_size = about.max_message_size
        self.max_write_batch_size = about.max_write_batch_size
        self.supports_sessions = self.is_repl = self.is_writable = self.ready = True
        self.performed_handshake = True
        # What is asked goes by several connections: this is the one that was used last.
        self.server_connection_id = next((one.server_connection_id for one in list(server.pool.conns)), None)
        self.logical_session_timeout_minutes = about.logical_session_timeout_minutes
        self.listeners = client._event_listeners
        self._client: WALClient[Any] = client
        self._server = server
        self._session = session
        self._reply: Any = None

    def send_message(self, message: bytes, max_doc_size: int) -> None:
        """Answer a message at once."""
        self._reply = self._answer(message, max_doc_size)

    def receive_message(self, request_id: int | None) -> _OpMsg:
        """Return the answer to the last message."""
        reply: _OpMsg = self._reply
        return reply

    def unpin(self) -> None:
        """Leave the pool alone, to which this does not belong."""

    def set_conn_timeout(self, timeout: float | None) -> None:
        """Leave timeouts to the physical commands, but for what a fail point holds up."""
        self._patience = timeout

    def validate_session(self, client: Any, session: Any) -> None:
        """Refuse the session of another client.

        Raises:
            InvalidOperation: It is one.
        """
        # The views of a client onto the past, or into an open commit, share its state.
        if session is not None and vars(session.client) is not vars(self._client):
            raise InvalidOperation(
                f"Can only use session with the {type(session.client).__name__} that started it"
            )

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def _raise_connection_failure(self, error: BaseException) -> NoReturn:
        raise error

    def _answer(self, sent: bytes, max_doc_size: int) -> _OpMsg:
        command = wire_message.received(sent)
        database = str(command.pop("$db"))
        verb = next(iter(command))
        began = time.monotonic()
        failure = self._failure_of(command) if any_set() else None
        if failure is not None:
            self._undergo(failure)
            if failure.error is not None:
                if verb == "commitTransaction" and is_transient(failure):
                    answer_about_all(self._client, database, {"abortTransaction": 1}, self._session)
                return wire_message.answered(self._timed(dict(failure.error)))
        try:
            of_cursor = answer_of_cursor(self._client, database, command)
            if of_cursor is not None:
                reply = of_cursor
            elif any_set() and (kept := kept_reply(command)) is not None:
                reply = kept
            elif (database, verb) == ("admin", "configureFailPoint") and self._keeps(command[verb]):
                reply = self._configure(command)
            elif database in SERVERS_OWN:
                about_all = answer_about_all(self._client, database, command, self._session)
                if about_all is None:
                    check_stays(command)
                    return self._pass_on(sent, max_doc_size)
                reply = about_all
            elif is_about_server(verb):
                reply = self._on_server(command)
            else:
                reply = shown_database(self._client, database)._answer_command(command, self._session)
        except OperationFailure as error:
            reply = wire.failed(error, without="RetryableWriteError")
        if any_on() and database not in SERVERS_OWN:
            self._profile(database, command, reply, time.monotonic() - began)
        if failure is not None and (failure.added is not None or failure.runs):
            keep_reply(command, reply)
            reply = {**reply, **(failure.added or {})}
            if failure.runs:
                self._disconnect()
        if is_snapshot(command):
            self._stamp(command, reply)
        return wire_message.answered(self._timed(reply))

    def _profile(self, database: str, command: dict[str, Any], reply: dict[str, Any], seconds: float) -> None:
        """Tell the profile of a branch of a command."""
        line = shown_database(self._client, database)._handle.line
        profile_of(line.engine.place, line.record.id).tell(database, command, reply, int(seconds * 1000))

    def _stamp(self, command: dict[str, Any], reply: dict[str, Any]) -> None:
        """Name the moment that a session of snapshots reads; by which LSNs, the session itself knows."""
        now = (self._client._topology.max_cluster_time() or {}).get("clusterTime")
        stamp = {"atClusterTime": command["readConcern"].get("atClusterTime", now)}
        if reply.get("ok"):
            reply.get("cursor", reply).update(stamp)

    def _pass_on(self, sent: bytes, max_doc_size: int) -> _OpMsg:
        """Let the server itself answer, about a database of its own."""
        if self._session is not None and self._session.in_transaction:
            text = "the server's own databases take no part in a transaction on a branch"
            raise not_in_transaction(text)
        session = self._session.plain if isinstance(self._session, WALSession) else self._session
        with _ClientCheckout(self._client._plain, self._server, session) as connection:
            connection.send_message(wire_message.for_one_answer(sent), max_doc_size)
            return connection.receive_message(None)

    def _on_server(self, command: dict[str, Any]) -> Any:
        return self._client._plain.admin.command(wire.without_envelope(command))

    def _timed(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Add what a replica set says of time, by which sessions follow one another."""
        now = self._client._topology.max_cluster_time()
        if now is None:
            return reply
        return {**reply, "operationTime": now["clusterTime"], "$clusterTime": now}


class _Checkout(_ClientCheckout):
    """The use of such a connection; there is no pool to return it to."""

    __slots__ = ()

    def __enter__(self) -> Connection:
        client: Any = self.client
        if client._topology.max_cluster_time() is None or self._server.pool.state == PoolState.PAUSED:
            # A first connection tells the servers' time, which goes with the first command. One that a
            # paused pool has not tells why there is none.
            try:
                with _ClientCheckout(client._plain, self._server, None):
                    pass
            except ConnectionFailure as error:
                self._label(error)
                raise
        return BranchConnection(client, self._server, self.session)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, ConnectionFailure):
            self._label(error)

    def _label(self, error: ConnectionFailure) -> None:
        if self.session is None:
            return
        if self.session.in_transaction:
            error._add_error_label("TransientTransactionError")
        self.session._server_session.mark_dirty()


class _ReadCheckout(_ClientReadCheckout, _Checkout):  # type: ignore[misc]
    __slots__ = ()


class CommandsOfBranches:
    """What makes PyMongo's own classes send their commands to branches."""

    __slots__ = ()

    def _checkout(self, server: Server, session: Any) -> _Checkout:
        client: Any = self
        return _Checkout(client, server, session)

    def _conn_from_server(self, read_preference: Any, server: Server, session: Any) -> _ReadCheckout:
        client: Any = self
        return _ReadCheckout(client, server, session, read_preference)

    def _retryable_write(self, retryable: bool, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        client: Any = self
        lost: list[ConnectionFailure] = []

        def once(session: Any, connection: Any, again: bool) -> Any:
            try:
                return func(session, connection, again)
            except ConnectionFailure as error:
                if connection.fails or session is None or session.in_transaction:
                    raise
                # What becomes of a commit whose answer is lost, the engine finds out itself.
                lost.append(error)
                return None

        result = MongoClient._retryable_write(client, retryable, once, *args, **kwargs)
        if lost:
            raise lost[0]
        return result

    def _get_bound_session(self) -> Any:
        session = bound_session()
        if session is not None and vars(session.client) is not vars(self):
            raise foreign_session()
        return session

    _event_listeners: Any = property(listeners_of)
    options: Any = property(given_options)

    def _close_cursor_soon(self, cursor_id: int, address: Any, conn_mgr: Any = None) -> None:
        client: Any = self
        held = client.argon.engine.held_cursors
        if cursor_id in held and not sends_commands(client):
            # The physical cursor looks after its own end.
            held.pop(cursor_id, None)
            return
        # What is queued is killed by the plain client's own task, which shares this client's state.
        vars(client)["_kill_cursors"] = self._kill_queued
        MongoClient._close_cursor_soon(client, cursor_id, address, conn_mgr)

    def _kill_queued(
        self, cursor_ids: Sequence[int], address: Any, topology: Any, session: Any = None
    ) -> None:
        """Send ``killCursors`` to branches, where it is heard; for physical cursors to the server."""
        client: Any = self
        engine = client.argon.engine
        physical = address.namespace.startswith(f"{engine.plain.name}.")
        ours = [number for number in cursor_ids if not physical or number in engine.held_cursors]
        theirs = [number for number in cursor_ids if number not in ours]
        for killing, numbers in ((client, ours), (client._plain, theirs)):
            if numbers:
                MongoClient._kill_cursors(killing, numbers, address, topology, session)

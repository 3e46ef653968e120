"""Which connection is taken, by the driver's own means.

A driver takes a connection from its pool for each command. A commit's
statements follow one another so closely that they had better share one.

PyMongo has no call for either, so this and what sends on the connections
stand on its protected parts, as cursors do; that is why its minor version is
pinned. Where a client has other parts (Motor) or wants to see each command
(listeners, encryption, timeouts), the driver does everything.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from pymongo import AsyncMongoClient, MongoClient, ReadPreference

from argon.io import Operation
from argon.wire.timeouts import current

_commands = logging.getLogger("pymongo.command")


def can_bypass(client: Any) -> bool:
    """Whether commands may go past the client's own way of running one."""
    if not isinstance(client, MongoClient | AsyncMongoClient):
        return False
    pools = client.options.pool_options
    listeners = pools._event_listeners
    watched = (listeners is not None and listeners.enabled_for_commands) or _commands.isEnabledFor(
        logging.DEBUG
    )
    altered = client._encrypter or getattr(pools._compression_settings, "compressors", None)
    pinned = client.options.load_balanced
    timed = client.options.timeout is not None or current() is not None
    return not (watched or altered or pinned or timed)


class Kept:
    """A connection that a transaction keeps; it stands where the driver has its own manager of one.

    Args:
        connection: The connection.
        checkout: The driver's context that it was taken in, which hears of errors.

    Attributes:
        fields: What the driver says with each command of the transaction, once the first has been sent.
    """

    def __init__(self, connection: Any, checkout: Any) -> None:
        self.conn = connection
        self.checkout = checkout
        # Another object as soon as the driver learns anything of the servers, or is closed.
        self._servers = checkout.client._topology._description
        self.fields: dict[str, Any] = {}

    def begin_again(self, session: Any) -> bool:
        """Begin the next transaction of the session that has the connection, like the last.

        Args:
            session: The session, whose last transaction has landed.

        Returns:
            Whether the connection is good for it, as the driver judges those in its pool.
        """
        pool = self.conn.pool_ref()
        if self._servers is not self.checkout.client._topology._description or pool._perished(self.conn):
            return False
        transaction = session._transaction
        transaction.conn_mgr = None  # or it would be given back
        transaction.reset()
        transaction.conn_mgr, transaction.pinned_address = self, self.conn.address
        transaction.set_starting()
        session._start_retryable_write()
        session._server_session.last_use = time.monotonic()
        if self.fields:
            self.fields["txnNumber"] = session._server_session.transaction_id
        return True

    def rest(self) -> None:
        """Note that nobody uses the connection for now, as the driver does of those in its pool."""
        self.conn.update_last_checkin_time()

    def close(self) -> Any:
        """Give the connection back; the session calls this, once."""
        return self.conn.unpin()


def keep_connection(client: Any, session: Any) -> Operation[None]:
    """Let a transaction have one connection for all that follows in its session.

    Selecting a server and taking a connection costs the client as much as sending a statement. The
    driver keeps one itself behind a load balancer ("Connection Pinning" in its specification), and
    gives it back when the transaction is aborted or the session ends. Until then nothing may wait
    for a connection outside the session: there may be no other.

    Args:
        client: The session's client.
        session: The session, in a transaction.
    """
    if kept(session) is not None or not can_bypass(client):
        return
    transaction = session._transaction
    if transaction.conn_mgr is not None or transaction.pinned_address is not None:
        return
    checkout = Checkout(client, (yield from select(client, session)), session)
    connection = yield from checkout.take()
    if transaction.pinned_address is None:
        transaction.conn_mgr, transaction.pinned_address = (
            Kept(connection, checkout.driver),
            connection.address,
        )
        connection.pin_txn()
    yield from checkout.give_back()


def let_connection_go(session: Any) -> Operation[None]:
    """Give back what :func:`keep_connection` keeps, before something outside the session waits for one."""
    if kept(session) is not None:
        yield session._unpin()


def let_closed_connection_go(session: Any) -> Operation[None]:
    """Give back what :func:`keep_connection` keeps if an interruption has closed it.

    The driver lets go of a connection that an error has closed, but not of one that a cancellation has.
    What is sent on that fails, and the driver then takes the server for gone, for everybody.
    """
    own = kept(session)
    if own is not None and own.conn.closed:
        yield session._unpin()


def kept(session: Any) -> Kept | None:
    """Return what :func:`keep_connection` keeps, if there is anything."""
    manager = session._transaction.conn_mgr if hasattr(session, "_unpin") else None
    return manager if isinstance(manager, Kept) else None


def select(client: Any, session: Any) -> Operation[Any]:
    """Return the server that takes writes, as the driver selects it."""
    # As the driver does for writes, but for this selector it has a shorter way.
    return (yield client._select_server(ReadPreference.PRIMARY, session, "transaction"))


class Checkout:
    """A connection on loan from the driver, in its own context.

    That pools the connection, labels the errors that end a transaction, and hears of those that
    tell something of the server.

    Args:
        client: Of the driver in use.
        server: As :func:`select` returned it.
        session: That has a transaction, if any.

    Attributes:
        driver: The driver's context.
    """

    __slots__ = ("_enter", "_leave", "driver")

    def __init__(self, client: Any, server: Any, session: Any) -> None:
        self.driver = client._checkout(server, session)
        if isinstance(client, MongoClient):
            self._enter, self._leave = self.driver.__enter__, self.driver.__exit__
        else:
            self._enter, self._leave = self.driver.__aenter__, self.driver.__aexit__

    def take(self) -> Operation[Any]:
        """Return the connection."""
        connection = yield self._enter()
        connection.apply_timeout(None)  # the last command on it may have had a time limit
        return connection

    def give_back(self, error: BaseException | None = None) -> Operation[None]:
        """Give the connection back.

        Args:
            error: What has befallen it.
        """
        if error is None:
            yield self._leave(None, None, None)
        else:
            yield self._leave(type(error), error, error.__traceback__)

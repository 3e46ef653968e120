"""The commands of a transaction, sent one after another before the first reply is awaited.

A commit's last statements do not depend on one another's replies, and on a
fast server most of their time would be round trips. The server works on a
connection's messages in order. The commit itself is sent only when every
statement has been answered: the server may refuse a statement without ending
the transaction, and would then commit half of it.

PyMongo has no such call, so this stands on its protected parts, as cursors
do; that is why its minor version is pinned. Where a client has other parts
(Motor) or wants to see each command (listeners, encryption, timeouts), the
commands go one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, MongoClient, ReadPreference, _csot
from pymongo.client_session_shared import _TxnState
from pymongo.errors import PyMongoError
from pymongo.helpers_shared import _check_command_response
from pymongo.message import _op_msg

from argon.io import Operation

_commands = logging.getLogger("pymongo.command")
_MAJORITY = {"w": "majority"}
_WORTH_SENDING = 64 * 1024
"""Bytes from which on the server had better begin while the next command is encoded."""
# An error's text may cut a value of the user's in the middle of a character.
_REPLY: CodecOptions[dict[str, Any]] = CodecOptions(unicode_decode_error_handler="replace")


def _can_pipeline(client: Any) -> bool:
    if not isinstance(client, MongoClient | AsyncMongoClient):
        return False
    pools = client.options.pool_options
    listeners = pools._event_listeners
    watched = (listeners is not None and listeners.enabled_for_commands) or _commands.isEnabledFor(
        logging.DEBUG
    )
    altered = client._encrypter or getattr(pools._compression_settings, "compressors", None)
    timed = client.options.timeout is not None or _csot.get_timeout() is not None
    return not (watched or altered or timed)


def run_commands(
    database: Any,
    commands: Sequence[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any] = _REPLY,
) -> Operation[list[Any]]:
    """Run commands in order, in a transaction.

    Args:
        database: Where.
        commands: The commands; the driver adds fields to them.
        session: The session, in a transaction that is to be aborted if one fails.
        codec: Of the replies.

    Returns:
        The replies, as far as the first with write errors.

    Raises:
        PyMongoError: The first error.
    """
    if _kept(session) is not None or _can_pipeline(database.client):
        return (yield from _pipelined(database.client, database.name, commands, session, codec))
    replies = []
    for command in commands:
        replies.append((yield database.command(command, codec_options=codec, session=session)))
        if replies[-1].get("writeErrors"):
            break
    return replies


class _Kept:
    """A connection that a transaction keeps; it stands where the driver has its own manager of one.

    Args:
        connection: The connection.
        checkout: The driver's context that it was taken in, which hears of errors.
    """

    def __init__(self, connection: Any, checkout: Any) -> None:
        self.conn = connection
        self.checkout = checkout

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
    transaction = session._transaction if _can_pipeline(client) else None
    if transaction is None or transaction.conn_mgr is not None or transaction.pinned_address is not None:
        return
    checkout, enter, leave = yield from _checkout(client, session)
    connection = yield enter()
    if transaction.pinned_address is None:
        transaction.conn_mgr, transaction.pinned_address = _Kept(connection, checkout), connection.address
        connection.pin_txn()
    yield leave(None, None, None)


def let_connection_go(session: Any) -> Operation[None]:
    """Give back what :func:`keep_connection` keeps, before something outside the session waits for one."""
    if _kept(session) is not None:
        yield session._unpin()


def _kept(session: Any) -> _Kept | None:
    manager = session._transaction.conn_mgr if hasattr(session, "_unpin") else None
    return manager if isinstance(manager, _Kept) else None


def commit(client: Any, session: Any, visible: Callable[[], None] | None = None) -> Operation[bool]:
    """Commit a transaction whose statements have all been answered.

    Args:
        client: The session's client.
        session: The session.
        visible: Called once the primary has the commit, while a majority is still to have it.

    Returns:
        Whether it is certain that the transaction has landed. If not, ask by the driver's own method.
    """
    if _kept(session) is None and not _can_pipeline(client):
        return False
    if session._transaction.recovery_token is not None:
        return False
    commands = [{"commitTransaction": 1, "writeConcern": dict(_MAJORITY)}]
    heard = None
    if visible is not None:
        # To commit again is to wait: "the transaction has been committed" is for the second to say.
        commands.insert(0, {"commitTransaction": 1, "writeConcern": {"w": 1}})
        heard = partial(_tell, visible)
    try:
        replies = yield from _pipelined(client, "admin", commands, session, _REPLY, heard)
    except PyMongoError:
        return False
    if "writeConcernError" in replies[-1]:
        return False
    session._transaction.state = _TxnState.COMMITTED
    return True


def _tell(visible: Callable[[], None], reply: Mapping[str, Any]) -> None:
    if reply.get("ok") == 1:
        visible()


def _pipelined(
    client: Any,
    database: str,
    commands: Sequence[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any],
    heard: Callable[[Mapping[str, Any]], None] | None = None,
) -> Operation[list[Any]]:
    kept = _kept(session)
    if kept is not None:
        try:
            return (yield from _exchange(client, kept.conn, database, commands, session, codec, heard))
        except BaseException as error:
            yield kept.checkout.handle(type(error), error)
            raise
    _, enter, leave = yield from _checkout(client, session)
    connection = yield enter()
    try:
        replies = yield from _exchange(client, connection, database, commands, session, codec, heard)
    except BaseException as error:
        yield leave(type(error), error, error.__traceback__)
        raise
    yield leave(None, None, None)
    return replies


def _checkout(client: Any, session: Any) -> Operation[Any]:
    """Return the driver's own context of a connection, and how to enter and leave it.

    It pools the connection, and labels the errors that end the transaction.
    """
    # As the driver does for writes, but for this selector it has a shorter way.
    server = yield client._select_server(ReadPreference.PRIMARY, session, "transaction")
    checkout = client._checkout(server, session)
    if hasattr(checkout, "__aenter__"):
        return checkout, checkout.__aenter__, checkout.__aexit__
    return checkout, checkout.__enter__, checkout.__exit__


def _exchange(
    client: Any,
    connection: Any,
    database: str,
    commands: Sequence[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any],
    heard: Callable[[Mapping[str, Any]], None] | None,
) -> Operation[list[Any]]:
    numbers, unsent, largest = [], b"", 0
    replies = []
    try:
        for place, command in enumerate(commands, 1):
            connection.add_server_api(command)
            session._apply_to(command, False, ReadPreference.PRIMARY, connection)
            session._transaction.set_in_progress()
            connection.send_cluster_time(command, session, client)
            number, message, _, size = _op_msg(0, command, database, None, codec)
            numbers.append(number)
            unsent, largest = unsent + message, max(largest, size)
            if place == len(commands) or len(unsent) > _WORTH_SENDING:
                yield connection.send_message(unsent, largest)
                unsent = b""
        for number in numbers:
            answer = yield connection.receive_message(number)
            replies.append(answer.unpack_response(codec_options=codec)[0])
            if heard is not None:
                heard(replies[-1])
    except BaseException:
        # Replies are still to come, which whoever had the connection next would take for its own.
        yield connection.close_conn(None)
        raise
    yield client._process_response(replies[-1], session)  # the others tell of earlier times
    for number, reply in enumerate(replies, 1):
        _check_command_response(reply, connection.max_wire_version)
        if reply.get("writeErrors"):
            # It has ended the transaction, and the later ones say no more than that.
            return replies[:number]
    return replies

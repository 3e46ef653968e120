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
from collections.abc import Sequence
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
    if _can_pipeline(database.client):
        return (yield from _pipelined(database.client, database.name, commands, session, codec))
    replies = []
    for command in commands:
        replies.append((yield database.command(command, codec_options=codec, session=session)))
        if replies[-1].get("writeErrors"):
            break
    return replies


def commit(client: Any, session: Any) -> Operation[bool]:
    """Commit a transaction whose statements have all been answered.

    Args:
        client: The session's client.
        session: The session.

    Returns:
        Whether it is certain that the transaction has landed. If not, ask by the driver's own method.
    """
    if not _can_pipeline(client) or session._transaction.recovery_token is not None:
        return False
    command = {"commitTransaction": 1, "writeConcern": dict(_MAJORITY)}
    try:
        [reply] = yield from _pipelined(client, "admin", [command], session, _REPLY)
    except PyMongoError:
        return False
    if "writeConcernError" in reply:
        return False
    session._transaction.state = _TxnState.COMMITTED
    return True


def _pipelined(
    client: Any, database: str, commands: Sequence[dict[str, Any]], session: Any, codec: CodecOptions[Any]
) -> Operation[list[Any]]:
    checkout = yield client._conn_for_writes(session, "transaction")
    # The client's own context: it pools the connection, and labels the errors that end the transaction.
    enter, leave = (
        (checkout.__aenter__, checkout.__aexit__)
        if hasattr(checkout, "__aenter__")
        else (checkout.__enter__, checkout.__exit__)
    )
    connection = yield enter()
    try:
        replies = yield from _exchange(client, connection, database, commands, session, codec)
    except BaseException as error:
        yield leave(type(error), error, error.__traceback__)
        raise
    yield leave(None, None, None)
    return replies


def _exchange(
    client: Any,
    connection: Any,
    database: str,
    commands: Sequence[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any],
) -> Operation[list[Any]]:
    messages = []
    largest = 0
    for command in commands:
        connection.add_server_api(command)
        session._apply_to(command, False, ReadPreference.PRIMARY, connection)
        session._transaction.set_in_progress()
        connection.send_cluster_time(command, session, client)
        number, message, _, size = _op_msg(0, command, database, None, codec)
        messages.append((number, message))
        largest = max(largest, size)
    replies = []
    try:
        yield connection.send_message(b"".join(message for _, message in messages), largest)
        for number, _ in messages:
            answer = yield connection.receive_message(number)
            replies.append(answer.unpack_response(codec_options=codec)[0])
    except BaseException:
        # Replies are still to come, which whoever had the connection next would take for its own.
        yield connection.close_conn(None)
        raise
    for number, reply in enumerate(replies, 1):
        yield client._process_response(reply, session)
        _check_command_response(reply, connection.max_wire_version)
        if reply.get("writeErrors"):
            # It has ended the transaction, and the later ones say no more than that.
            return replies[:number]
    return replies

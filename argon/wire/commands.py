"""The commands of a transaction, sent one after another before the first reply is awaited.

A commit's last statements do not depend on one another's replies, and on a
fast server most of their time would be round trips. The server works on a
connection's messages in order, on the first while the next is made. The commit
itself is sent only when every statement has been answered: the server may
refuse a statement without ending the transaction, and would then commit half
of it.

Over which connection, and when not, is said in :mod:`argon.wire.connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON
from bson.raw_bson import _inflate_bson
from pymongo import MongoClient, ReadPreference
from pymongo.client_session_shared import _TxnState
from pymongo.errors import PyMongoError
from pymongo.helpers_shared import _check_command_response
from pymongo.message import _op_msg

from argon.io import Operation, run
from argon.wire.connection import Checkout, Kept, can_bypass, kept, select
from argon.wire.replies import reader

_MAJORITY = {"w": "majority"}
_OF_ALL = ("lsid", "txnNumber", "autocommit", "apiVersion", "apiStrict", "apiDeprecationErrors")
"""Fields that the driver adds to each command of a transaction."""
# An error's text may cut a value of the user's in the middle of a character.
_REPLY: CodecOptions[dict[str, Any]] = CodecOptions(unicode_decode_error_handler="replace")


def run_commands(
    database: Any,
    commands: Iterable[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any] = _REPLY,
) -> Operation[list[Any]]:
    """Run commands in order, in a transaction.

    Args:
        database: Where.
        commands: The commands; the driver adds fields to them. Each is sent before the next is made.
        session: The session, in a transaction that is to be aborted if one fails.
        codec: Of the replies.

    Returns:
        The replies, as far as the first with write errors.

    Raises:
        PyMongoError: The first error.
    """
    client, own = database.client, kept(session)
    if own is not None or can_bypass(client):
        return (yield from _pipelined(client, database.name, commands, session, codec, own))
    replies = []
    for command in commands:
        replies.append((yield database.command(command, codec_options=codec, session=session)))
        if replies[-1].get("writeErrors"):
            break
    return replies


def commit(client: Any, session: Any, visible: Callable[[], None] | None = None) -> Operation[bool]:
    """Commit a transaction whose statements have all been answered.

    Args:
        client: The session's client.
        session: The session.
        visible: Called once the primary has the commit, while a majority is still to have it.

    Returns:
        Whether it is certain that the transaction has landed. If not, ask by the driver's own method.
    """
    own = kept(session)
    if not (own is not None or can_bypass(client)) or session._transaction.recovery_token is not None:
        return False
    commands = [{"commitTransaction": 1, "writeConcern": dict(_MAJORITY)}]
    if visible is not None:
        # To commit again is to wait: "the transaction has been committed" is for the second to say.
        commands.insert(0, {"commitTransaction": 1, "writeConcern": {"w": 1}})
    try:
        replies = yield from _pipelined(client, "admin", commands, session, _REPLY, own, visible)
    except PyMongoError:
        return False
    if "writeConcernError" in replies[-1]:
        return False
    if own is not None:
        yield client._process_response(replies[-1], None)
    session._transaction.state = _TxnState.COMMITTED
    return True


def _pipelined(
    client: Any,
    database: str,
    commands: Iterable[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any],
    own: Kept | None,
    done: Callable[[], None] | None = None,
) -> Operation[list[Any]]:
    if own is not None:
        exchange = _exchange(client, own.conn, database, commands, session, codec, own, done)
        try:
            # Nothing is awaited in it there, so that it need not go through all who wait for it.
            return run(exchange) if isinstance(client, MongoClient) else (yield from exchange)
        except BaseException as error:
            yield own.checkout.handle(type(error), error)
            raise
    checkout = Checkout(client, (yield from select(client, session)), session)
    connection = yield from checkout.take()
    try:
        replies = yield from _exchange(client, connection, database, commands, session, codec, None, done)
        yield client._process_response(replies[-1], session)
    except BaseException as error:
        yield from checkout.give_back(error)
        raise
    yield from checkout.give_back()
    return replies


def _exchange(
    client: Any,
    connection: Any,
    database: str,
    commands: Iterable[dict[str, Any]],
    session: Any,
    codec: CodecOptions[Any],
    own: Kept | None,
    done: Callable[[], None] | None,
) -> Operation[list[Any]]:
    numbers, replies = [], []
    try:
        for command in commands:
            if own is not None and own.fields:
                command.update(own.fields)
                if session._starting_transaction:
                    # Neither the time is told again nor what to read after: this server has said both itself.
                    concern = session._transaction.opts.read_concern.document
                    command.update(startTransaction=True, readConcern=concern)
                    session._transaction.set_in_progress()
            else:
                connection.add_server_api(command)
                session._apply_to(command, False, ReadPreference.PRIMARY, connection)
                session._transaction.set_in_progress()
                connection.send_cluster_time(command, session, client)
                if own is not None:
                    # One server hears all, so the first tells it the time, and that a transaction starts.
                    own.fields = {name: command[name] for name in _OF_ALL if name in command}
            number, message, _, size = _op_msg(0, command, database, None, _REPLY)
            numbers.append(number)
            yield connection.send_message(message, size)
        receive = reader(connection)
        for number in numbers:
            replies.append(_opened((yield receive(number)), codec))
            if done is not None and replies[-1].get("ok") == 1:
                done()
    except BaseException:
        # Replies are still to come, which whoever had the connection next would take for its own.
        yield connection.close_conn(None)
        raise
    for number, reply in enumerate(replies, 1):
        _check_command_response(reply, connection.max_wire_version)
        if "writeErrors" in reply:
            # It has ended the transaction, and the later ones say no more than that.
            return replies[:number]
    return replies


def _opened(answer: Any, codec: CodecOptions[Any]) -> dict[str, Any]:
    """Return the fields of a reply, without the bytes of the whole where its parts are raw."""
    if codec is _REPLY:
        return bson.decode(answer.payload_document, codec)
    try:
        reply: dict[str, Any] = _inflate_bson(answer.payload_document, codec)
    except InvalidBSON:
        reply = {}
    return reply if reply.get("ok") == 1 else bson.decode(answer.payload_document, _REPLY)

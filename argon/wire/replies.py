"""Reading replies that follow one another on a connection.

For each reply PyMongo asks the socket twice, for the header and for the rest,
and sets its timeout before and after each time: eight calls of the system. The
replies of an exchange are small and come together, so here one look takes all
that has come. What is missing then, and what is long in coming, PyMongo reads,
for it knows about time limits and about connections that others close.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from pymongo.errors import ProtocolError
from pymongo.message import _OpMsg
from pymongo.network_layer import _POLL_TIMEOUT, _WINDOWS, BLOCKING_IO_ERRORS, receive_data
from pymongo.synchronous.pool import Connection

_HEADER = Struct("<iiiiIB")
"""Length, number, the number of the message that it answers, what it is, its flags, and what comes first in
it; see "OP_MSG" in MongoDB's wire protocol."""
_AT_ONCE = 64 * 1024


def reader(connection: Any) -> Callable[[int], Any]:
    """Return what reads the reply to a message, by the message's number, as the driver's own method does.

    Args:
        connection: Of the driver in use; all replies that are still to come on it are read by this reader.
    """
    if isinstance(connection, Connection) and not _WINDOWS and connection.conn.gettimeout() is None:
        return _Replies(connection).receive
    receive: Callable[[int], Any] = connection.receive_message
    return receive


class _Replies:
    """The replies on a synchronous connection that has no time limit.

    Args:
        connection: The connection.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._come = bytearray()

    def receive(self, number: int) -> _OpMsg:
        """Return the reply to a message, or close the connection.

        Args:
            number: The message's.

        Raises:
            ConnectionFailure: There is none.
        """
        try:
            self._have(_HEADER.size)
            length, _, *told = _HEADER.unpack_from(self._come)
            if told != [number, _OpMsg.OP_CODE, 0, 0] or length > self._connection.max_message_size:
                raise ProtocolError(
                    f"got a reply of {length} bytes and the header {told} to message {number}"
                )
            self._have(length)
        except BaseException as error:
            self._connection._raise_connection_failure(error)
        # Not copied, for it may be long; what follows it is short.
        come, self._come = self._come, self._come[length:]
        return _OpMsg(0, memoryview(come)[_HEADER.size : length])

    def _have(self, size: int) -> None:
        connection, come = self._connection, self._come
        if not come:
            connection.set_conn_timeout(_POLL_TIMEOUT)
            try:
                come += connection.conn.get_conn.recv(_AT_ONCE)
            except (TimeoutError, *BLOCKING_IO_ERRORS):
                pass
            finally:
                connection.set_conn_timeout(None)
        if len(come) < size:
            come += receive_data(connection, size - len(come), None)

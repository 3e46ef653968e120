"""The sessions in which a client's transactions land.

To open a session, to select a server and to take a connection cost the client
as much as two statements. Commits often follow one another closely, so one
leaves its session behind, with its connection, and the next goes on in it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pymongo import MongoClient
from pymongo.client_session_shared import _TxnState
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from argon.forks import renew_in_child
from argon.io import Operation, World
from argon.wal.orphans import close_session, open_session
from argon.wire.connection import Kept, can_bypass, kept

COMMITTED = {
    "read_concern": ReadConcern("local"),
    "write_concern": WriteConcern("majority"),
    "read_preference": ReadPreference.PRIMARY,
}
"""Transactions that land: a snapshot could be from before the commit that they follow. The client's own read
preference would be theirs otherwise, and a transaction is the primary's."""
_MANY = 10
"""Connections of a client of which one may be kept from the others; with few, somebody may wait for it."""


class Sessions:
    """Begins transactions, and keeps one session of those that have landed for the next.

    Args:
        client: Of the driver in use.
        world: Threads or an event loop.
        own: Whether the client is Argon's own, so that whoever closes it calls :meth:`close` before. An event
            loop may be closed at any time, so sessions are kept by synchronous clients only.
    """

    def __init__(self, client: Any, world: World, *, own: bool) -> None:
        self._client = client
        self._world = world
        self._keeps = (
            own and isinstance(client, MongoClient) and client.options.pool_options.max_pool_size >= _MANY
        )
        self._left: deque[tuple[Any, Kept]] = deque()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Leave the session and its connection to the parent."""
        for session, _ in self._left:
            session._transaction.conn_mgr = None
        self._left = deque()

    def begin(self) -> Operation[Any]:
        """Return a session in a transaction that has just begun."""
        left = self._take() if self._left and can_bypass(self._client) else None
        if left is not None:
            session, own = left
            if own.begin_again(session):
                return session
            yield from close_session(session, self._world)
        session = yield from open_session(self._client, self._world)
        yield session.start_transaction(**COMMITTED)
        return session

    def end(self, session: Any) -> Operation[None]:
        """End the session of a transaction, or keep it for the next one.

        Args:
            session: As :meth:`begin` returned it. A transaction that has not landed is aborted.
        """
        own = kept(session) if self._keeps and not self._left else None
        if own is None or session._transaction.state is not _TxnState.COMMITTED:
            yield from close_session(session, self._world)
        else:
            own.rest()
            self._left.append((session, own))

    def close(self) -> Operation[None]:
        """Give back what is kept, before the client is closed."""
        self._keeps = False
        while (left := self._take()) is not None:
            yield from close_session(left[0], self._world)

    def _take(self) -> tuple[Any, Kept] | None:
        try:
            return self._left.pop()
        except IndexError:
            return None

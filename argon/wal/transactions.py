"""Transactions that are run again while that can help, and whose end is always learned."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from argon.io import Abandoned, Operation, World
from argon.wal.orphans import end_orphans
from argon.wal.sessions import Sessions
from argon.wire import commands
from argon.wire.connection import let_closed_connection_go, let_connection_go
from argon.wire.timeouts import MOMENT, a_moment_more, current

DISCARDED = {
    "read_concern": ReadConcern("snapshot"),
    "write_concern": WriteConcern(1),
    "read_preference": ReadPreference.PRIMARY,
}
"""Transactions that are always rolled back, so that nobody waits for that to be durable."""
SNAPSHOT_UNAVAILABLE = 246
T = TypeVar("T")
_ABANDONED = 100.0
"""Seconds after which a server has ended every transaction that its client has left to it: it lets one live
for ``transactionLifetimeLimitSeconds``, 60, and looks after them in half of that."""
_UNREACHABLE = 30.0
"""Seconds after which a server that cannot be reached counts as gone."""
_COMMIT_DEADLINE = 60.0
"""Seconds for which the outcome of a sent commit is asked again."""
_COMMIT_PAUSE = 0.05
_PATIENCE = 0.25
"""Seconds after which a writer that is held up asks whether a dead client holds it up."""


class CommitFailed(Exception):
    """The commit itself failed, so that trying again might do everything twice.

    Args:
        cause: The error. Its label ``UnknownTransactionCommitResult`` says that
            the writes may have landed all the same; without it they have not.
        interruption: What stopped the wait for the outcome, if that is why.
    """

    def __init__(self, cause: PyMongoError, interruption: BaseException | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.interruption = interruption


class Transactions:
    """Runs transactions.

    Args:
        client: Of the driver in use.
        world: Threads or an event loop.
        own: Whether the client is Argon's own; see :class:`argon.wal.sessions.Sessions`.
    """

    def __init__(self, client: Any, world: World, *, own: bool) -> None:
        self._client = client
        self._world = world
        self._looked = 0.0
        self._sessions = Sessions(client, world, own=own)

    def transaction(self, body: Any) -> Operation[Any]:
        """Run a body of writes in a transaction and commit it.

        Args:
            body: An operation that takes the session and only writes.

        Returns:
            What the body returns.
        """
        try:
            return (yield from self.landing(body, _nothing))
        except CommitFailed as failed:
            raise failed.interruption or failed.cause from failed

    def landing(
        self,
        body: Any,
        landed: Callable[[Any], None],
        visible: Callable[[Any], None] | None = None,
    ) -> Operation[Any]:
        """Run a body as :meth:`transaction` does, for a caller that must learn that it has landed.

        Args:
            body: An operation that takes the session and only writes.
            landed: Called with what the body returns once the commit has landed, also when the
                caller is interrupted.
            visible: Called with the same as soon as others can read it, though a failover may still
                undo it; not called where the driver does not let that be known.

        Raises:
            CommitFailed: The commit itself failed.
        """
        session = yield from self._sessions.begin()
        try:
            try:
                result = yield from body(session)
            except BaseException:
                yield from _abort(session)
                raise
            seen = None if visible is None else partial(visible, result)
            yield from self._commit(session, partial(landed, result), seen)
            return result
        finally:
            yield from self._sessions.end(session)

    def retrying(self, body: Any) -> Operation[Any]:
        """Run a transaction again for as long as only passing errors stop it.

        Args:
            body: As for :meth:`transaction`; it must be safe to run again.
        """
        began = time.monotonic()
        for delay in backoff():
            try:
                return (yield from self.transaction(body))
            except PyMongoError as error:
                if not may_pass(error, began):
                    raise
                last = error
            yield self._world.sleep(delay)
            yield from self.unblock(began)
        raise last

    def close(self) -> Operation[None]:
        """Give back what is kept between transactions, before the client is closed."""
        yield from self._sessions.close()

    def unblock(self, since: float) -> Operation[None]:
        """Abort what dead clients have left open, for a writer that is held up; cheap to call often.

        Args:
            since: When the writer first found its way blocked, by ``time.monotonic()``.
        """
        now = time.monotonic()
        if now - max(since, self._looked) > _PATIENCE:
            self._looked = now
            yield from end_orphans(self._client)

    def _commit(
        self, session: Any, landed: Callable[[], None], visible: Callable[[], None] | None
    ) -> Operation[None]:
        began = time.monotonic()
        interruption: BaseException | None = None
        pause = 0.0
        while True:
            try:
                if pause:
                    yield self._world.sleep(pause)
                elif (yield from commands.commit(self._client, session, visible)):
                    break
                yield from let_closed_connection_go(session)
                with a_moment_more() if pause else nullcontext():
                    yield session.commit_transaction()
                break
            except PyMongoError as error:
                if error.has_error_label("TransientTransactionError"):
                    raise  # it has not landed
                # Committing again is how one asks: the server answers for the
                # transaction that it has, or says that it never had it.
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if not unknown:
                    yield from self._give_up(session)
                if not unknown or interruption or not _asks_on(began):
                    raise CommitFailed(error, interruption) from error
            except (GeneratorExit, Abandoned):
                raise
            except BaseException as error:
                # The commit may hold the writes of others, who must learn what became of it.
                if interruption:
                    raise CommitFailed(_unknown(), error) from error
                interruption = error
            pause = _COMMIT_PAUSE
        landed()
        if interruption:
            raise interruption

    def _give_up(self, session: Any) -> Operation[None]:
        """Make sure that a transaction whose commit the server has refused holds nothing up."""
        yield from let_connection_go(session)
        try:
            with a_moment_more():
                yield self._client.admin.command("killSessions", [session.session_id])
        except PyMongoError:
            # The server ends it in its own time.
            return


def _asks_on(since: float) -> bool:
    """Whether to go on asking for the outcome of a commit: a moment longer than the caller's limit."""
    limit = current()
    end = since + _COMMIT_DEADLINE
    return time.monotonic() < (end if limit is None else min(end, limit.deadline + MOMENT))


def patience(error: Exception) -> float:
    """Return for how many seconds a writer tries again, whom a passing error has stopped.

    What it meets may be held by a transaction that its client has left open. It waits until the server ends
    that, as in MongoDB a write does that is in no transaction itself.

    Args:
        error: The last error.
    """
    return _UNREACHABLE if isinstance(error, ConnectionFailure) else _ABANDONED


def may_pass(error: PyMongoError, since: float) -> bool:
    """Whether to run a transaction again that an error has stopped.

    Args:
        error: The error.
        since: When it was run first, by ``time.monotonic()``.
    """
    in_time = time.monotonic() - since < patience(error)
    return in_time and error.has_error_label("TransientTransactionError")


def patiently(world: World, attempt: Callable[[], Operation[T]]) -> Operation[T]:
    """Run a snapshot read again while the server is still taking note of a new collection or index.

    Args:
        world: Threads or an event loop.
        attempt: Starts the read anew.
    """
    pauses: Iterator[float] | None = None
    while True:
        try:
            return (yield from attempt())
        except OperationFailure as error:
            # In a transaction it is the whole transaction that has to begin again.
            if error.code != SNAPSHOT_UNAVAILABLE or error.has_error_label("TransientTransactionError"):
                raise
            pauses = pauses or backoff(10.0)
            pause = next(pauses, None)
            if pause is None:
                raise
        yield world.sleep(pause)


def backoff(deadline: float = _ABANDONED) -> Iterator[float]:
    """Yield short, jittered, slowly growing pauses until ``deadline`` seconds have passed."""
    end = time.monotonic() + deadline
    pause = 0.001
    while time.monotonic() < end:
        yield random.uniform(0, pause)
        pause = min(pause * 1.5, 0.05)


def _nothing(_result: Any) -> None:
    """Hear that a transaction has landed, and need not know."""


def _unknown() -> PyMongoError:
    text = (
        "the commit was interrupted, its outcome is unknown: read the documents before you write them again"
    )
    return OperationFailure(text, None, {"errmsg": text, "errorLabels": ["UnknownTransactionCommitResult"]})


def _abort(session: Any) -> Operation[None]:
    try:
        if session.in_transaction:
            yield from let_closed_connection_go(session)
            with a_moment_more():
                yield session.abort_transaction()
    except PyMongoError:
        # The server drops the transaction with the session.
        return

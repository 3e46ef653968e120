# Generated from argon/aio/session.py by tools/async_to_sync.py: edit that.

"""PyMongo's session, whose transactions are commits on a branch."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from pymongo.client_session_shared import TransactionOptions
from pymongo.errors import InvalidOperation
from pymongo.read_concern import ReadConcern
from pymongo.synchronous.client_session import ClientSession
from pymongo.write_concern import WriteConcern

from argon.driver._world import Openable, TransactionContext, is_session, settle
from argon.engine.handle import Handle
from argon.engine.transaction import Transaction
from argon.errors import UnsupportedOperation
from argon.io import run

if TYPE_CHECKING:
    from argon.driver.client import ProjectsClient, WALClient


_bound: ContextVar[Any] = ContextVar("bound session", default=None)
"""The session of a block; not PyMongo's own variable, which the commands of commits would see too."""


class _Binding:
    def __init__(self, session: WALSession, end_session: bool) -> None:
        self._session = session
        self._end_session = end_session
        self._token: Token[Any] | None = None

    def __enter__(self) -> WALSession:
        self._token = _bound.set(self._session)
        return self._session

    def __exit__(self, *_error: object) -> None:
        if self._token is not None:
            _bound.reset(self._token)
            self._token = None
        if self._end_session:
            self._session.end_session()


class WALSession(ClientSession, Openable):
    """A session of :class:`argon.WALClient`, with PyMongo's methods.

    A transaction is on one branch, over all of its collections, and lands as
    one commit. Outside a transaction the session is the plain client's.

    Args:
        client: Whose session it is.
        plain: The plain client's session.
    """

    def __init__(self, client: ProjectsClient[Any], plain: ClientSession) -> None:
        self.__dict__ = plain.__dict__  # one session, with two sets of methods
        self._wal_client: Any = client
        self._plain: Any = plain
        self._group: Transaction | None = None
        self._state = "none"

    @property
    def client(self) -> WALClient[Any]:
        """The client that the session belongs to."""
        client: WALClient[Any] = self._wal_client
        return client

    @property
    def plain(self) -> ClientSession:
        """The plain client's session."""
        plain: ClientSession = self._plain
        return plain

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._state == "open"

    def _txn_read_preference(self) -> None:
        """Leave reads in a transaction to the collection's own preference."""

    def _open(self) -> None:
        """Be as it is: a session sends nothing before it is used."""

    def start_transaction(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: Any = None,
        max_commit_time_ms: int | None = None,
    ) -> Any:
        """See :meth:`pymongo.client_session.ClientSession.start_transaction`.

        Raises:
            InvalidOperation: One is open already, or the session is one of snapshots.
            ConfigurationError: The write concern is an unacknowledged one.
        """
        self._check_ended()
        if self.options.snapshot:
            raise InvalidOperation("Transactions are not supported in snapshot sessions")
        if self.in_transaction:
            raise InvalidOperation("Transaction already in progress")
        # PyMongo checks what it is given; a commit is read and written in one way whatever was asked for.
        TransactionOptions(
            self._inherit_option("read_concern", read_concern),
            self._inherit_option("write_concern", write_concern),
            self._inherit_option("read_preference", read_preference),
            max_commit_time_ms,
        )
        self._group = None
        self._state = "open"
        return TransactionContext(self)

    def commit_transaction(self) -> None:
        """Land the transaction as one commit.

        Raises:
            OperationFailure: Somebody else changed one of its documents first; the
                error has the label TransientTransactionError.
        """
        self._check_ended()
        if self._state == "none":
            raise InvalidOperation("No transaction started")
        if self._state == "aborted":
            raise InvalidOperation("Cannot call commitTransaction after calling abortTransaction")
        if self._state == "committed":
            return
        group, self._group = self._group, None
        self._state = "committed"
        if group is not None:
            run(group.commit())

    def abort_transaction(self) -> None:
        """Forget all that the transaction did."""
        self._check_ended()
        if self._state == "none":
            raise InvalidOperation("No transaction started")
        if self._state == "aborted":
            raise InvalidOperation("Cannot call abortTransaction twice")
        if self._state == "committed":
            raise InvalidOperation("Cannot call abortTransaction after calling commitTransaction")
        group, self._group = self._group, None
        self._state = "aborted"
        if group is not None:
            run(group.abort())

    def _end_session(self, lock: bool) -> None:
        if self.in_transaction:
            self.abort_transaction()
        settle(self._plain._end_session(lock=lock))

    def bind(self, end_session: bool = True) -> Any:
        """See :meth:`pymongo.client_session.ClientSession.bind`."""
        return _Binding(self, end_session)

    def bound(self, handle: Handle) -> Handle:
        """Return a handle that works inside the session's transaction, if one is open.

        Args:
            handle: A branch's head, or a moment of its past, which no transaction changes.

        Raises:
            UnsupportedOperation: The transaction is on another branch.
        """
        self._check_ended()
        if self._wal_client.argon.engine is not handle.line.engine:
            raise InvalidOperation("Can only use session with the MongoClient that started it")
        if not self.in_transaction or handle.past or handle.transaction is not None:
            return handle
        if self._group is None:
            self._group = handle.begin()
        elif self._group.line is not handle.line:
            raise UnsupportedOperation(
                f"the transaction is on the branch {self._group.line.record.name!r}, and a commit is on one "
                f"branch: begin another one for {handle.line.record.name!r}"
            )
        return handle.within(self._group)


def bind(session: Any, handle: Handle) -> Handle:
    """Return the handle that an operation with a session works on.

    Args:
        session: What the user gave as ``session=``.
        handle: The collection's own.

    Raises:
        InvalidOperation: The session is a plain client's, and in a transaction.
    """
    if session is None:
        session = _bound.get()
        if session is None:
            return handle
    if isinstance(session, WALSession):
        return session.bound(handle)
    if not is_session(session):
        raise ValueError(f"'session' argument must be a ClientSession or None, not {type(session)}")
    if session.in_transaction:
        raise InvalidOperation(
            "a plain MongoClient's transaction does not reach branches: start the session with "
            "argon.client().start_session()"
        )
    return handle

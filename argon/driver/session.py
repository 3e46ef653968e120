# Generated from argon/aio/session.py by tools/async_to_sync.py: edit that.

"""PyMongo's session, whose transactions are commits on a branch."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from pymongo.client_session_shared import TransactionOptions, _TxnState
from pymongo.errors import InvalidOperation, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.synchronous.client_session import ClientSession, _Transaction
from pymongo.write_concern import WriteConcern

from argon.driver._world import Openable, TransactionContext, is_session
from argon.engine.conflicts import gone_transaction
from argon.engine.handle import FirstReads, Handle
from argon.engine.transaction import Transaction
from argon.errors import UnsupportedOperation
from argon.io import run
from argon.listening import is_pymongos, sends_commands

if TYPE_CHECKING:
    from argon.driver.client import ProjectsClient, WALClient


_bound: ContextVar[Any] = ContextVar("bound session", default=None)
"""The session of a block; not PyMongo's own variable, which the commands of commits would see too."""


def bound_session() -> Any:
    """Return the session of the block that runs; None outside of any."""
    return _bound.get()


def foreign_session() -> InvalidOperation:
    """Build the error for a block whose session is of another client."""
    return InvalidOperation(
        "Only the client that created the bound session can perform operations within its context block"
    )


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


def _sends_on(session: WALSession) -> Any:
    """Return the client that PyMongo's own part of a session uses; Motor's session holds PyMongo's."""
    client = session._wal_client
    return client if is_pymongos(client) else vars(session)["_client"]


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
        self._transaction = _Transaction(None, self.client)
        self._group: Transaction | None = None
        self._failure: PyMongoError | None = None
        self._used = False
        self._first_reads = FirstReads({})

    _client: Any = property(_sends_on)

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
    def cluster_time(self) -> Any:
        """See :attr:`pymongo.client_session.ClientSession.cluster_time`."""
        self._observe()
        return self._cluster_time

    @property
    def operation_time(self) -> Any:
        """See :attr:`pymongo.client_session.ClientSession.operation_time`."""
        self._observe()
        return self._operation_time

    def _observe(self) -> None:
        """Take note of the servers' time, which is not before the session's last operation."""
        client: Any = self._client
        told = not self._used or sends_commands(self._wal_client)
        now = None if told else client._topology.max_cluster_time()
        if now is not None:
            self._advance_cluster_time(now)
            self._advance_operation_time(now["clusterTime"])

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
        defaults = self.options.default_transaction_options
        if max_commit_time_ms is None and defaults is not None:
            max_commit_time_ms = defaults.max_commit_time_ms
        # PyMongo checks what it is given; a commit is read and written in one way whatever was asked for.
        options = TransactionOptions(
            self._inherit_option("read_concern", read_concern),
            self._inherit_option("write_concern", write_concern),
            self._inherit_option("read_preference", read_preference),
            max_commit_time_ms,
        )
        self._group = self._failure = None
        self._transaction = _Transaction(options, self.client)
        self._transaction.state = _TxnState.STARTING
        self._start_retryable_write()
        return TransactionContext(self)

    def _finish_transaction_with_retry(self, command_name: str) -> dict[str, Any]:
        if sends_commands(self._wal_client):
            return super()._finish_transaction_with_retry(command_name)
        return self.finish(command_name)

    def finish(self, command_name: str) -> dict[str, Any]:
        """Answer one of the two commands that end a transaction.

        Args:
            command_name: ``commitTransaction`` or ``abortTransaction``.

        Raises:
            OperationFailure: Somebody else changed one of its documents first; the
                error has the label TransientTransactionError.
        """
        group, self._group = self._group, None
        if group is None:
            if self._failure is not None:
                raise gone_transaction(self._failure)
        elif command_name == "abortTransaction":
            run(group.abort())
        else:
            try:
                run(group.commit())
            except PyMongoError as error:
                self._failure = error
                raise
        return {"ok": 1.0}

    def bind(self, end_session: bool = True) -> Any:
        """See :meth:`pymongo.client_session.ClientSession.bind`."""
        return _Binding(self, end_session)

    def bound(self, handle: Handle, *, reads: bool = False) -> Handle:
        """Return a handle that works inside the session's transaction, if one is open.

        Args:
            handle: A branch's head, or a moment of its past, which no transaction changes.
            reads: Whether it is for a read, which goes by the transaction's read preference.

        Raises:
            InvalidOperation: The session is another client's, or a read shall not be from the primary.
            UnsupportedOperation: The transaction is on another branch.
        """
        self._check_ended()
        if self._wal_client.argon.engine is not handle.line.engine:
            raise InvalidOperation("Can only use session with the MongoClient that started it")
        self._used = True
        if self.options.snapshot and not handle.past and handle.transaction is None:
            return handle.at(self._first_reads)
        if not self.in_transaction or handle.past or handle.transaction is not None:
            return handle
        preference = self._txn_read_preference()
        if reads and preference not in (None, ReadPreference.PRIMARY):
            raise InvalidOperation(f"read preference in a transaction must be primary, not: {preference!r}")
        self._transaction.set_in_progress()
        if self._group is None:
            self._group = handle.begin()
            self._group.of_session = True
        elif self._group.line is not handle.line:
            raise UnsupportedOperation(
                f"the transaction is on the branch {self._group.line.record.name!r}, and a commit is on one "
                f"branch: begin another one for {handle.line.record.name!r}"
            )
        return handle.within(self._group)


def bind(session: Any, handle: Handle, *, reads: bool = False) -> Handle:
    """Return the handle that an operation with a session works on.

    Args:
        session: What the user gave as ``session=``.
        handle: The collection's own.
        reads: Whether the operation is a read.

    Raises:
        InvalidOperation: The session is a plain client's, and in a transaction; or the read preference
            of its transaction is not the primary.
    """
    if session is None:
        session = _bound.get()
        if session is None:
            return handle
        if session.client.argon.engine is not handle.line.engine:
            raise foreign_session()
    if isinstance(session, WALSession):
        return session.bound(handle, reads=reads)
    if not is_session(session):
        raise ValueError(f"'session' argument must be a ClientSession or None, not {type(session)}")
    if session.in_transaction:
        raise InvalidOperation(
            "a plain MongoClient's transaction does not reach branches: start the session with "
            "argon.client().start_session()"
        )
    return handle

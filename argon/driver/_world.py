"""What this face does in its own way: calls return when they are done, and things are opened at once.

Its counterpart for event loops is :mod:`argon.aio._world`; these two modules and
the two of the same name for expiry are the only ones written twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor, RawBatchCommandCursor
from pymongo.cursor import Cursor
from pymongo.synchronous.client_session import ClientSession
from pymongo.synchronous.client_session import _TransactionContext as TransactionContext

from argon.engine.cursors import next_batch
from argon.io import ThreadWorld, run
from argon.listening import set_apart
from argon.server import resolve_uri

if TYPE_CHECKING:
    from argon.driver.argon import Argon
    from argon.driver.branch import Branch
    from argon.driver.classic import ClassicCollection

__all__ = ["TransactionContext"]

T = TypeVar("T")

World = ThreadWorld
Client: TypeAlias = MongoClient[Any]
Call: TypeAlias = Callable[..., T]
"""A function that does I/O."""


def settle(value: T) -> T:
    """Return what a driver's call gives."""
    return value


class Openable:
    """What is opened when it is made."""

    def _open(self) -> None:
        raise NotImplementedError


O = TypeVar("O", bound=Openable)  # noqa: E741


def opened(thing: O) -> O:
    """Open something now, so that errors show at once."""
    thing._open()
    return thing


def cursor(collection: Collection[Any], find: Callable[[], Any]) -> CommandCursor[Any]:
    """Return a cursor over what is found now: documents, or a cursor already."""
    found = find()
    if not isinstance(found, list):
        result: CommandCursor[Any] = found
        return result
    return CommandCursor(collection, {"id": 0, "firstBatch": found, "ns": collection.full_name}, None)


class RawCursor(RawBatchCommandCursor[Any]):
    """Replies of the server as they are.

    Args:
        collection: Whose cursor it is.
        source: The physical cursor, which gives raw documents.
    """

    def __init__(self, collection: Collection[Any], source: CommandCursor[Any]) -> None:
        self._source = source
        super().__init__(collection, {"id": 0, "firstBatch": [], "ns": collection.full_name}, None)
        self._killed = False

    def _refresh(self) -> int:
        if not self._data and not self._killed:
            documents = run(next_batch(self._source))
            if documents:
                self._data.append(b"".join(document.raw for document in documents))
            self._killed = not self._source.alive
        return len(self._data)

    def batch_size(self, batch_size: int) -> RawCursor:
        """See :meth:`pymongo.command_cursor.CommandCursor.batch_size`."""
        self._source.batch_size(batch_size)
        return self

    def close(self) -> None:
        """See :meth:`pymongo.command_cursor.CommandCursor.close`."""
        self._killed = True
        self._source.close()

    def __del__(self) -> None:
        # The physical cursor looks after its own end.
        return


def raw_cursor(collection: Collection[Any], find: Callable[[], Any]) -> RawCursor:
    """Return a cursor over the batches of what is found now."""
    return RawCursor(collection, find())


def stream(begin: Callable[[], Any]) -> Any:
    """Return a change stream that is opened now."""
    return begin()


class Opening:
    """The opening of an Argon, when it is made.

    Args:
        work: Opens it.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._done = False

    def __call__(self) -> None:
        """Open it, unless that has been done."""
        if not self._done:
            self._work()
            self._done = True

    def begin(self, otherwise: Callable[[], Any]) -> None:
        """Open it.

        Args:
            otherwise: Is called before an error is raised.
        """
        try:
            self()
        except BaseException:
            otherwise()
            raise


def connect(uri: str | None, *args: Any, **options: Any) -> tuple[MongoClient[Any], str | None]:
    """Make a client.

    Args:
        uri: The server; None for the one in the environment, and the embedded one where there is none.
        args: See :class:`pymongo.mongo_client.MongoClient`.
        options: See there too.

    Returns:
        The client and its URI.
    """
    uri = resolve_uri(uri)
    client: MongoClient[Any] = MongoClient(uri, *args, **options)
    set_apart(client)
    return client, uri


_argons: list[Argon] = []


def default_argon() -> Argon:
    """Return the Argon with the default settings, which lives as long as the process."""
    from argon.driver.argon import Argon

    if not _argons:
        _argons.append(Argon())
    return _argons[0]


def branch_named(argon: Argon, project: str, branch: str | None) -> Branch:
    """Return a branch, which must exist."""
    return argon.project(project).branch(branch)


def client_of(argon: Argon) -> Any:
    """Return a client of the kind that an Argon works on."""
    from argon.driver.client import WALClient

    return WALClient(argon=argon)


def is_session(value: Any) -> bool:
    """Whether something is a session of a client that branches know nothing of."""
    return isinstance(value, ClientSession)


def uri_of(client: MongoClient[Any]) -> str | None:  # noqa: ARG001
    """Return None: no client here learns its URI later."""
    return None


def passing_find(collection: ClassicCollection[Any], *args: Any, **kwargs: Any) -> Cursor[Any]:
    """Return a cursor on what the branch is now: a physical one, or one on rows."""
    from argon.driver.classic import plain_session
    from argon.driver.cursor import WALCursor

    session = kwargs.get("session")
    passed = collection.passed(writes=False, session=session)
    if passed is None:
        return WALCursor(collection, *args, **kwargs)
    return passed.find(*args, **kwargs | plain_session(session))


class Alarm:
    """Ends a wait early, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def rang(self) -> bool:
        """Whether it has gone off."""
        return self._event.is_set()

    def ring(self) -> None:
        """End the wait, and all later ones."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait for so long, or until it goes off."""
        self._event.wait(min(seconds, threading.TIMEOUT_MAX))

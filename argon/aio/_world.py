"""What this face does in its own way: it awaits, and it opens things when they are first used.

Its counterpart for threads is :mod:`argon.driver._world`; these two modules and
the two of the same name for expiry are the only ones written twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession, _TransactionContext
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.synchronous.client_session import ClientSession

from argon.aio._embedded import EmbeddedClient
from argon.aio._latent import LatentCursor, LatentRawCursor
from argon.io import LoopWorld
from argon.listening import set_apart
from argon.server.connect import known_uri

if TYPE_CHECKING:
    from argon.aio.argon import AsyncArgon
    from argon.aio.branch import AsyncBranch
    from argon.aio.classic import AsyncClassicCollection
    from argon.aio.cursor import AsyncWALCursor

T = TypeVar("T")
D = TypeVar("D", bound=Any)
Call: TypeAlias = Callable[..., Awaitable[T]]
"""A function that does I/O."""

World = LoopWorld
Client: TypeAlias = Any
"""An AsyncMongoClient, or Motor's client."""
_KNOWN = 1000
"""So many branches stay looked up by their names."""


async def settle(value: Any) -> Any:
    """Return what a driver's call gives, which Motor and PyMongo do not await alike."""
    if hasattr(value, "__await__"):
        return await value
    return value


class Openable:
    """What is opened by its first use, or, where errors shall show at once, by ``await``."""

    async def _open(self) -> None:
        raise NotImplementedError

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._open().__await__()
        return self


O = TypeVar("O", bound=Openable)  # noqa: E741


def opened(thing: O) -> O:
    """Return something that its first use will open."""
    return thing


def cursor(collection: AsyncCollection[Any], find: Callable[[], Awaitable[Any]]) -> LatentCursor[Any]:
    """Return a cursor over what will be found when it is first used."""
    return LatentCursor(collection, find)


def raw_cursor(collection: AsyncCollection[Any], find: Callable[[], Awaitable[Any]]) -> LatentCursor[Any]:
    """Return a cursor over the batches of what will be found when it is first used."""
    return LatentRawCursor(collection, find)


class LatentStream(AsyncChangeStream[D]):
    """A change stream that is opened by its first use, or by ``await`` or ``async with``.

    Args:
        begin: Opens a stream.
    """

    def __init__(self, begin: Callable[[], Awaitable[Any]]) -> None:
        # Not AsyncChangeStream.__init__: the stream that is opened does the work.
        self._begin = begin
        self._stream: Any = None
        self._timeout = None
        self._closed = False

    def __await__(self) -> Generator[Any, None, AsyncChangeStream[D]]:
        return (yield from self._opened().__await__())

    async def __aenter__(self) -> Any:
        return await self._opened()

    async def _opened(self) -> AsyncChangeStream[D]:
        """Return the stream itself, unless it is one of Motor's, which is not PyMongo's."""
        stream = await self._start()
        return stream if isinstance(stream, AsyncChangeStream) else self

    async def _start(self) -> Any:
        if self._stream is None:
            stream = await self._begin()
            # One of Motor's opens with its first use; it must not miss what happens before.
            self._stream = await stream.__aenter__()
        return self._stream

    @property
    def resume_token(self) -> Any:
        """See :attr:`pymongo.asynchronous.change_stream.AsyncChangeStream.resume_token`."""
        return None if self._stream is None else self._stream.resume_token

    @property
    def alive(self) -> bool:
        """See :attr:`pymongo.asynchronous.change_stream.AsyncChangeStream.alive`."""
        return not self._closed and (self._stream is None or self._stream.alive)

    async def try_next(self) -> D | None:
        """See :meth:`pymongo.asynchronous.change_stream.AsyncChangeStream.try_next`."""
        if self._closed:
            return None
        found: D | None = await (await self._start()).try_next()
        return found

    async def close(self) -> None:
        """See :meth:`pymongo.asynchronous.change_stream.AsyncChangeStream.close`."""
        self._closed = True
        if self._stream is not None:
            await settle(self._stream.close())


def stream(begin: Callable[[], Awaitable[Any]]) -> LatentStream[Any]:
    """Return a change stream that its first use opens."""
    return LatentStream(begin)


class TransactionContext(_TransactionContext):
    """What ``start_transaction()`` returns: with Motor it is not awaited, and with PyMongo it is."""

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield


class Opening:
    """The opening of an Argon: by its first use, once, however many tasks come at the same time.

    Args:
        work: Opens it; after an error it is tried again.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._task: asyncio.Future[None] | None = None
        self._done = False
        self.branches: dict[str, AsyncBranch] = {}

    async def __call__(self) -> None:
        if self._done:
            return
        task = self._task
        if task is None or task.done():
            task = self._task = asyncio.ensure_future(self._run())
        await asyncio.shield(task)

    async def _run(self) -> None:
        await self._work()
        self._done = True

    def begin(self, otherwise: Callable[[], Any]) -> None:
        """Wait for the first use."""


def connect(uri: str | None, *args: Any, **options: Any) -> tuple[AsyncMongoClient[Any], str | None]:
    """Make a client; nothing is sent before its first use.

    Args:
        uri: The server; None for the one in the environment, and the embedded one where there is none.
        args: See :class:`pymongo.asynchronous.mongo_client.AsyncMongoClient`.
        options: See there too.

    Returns:
        The client, and its URI, unless that is known only when the embedded server runs.
    """
    uri = known_uri(uri)
    if uri is None:
        return EmbeddedClient(*args, **options), None
    client: AsyncMongoClient[Any] = AsyncMongoClient(uri, *args, **options)
    set_apart(client)
    return client, uri


_argons: dict[asyncio.AbstractEventLoop | None, AsyncArgon] = {}


def default_argon() -> AsyncArgon:
    """Return the Argon with the default settings: one for each loop, one for what is made outside of any."""
    from argon.aio.argon import AsyncArgon

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    for ended in [known for known in _argons if known is not None and known.is_closed()]:
        del _argons[ended]
    if loop not in _argons:
        _argons[loop] = AsyncArgon()
    return _argons[loop]


def branch_named(argon: AsyncArgon, project: str, branch: str | None) -> AsyncBranch:
    """Return a branch that is looked up when it is first used, and then known by its name."""
    from argon.aio.named import AsyncNamedBranch

    known, name = argon.opening.branches, project if branch is None else f"{project}@{branch}"
    if name not in known:
        if len(known) >= _KNOWN:
            del known[next(iter(known))]
        known[name] = AsyncNamedBranch(argon, project, branch)
    return known[name]


def client_of(argon: AsyncArgon) -> Any:
    """Return a client that is of the same kind as the one that an Argon works on."""
    from argon.aio.client import AsyncWALClient

    if isinstance(argon.mongo, AsyncMongoClient):
        return AsyncWALClient(argon=argon)
    from argon.aio._motor import AsyncWALMotorClient

    return AsyncWALMotorClient(argon=argon)


def is_session(value: Any) -> bool:
    """Whether something is a session of a client that branches know nothing of."""
    return isinstance(value, AsyncClientSession) or isinstance(
        getattr(value, "delegate", None), ClientSession
    )


def uri_of(client: Any) -> str | None:
    """Return the URI of a client that has learned it itself."""
    return client.uri if isinstance(client, EmbeddedClient) else None


def passing_find(collection: AsyncClassicCollection[Any], *args: Any, **kwargs: Any) -> AsyncWALCursor[Any]:
    """Return a cursor that asks where the branch is when it is first used."""
    from argon.aio.cursor import AsyncWALCursor

    return AsyncWALCursor(collection, *args, **kwargs)


class Alarm:
    """Ends a wait early."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def rang(self) -> bool:
        """Whether it has gone off."""
        return self._event.is_set()

    def ring(self) -> None:
        """End the wait, and all later ones."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Wait for so long, or until it goes off."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()

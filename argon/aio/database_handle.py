"""A branch as a database handle: the branch, the moment, the space, and how it is read and written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from bson.codec_options import CodecOptions
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.common import BaseObject
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.aio._world import Openable, opened
from argon.aio.argon import open_branch
from argon.aio.classic import AsyncClassicCollection
from argon.aio.collection import AsyncWALCollection
from argon.aio.session import bind
from argon.classic.passage import check_space, physical_of
from argon.engine.current_space import current_space
from argon.engine.handle import Handle
from argon.io import run_async
from argon.listening import is_pymongos, is_special, sends_commands
from argon.points import as_point
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.aio.branch import AsyncBranch

D = TypeVar("D", bound=Any)


class AsyncDatabaseHandle(AsyncDatabase[D], Openable):
    """A branch as a database, without the operations.

    Args:
        branch: A branch, or ``"project@branch"`` to open it with the default settings.
        author: Who writes through this database; by default the one in the settings.
        message: Why; it stands with each of its commits in the log.
        force: Whether it writes to a protected branch, too.
    """

    def __init__(
        self,
        branch: AsyncBranch | str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        *,
        author: str | None = None,
        message: str | None = None,
        force: bool = False,
        _handle: Handle | None = None,
        _space: str = DEFAULT_SPACE,
    ) -> None:
        if isinstance(branch, str):
            branch = open_branch(branch)
        client = branch.client
        # Not AsyncDatabase.__init__: a project's name may hold what a database's may not.
        BaseObject.__init__(
            self,
            codec_options or client.codec_options,
            read_preference or client.read_preference,
            write_concern or client.write_concern,
            read_concern or client.read_concern,
        )
        name = branch.project_name
        self._name = name if branch.by_default else f"{name}@{branch.name}"
        elsewhere = _handle is not None and (_handle.past or _handle.transaction is not None)
        self._client = client.showing(self) if elsewhere or _space != DEFAULT_SPACE else client
        self._timeout = client.options.timeout
        self._branch = branch
        self._handle = _handle or branch.handle.saying(author, message, force=force)
        self._space = _space

    async def _physical(self, *, writes: bool = False) -> AsyncDatabase[Any] | None:
        """Return the database that a call passes through to, where the branch is a classic one."""
        name = await run_async(physical_of(self._handle, writes=writes))
        if name is None:
            return None
        check_space(self._branch.name, self.current_space)
        options = (self.codec_options, self.read_preference, self.write_concern, self.read_concern)
        database: AsyncDatabase[Any] = self._branch.engine.client.get_database(name, *options)
        return database

    @property
    def branch(self) -> AsyncBranch:
        """The branch."""
        return self._branch

    @property
    def current_space(self) -> str:
        """The space whose collections this handle has; see :meth:`space` and :meth:`in_space`."""
        return current_space(self, self._space)

    @property
    def client(self) -> Any:
        """The client, which sends what PyMongo's own objects ask for to this handle's branch and space."""
        client: Any = self._client
        return client if self.current_space == self._space else client.showing(self)

    def _to_itself(self) -> Self:
        """Return the same handle, to which commands come back whatever has become of the branch's name."""
        same = self._with_handle(self._handle)
        same._client = self.client.showing(same)
        return same

    def at(
        self,
        *,
        lsn: int | None = None,
        time: datetime | None = None,
        ago: timedelta | None = None,
        tag: str | None = None,
    ) -> Self:
        """Return the branch as it was, to read from with the whole query API.

        Args:
            lsn: After the entry with this LSN.
            time: At this moment; it must have a time zone.
            ago: So long ago.
            tag: At this tag.

        Returns:
            A database whose collections refuse to be written to.

        Raises:
            PointNotFound: The point is outside the branch's history.
            InvalidPoint: Not exactly one point was given, or it is none.
        """
        return opened(self._past(lsn=lsn, time=time, ago=ago, tag=tag))

    def _past(self, **given: Any) -> Self:
        return self._with_handle(self._handle.at(as_point(**given)))

    async def _open(self) -> None:
        if self._handle.past:
            await run_async(self._handle.located())
        else:
            await run_async(self._handle.line.current())

    @asynccontextmanager
    async def commit(self, message: str | None = None, author: str | None = None) -> AsyncIterator[Self]:
        """Group operations: all of them land as one commit, or none.

        Operations on the database that the ``with`` statement gives see what the
        group has done so far; nobody else does before it ends.

        Args:
            message: Why.
            author: Who; by default the one in the settings.

        Raises:
            OperationFailure: Code 112, with the label TransientTransactionError:
                a document of the group was changed by somebody else first.
            UnsupportedOperation: The branch is a classic one.
        """
        await run_async(self._handle.line.opened())
        await run_async(self._handle.admit_writes())
        transaction = self._handle.begin(author, message)
        try:
            yield self._with_handle(self._handle.within(transaction))
        except BaseException:
            await run_async(transaction.abort())
            raise
        await run_async(transaction.commit())

    @property
    def collection(self) -> AsyncWALCollection[D]:
        """The collection called ``collection``; called itself, as ``collection("users")``, the one named."""
        return self.get_collection("collection")

    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncWALCollection[Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.get_collection`."""
        database: Any = self._here()
        write_concern = write_concern or self.write_concern
        return self._kind(write_concern)(
            database,
            name,
            database._space,
            self._handle,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern,
            read_concern or self.read_concern,
        )

    def _kind(self, write_concern: WriteConcern) -> type[AsyncWALCollection[Any]]:
        """Return the class of a collection: what its calls are, and where they go."""
        if sends_commands(self._client) or self._asks_servers(write_concern):
            from argon.aio.commanding import AsyncCommandingCollection

            return AsyncCommandingCollection
        return AsyncWALCollection if self._handle.line.in_log else AsyncClassicCollection

    def _asks_servers(self, write_concern: WriteConcern) -> bool:
        """Whether the servers are to say something about a write concern, to PyMongo's own methods."""
        return is_special(write_concern) and is_pymongos(self._client)

    def __getitem__(self, name: str) -> AsyncWALCollection[D]:
        return self.get_collection(name)

    def __getattr__(self, name: str) -> AsyncWALCollection[D]:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name} collection, use "
                f"database[{name!r}]."
            )
        return self[name]

    def __next__(self) -> NoReturn:
        raise TypeError("'AsyncDatabase' object is not iterable")

    next = __next__

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, AsyncDatabaseHandle):
            mine = (self._client, self._branch, self._space, self._handle.moment)
            return mine == (other._client, other._branch, other._space, other._handle.moment)
        return NotImplemented

    def __hash__(self) -> int:
        # As PyMongo's, which equals it: those of a project's branches are alike, by any of their names.
        return hash((self._client, self._branch.project_name))

    def __repr__(self) -> str:
        lsn, moment = self._handle.lsn, self._handle.moment
        at = "" if moment is None else f", at {moment}" if lsn is None else f", lsn={lsn}"
        space = "" if self._space == DEFAULT_SPACE else f", space={self._space!r}"
        return f"{type(self).__qualname__}({self._branch.project_name}@{self._branch.name}{space}{at})"

    def _here(self) -> Self:
        """Return the handle for what begins later, and then in the space that is the current one now."""
        return self if self.current_space == self._space else self._with_handle(self._handle)

    def _bound(self, session: Any, *, reads: bool = False) -> Handle:
        return bind(session, self._handle, reads=reads)

    def _with_handle(
        self,
        handle: Handle,
        options: tuple[Any, Any, Any, Any] = (None, None, None, None),
        space: str | None = None,
    ) -> Self:
        codec_options, read_preference, write_concern, read_concern = options
        return type(self)(
            self._branch,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
            _handle=handle,
            _space=space or self.current_space,
        )

"""PyMongo's database on a branch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.common import BaseObject, validate_list
from pymongo.errors import CollectionInvalid, InvalidOperation, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from argon.aio._world import Openable, cursor, opened, settle, stream
from argon.aio.argon import open_branch
from argon.aio.classic import AsyncClassicCollection, writes_out
from argon.aio.collection import AsyncWALCollection
from argon.aio.command_cursor import AsyncWALCommandCursor
from argon.aio.session import bind
from argon.aio.stream import AsyncWALChangeStream
from argon.classic.definitions import NOT_OURS
from argon.classic.passage import physical_of
from argon.engine import ddl, reading
from argon.engine.arguments import check_not_reserved
from argon.engine.commands import is_about_server, run_command, wire
from argon.engine.errors import NAMESPACE_EXISTS
from argon.engine.handle import Handle
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.engine.transaction import Transaction
from argon.io import run_async
from argon.points import as_point
from argon.streams.arguments import watch_branch, watch_options
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.aio.branch import AsyncBranch

D = TypeVar("D", bound=Any)


class AsyncWALDatabase(AsyncDatabase[D], Openable):
    """A branch as a database; see :class:`pymongo.asynchronous.database.AsyncDatabase`.

    Args:
        branch: A branch, or ``"project@branch"`` to open it with the default settings.
    """

    def __init__(
        self,
        branch: AsyncBranch | str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        *,
        _handle: Handle | None = None,
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
        self._name = name if branch.name == "main" else f"{name}@{branch.name}"
        elsewhere = _handle is not None and (_handle.past or _handle.transaction is not None)
        self._client = client.showing(self) if elsewhere else client
        self._timeout = client.options.timeout
        self._branch = branch
        self._handle = _handle or branch.handle

    async def _physical(self, *, writes: bool = False) -> AsyncDatabase[Any] | None:
        """Return the database that a call passes through to, where the branch is a classic one."""
        name = await run_async(physical_of(self._handle, writes=writes))
        if name is None:
            return None
        options = (self.codec_options, self.read_preference, self.write_concern, self.read_concern)
        database: AsyncDatabase[Any] = self._branch.engine.client.get_database(name, *options)
        return database

    @property
    def branch(self) -> AsyncBranch:
        """The branch."""
        return self._branch

    def at(
        self,
        *,
        lsn: int | None = None,
        time: datetime | None = None,
        ago: timedelta | None = None,
        tag: str | None = None,
    ) -> AsyncWALDatabase[D]:
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

    def _past(self, **given: Any) -> AsyncWALDatabase[D]:
        return self._with_handle(self._handle.at(as_point(**given)))

    async def _open(self) -> None:
        if self._handle.past:
            await run_async(self._handle.located())
        else:
            await run_async(self._handle.line.current())

    @asynccontextmanager
    async def commit(
        self, message: str | None = None, author: str | None = None
    ) -> AsyncIterator[AsyncWALDatabase[D]]:
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
        transaction = Transaction(self._handle.line, author or self._handle.author, message)
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
        kind = AsyncWALCollection if self._handle.line.in_log else AsyncClassicCollection
        return kind(
            self,
            name,
            DEFAULT_SPACE,
            self._handle,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
        )

    def __getitem__(self, name: str) -> AsyncWALCollection[D]:
        return self.get_collection(name)

    def __getattr__(self, name: str) -> AsyncWALCollection[D]:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {name} collection, use "
                f"database[{name!r}]."
            )
        return self[name]

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, AsyncWALDatabase):
            return (self._branch, self._handle.moment) == (other._branch, other._handle.moment)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._branch)

    def __repr__(self) -> str:
        lsn, moment = self._handle.lsn, self._handle.moment
        at = "" if moment is None else f", at {moment}" if lsn is None else f", lsn={lsn}"
        return f"AsyncWALDatabase({self._branch.project_name}@{self._branch.name}{at})"

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncWALDatabase[Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.with_options`."""
        options = (codec_options, read_preference, write_concern, read_concern)
        return self._with_handle(self._handle, options)

    async def list_collection_names(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.list_collection_names`."""
        return [info["name"] async for info in self.list_collections(session, filter, comment, **kwargs)]

    def list_collections(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.list_collections`."""
        return cursor(self["$cmd"], lambda: self._open_collections(session, filter, comment, **kwargs))

    async def _open_collections(
        self, session: Any, query: Mapping[str, Any] | None, comment: Any, **kwargs: Any
    ) -> Any:
        if (physical := await self._physical()) is not None:
            # Not the collections that stand for something else.
            theirs = {"name": {"$not": NOT_OURS}}
            query = {"$and": [query, theirs]} if query else theirs
            return await settle(physical.list_collections(session, query, comment, **kwargs))
        return await run_async(reading.list_collections(self._bound(session), DEFAULT_SPACE, query))

    async def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: Any = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncWALCollection[Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.create_collection`."""
        collection = self.get_collection(name, codec_options, read_preference, write_concern, read_concern)
        if (physical := await self._physical(writes=True)) is not None:
            await physical.create_collection(name, check_exists=check_exists, session=session, **kwargs)
            return collection
        try:
            await run_async(ddl.create_collection(self._bound(session), DEFAULT_SPACE, name, kwargs))
        except OperationFailure as error:
            if check_exists and error.code == NAMESPACE_EXISTS:
                raise CollectionInvalid(f"collection {name} already exists") from error
            raise
        return collection

    async def drop_collection(
        self,
        name_or_collection: Any,
        session: Any = None,
        comment: Any | None = None,
        encrypted_fields: Any = None,
    ) -> dict[str, Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.drop_collection`."""
        name = name_or_collection
        if isinstance(name, AsyncCollection):
            name = name.name
        if not isinstance(name, str):
            raise TypeError(f"name_or_collection must be an instance of str, not {type(name)}")
        if (physical := await self._physical(writes=True)) is not None:
            return await physical.drop_collection(name, session, comment, encrypted_fields)
        missing: list[str | int] = ["ns not found", 26]
        reply: dict[str, Any] = await self.command(
            "drop", name, allowable_errors=missing, session=session, comment=comment
        )
        return reply

    def aggregate(self, pipeline: Any, session: Any = None, **kwargs: Any) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.aggregate`."""
        return cursor(self["$cmd.aggregate"], lambda: self._open_aggregate(pipeline, session, **kwargs))

    async def _open_aggregate(self, pipeline: Any, session: Any, **kwargs: Any) -> Any:
        validate_list("pipeline", pipeline)
        check_not_reserved(kwargs)
        if (physical := await self._physical(writes=writes_out(pipeline))) is not None:
            return await settle(physical.aggregate(pipeline, session, **kwargs))
        target = Target(DEFAULT_SPACE, "", self.codec_options)
        reader = Reader(self.codec_options, {"read_preference": self.read_preference})
        return await run_async(
            reading.aggregate(self._bound(session), target, None, pipeline, reader, kwargs)
        )

    async def command(
        self,
        command: Any,
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.command` and :mod:`argon.engine.commands`.

        Raises:
            UnsupportedOperation: The command would read or write past the log.
        """
        name = command if isinstance(command, str) else next(iter(command))
        kwargs |= {} if comment is None else {"comment": comment}
        about_server = is_about_server(name)
        elsewhere: Any = self._client.admin if about_server else await self._physical(writes=True)
        if elsewhere is not None:
            options: dict[str, Any] = {"session": session, "read_preference": read_preference}
            options |= {} if codec_options is None else {"codec_options": codec_options}
            return await elsewhere.command(command, value, check, allowable_errors, **options, **kwargs)
        document = {command: value} if isinstance(command, str) else command
        return await self._answer(
            {**document, **kwargs},
            codec_options or DEFAULT_CODEC_OPTIONS,
            check=check,
            allowable_errors=allowable_errors,
            read_preference=read_preference,
            session=session,
        )

    async def _answer(
        self,
        command: Mapping[str, Any],
        codec: CodecOptions[Any],
        *,
        check: bool,
        allowable_errors: Sequence[str | int] | None,
        read_preference: Any,
        session: Any,
        decoders: bool = False,
    ) -> Any:
        """Run a command on the branch; ``decoders`` tells whether the user's own decoders see the reply."""
        document = wire.encoded(command, codec)
        reader = {"read_preference": read_preference or ReadPreference.PRIMARY}
        operation = run_command(self._bound(session), DEFAULT_SPACE, self.name, document, reader)
        try:
            reply = await run_async(operation)
        except OperationFailure as error:
            if check and not wire.is_allowed(error, allowable_errors):
                raise
            reply = wire.failed(error)
        return wire.decoded(reply, codec, decoders=decoders)

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.watch`; the events come from the log."""
        return stream(lambda: self._open_watch(*args, **kwargs))

    async def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        if (physical := await self._physical()) is not None:
            return await settle(physical.watch(*args, **kwargs))
        options = watch_options(AsyncDatabase.watch, args, kwargs)
        watch = watch_branch(self._handle, self._branch.project_name, DEFAULT_SPACE, None, options)
        return await AsyncWALChangeStream(self._branch.engine, watch, self, options).open()

    async def cursor_command(
        self,
        command: Any,
        value: Any = 1,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.cursor_command`."""
        if (physical := await self._physical(writes=True)) is not None:
            options: dict[str, Any] = {} if codec_options is None else {"codec_options": codec_options}
            options |= {"read_preference": read_preference, "session": session, "comment": comment}
            return await settle(physical.cursor_command(command, value, **options, **kwargs))
        codec: CodecOptions[Any] = codec_options or DEFAULT_CODEC_OPTIONS
        reply = await self.command(
            command,
            value,
            read_preference=read_preference,
            codec_options=codec,
            session=session,
            comment=comment,
            **kwargs,
        )
        if not reply.get("cursor"):
            raise InvalidOperation("Command does not return a cursor.")
        return AsyncWALCommandCursor(self, reply["cursor"], codec)

    async def dereference(
        self, dbref: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.dereference`."""
        from bson.dbref import DBRef

        if not isinstance(dbref, DBRef):
            raise TypeError(f"cannot dereference a {type(dbref)}")
        if dbref.database is not None and dbref.database != self.name:
            raise ValueError(
                "trying to dereference a DBRef that points to another database "
                f"({dbref.database!r} not {self.name!r})"
            )
        kwargs |= {"session": session, "comment": comment}
        return await self[dbref.collection].find_one({"_id": dbref.id}, **kwargs)

    def _bound(self, session: Any) -> Handle:
        return bind(session, self._handle)

    def _with_handle(
        self, handle: Handle, options: tuple[Any, Any, Any, Any] = (None, None, None, None)
    ) -> AsyncWALDatabase[Any]:
        codec_options, read_preference, write_concern, read_concern = options
        return AsyncWALDatabase(
            self._branch,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern or self.write_concern,
            read_concern or self.read_concern,
            _handle=handle,
        )

"""PyMongo's client, whose databases are projects and branches."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Generic, NoReturn, Self, TypeVar

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.asynchronous.topology import Topology
from pymongo.errors import ConfigurationError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.aio._world import branch_named, connect, settle, stream
from argon.aio.argon import AsyncArgon
from argon.aio.branch import AsyncBranch
from argon.aio.connection import AsyncCommandsOfBranches
from argon.aio.database import AsyncWALDatabase
from argon.aio.named import AsyncNamedBranch
from argon.aio.project_databases import AsyncProjectsAsDatabases
from argon.aio.session import AsyncWALSession
from argon.aio.stream import AsyncWALChangeStream
from argon.catalog.records import MAIN
from argon.commands.servers_own import SERVERS_OWN
from argon.errors import NotFound, UnsupportedOperation
from argon.listening import is_special, sends_commands
from argon.names import parse_target
from argon.settings import load_settings
from argon.streams.arguments import watch_options, watch_projects
from argon.wal.log import DEFAULT_SPACE

D = TypeVar("D", bound=Mapping[str, Any])


class ProjectsClient(AsyncProjectsAsDatabases, Generic[D]):
    """What a client does on projects and branches instead of databases.

    Args:
        host: The server; by default the one that :class:`argon.aio.AsyncArgon` would use.
        argon: What to work on, instead of a connection of its own.
        argon_database: The database that holds everything; by default the one in the settings.
        args: As the plain client takes them.
        kwargs: As the plain client takes them.
    """

    # Everything else is the plain client's own state, which the two share: one pool, one topology.
    __slots__ = ("_argon", "_argon_database", "_branches", "_given", "_plain", "_shown")

    def __init__(
        self,
        host: Any = None,
        *args: Any,
        argon: AsyncArgon | None = None,
        argon_database: str | None = None,
        **kwargs: Any,
    ) -> None:
        if argon is None:
            plain = self._plain_client(load_settings().mongodb_uri if host is None else host, *args, **kwargs)
        else:
            plain = argon.mongo
        vars_of: Any = self
        vars(plain).update(vars_of.__dict__)  # what a class of the application's has set before
        vars_of.__dict__ = plain.__dict__
        self._plain: Any = plain
        self._given = self._argon = argon
        self._argon_database = argon_database
        self._branches: dict[str, AsyncNamedBranch] = {}
        self._shown: AsyncDatabase[Any] | None = None

    @staticmethod
    def _plain_client(host: Any, *args: Any, **kwargs: Any) -> Any:
        return connect(host, *args, **kwargs)[0]

    def __del__(self) -> None:
        # The plain client looks after its own end.
        return

    @property
    def argon(self) -> AsyncArgon:
        """What the client works on; it is opened with the first use, as connections are."""
        if self._argon is None:
            self._argon = AsyncArgon(database=self._argon_database, client=self._plain, _latent=True)
        return self._argon

    def showing(self, database: AsyncDatabase[Any]) -> Self:
        """Return the same client for a view of the past, or of an open commit.

        What PyMongo's own objects send by the database's name goes to that view.
        """
        same = object.__new__(type(self))
        for name in ProjectsClient.__slots__:
            setattr(same, name, getattr(self, name))
        vars_of: Any = same
        vars_of.__dict__ = self._plain.__dict__
        same._shown = database
        return same

    def __getitem__(self, name: str) -> AsyncDatabase[D]:
        return self.get_database(name)

    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncDatabase[D]:
        """See ``get_database`` of PyMongo's client.

        Raises:
            BranchNotFound: The name is ``project@branch``, and there is no such branch.
            InvalidName: It is no name for a project.
        """
        options = (codec_options, read_preference, write_concern, read_concern)
        if name is None:
            name = self._default_name()
        if name in SERVERS_OWN:
            return self._servers_own(name, options)
        return AsyncWALDatabase(self._branch(name), *options)

    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncDatabase[D]:
        """See ``get_default_database`` of PyMongo's client."""
        name = self._default_name(default)
        return self.get_database(name, codec_options, read_preference, write_concern, read_concern)

    def start_session(self, *args: Any, **kwargs: Any) -> AsyncWALSession:
        """See ``start_session`` of PyMongo's client; a transaction of it is one commit."""
        return AsyncWALSession(self, self._plain_session(*args, **kwargs))

    def _plain_session(self, *args: Any, **kwargs: Any) -> Any:
        return self._plain.start_session(*args, **kwargs)

    async def close(self) -> None:
        """Close the connections, which are those of the AsyncArgon that it was made from too."""
        if self._given is not None:
            await self._given.close()
        else:
            await self._close()

    async def _close(self) -> None:
        await settle(self._plain.close())

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See ``watch`` of PyMongo's client; it watches the default branch of every project."""
        return stream(lambda: self._open_watch(*args, **kwargs))

    async def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        await self.argon.opening()
        options = watch_options(AsyncMongoClient.watch, args, kwargs)
        watch = watch_projects(DEFAULT_SPACE, options)
        admin = self.get_database("admin")
        target = vars(admin).get("delegate", admin)  # one of Motor's wraps PyMongo's
        return await AsyncWALChangeStream(self.argon.engine, watch, target, options).open()

    def bulk_write(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: one commit is on one branch."""
        raise UnsupportedOperation(
            "bulk_write() over several databases is not available: use the collections' bulk_write(), or "
            "db.commit() for what must land together"
        )

    def _servers_own(self, name: str, options: Any) -> AsyncDatabase[D]:
        client: Any = self
        return AsyncDatabase(client, name, *options)

    def _branch(self, name: str) -> AsyncBranch:
        project, branch = parse_target(name)
        if branch not in (None, MAIN):
            return branch_named(self.argon, project, branch).seen_through(self)
        if name not in self._branches:
            named = AsyncNamedBranch(self.argon, project, branch, makes=True)
            self._branches[name] = named.seen_through(self)
        return self._branches[name]

    def _default_name(self, default: str | None = None) -> str:
        try:
            return str(self._plain.get_default_database().name)
        except ConfigurationError:
            if default is None:
                raise
            return default


class AsyncWALClient(AsyncCommandsOfBranches, ProjectsClient[D], AsyncMongoClient[D]):
    """An AsyncMongoClient on whose databases every write is versioned.

    ``client["shop"]`` is the default branch of the project ``shop``, which comes
    into being with the first write, and ``client["shop@feature"]`` a branch of
    it, which must exist. ``admin``, ``config`` and ``local`` are the server's own.
    Everything else is PyMongo's; the arguments are too, so that libraries which
    make their client themselves can make this one.

    Args:
        host: See :class:`pymongo.asynchronous.mongo_client.AsyncMongoClient`; by default the server
            that :class:`argon.aio.AsyncArgon` would use.
        argon: What to work on, instead of a connection of its own.
        argon_database: The database that holds everything; by default the one in the settings.
        args: See :class:`pymongo.asynchronous.mongo_client.AsyncMongoClient`.
        kwargs: See :class:`pymongo.asynchronous.mongo_client.AsyncMongoClient`.
    """

    __slots__ = ()
    _keeps_fail_points = True
    """Whether what a fail point of the application's names fails on branches, and not underneath."""

    async def list_database_names(self, session: Any = None, comment: Any | None = None) -> list[str]:
        """Return the names of the projects."""
        if sends_commands(self):
            return await AsyncMongoClient.list_database_names(self, session, comment)
        return await super().list_database_names(session, comment)

    def list_databases(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """Describe the projects; see :meth:`ProjectsClient.list_databases`."""
        if sends_commands(self):
            return AsyncMongoClient.list_databases(self, session, comment, **kwargs)
        return super().list_databases(session, comment, **kwargs)

    async def drop_database(
        self,
        name_or_database: str | AsyncDatabase[Any],
        session: Any = None,
        comment: Any | None = None,
    ) -> None:
        """Delete a project or a branch; see :meth:`ProjectsClient.drop_database`."""
        if sends_commands(self) or is_special(self.write_concern):
            try:
                with suppress(NotFound):
                    await AsyncMongoClient.drop_database(self, name_or_database, session, comment)
            except WriteConcernError:  # it is dropped all the same
                await super().drop_database(name_or_database, session, comment)
                raise
        await super().drop_database(name_or_database, session, comment)

    async def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        return await AsyncMongoClient.watch(self, *args, **kwargs)

    async def _close(self) -> None:
        if sends_commands(self):
            await AsyncMongoClient.close(self)
        else:
            await super()._close()

    async def _get_topology(self) -> Topology:
        return await self._plain._get_topology()  # type: ignore[no-any-return]


# How they are called is told as PyMongo tells it, to people and to editors.
for _name in ("drop_database", "list_database_names", "list_databases", "watch"):
    _ours, _theirs = getattr(AsyncWALClient, _name), getattr(AsyncMongoClient, _name)
    _ours.__doc__ = f"{inspect.getdoc(_ours)}\n\nPyMongo says of it:\n\n{inspect.getdoc(_theirs)}"
    _ours.__signature__ = inspect.signature(_theirs)

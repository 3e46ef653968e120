# Generated from argon/aio/client.py by tools/async_to_sync.py: edit that.

"""PyMongo's client, whose databases are projects and branches."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Generic, NoReturn, Self, TypeVar

from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, WriteConcernError
from pymongo.read_concern import ReadConcern
from pymongo.synchronous.database import Database
from pymongo.synchronous.topology import Topology
from pymongo.write_concern import WriteConcern

from argon.catalog.records import MAIN
from argon.commands.servers_own import SERVERS_OWN
from argon.driver._world import branch_named, connect, settle, stream
from argon.driver.argon import Argon
from argon.driver.branch import Branch
from argon.driver.connection import CommandsOfBranches
from argon.driver.database import WALDatabase
from argon.driver.named import NamedBranch
from argon.driver.project_databases import ProjectsAsDatabases
from argon.driver.session import WALSession
from argon.driver.stream import WALChangeStream
from argon.errors import NotFound, UnsupportedOperation
from argon.listening import is_special, sends_commands
from argon.names import parse_target
from argon.settings import load_settings
from argon.streams.arguments import watch_options, watch_projects
from argon.wal.log import DEFAULT_SPACE

D = TypeVar("D", bound=Mapping[str, Any])


class ProjectsClient(ProjectsAsDatabases, Generic[D]):
    """What a client does on projects and branches instead of databases.

    Args:
        host: The server; by default the one that :class:`argon.Argon` would use.
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
        argon: Argon | None = None,
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
        self._branches: dict[str, NamedBranch] = {}
        self._shown: Database[Any] | None = None

    @staticmethod
    def _plain_client(host: Any, *args: Any, **kwargs: Any) -> Any:
        return connect(host, *args, **kwargs)[0]

    def __del__(self) -> None:
        # The plain client looks after its own end.
        return

    @property
    def argon(self) -> Argon:
        """What the client works on; it is opened with the first use, as connections are."""
        if self._argon is None:
            self._argon = Argon(database=self._argon_database, client=self._plain, _latent=True)
        return self._argon

    def showing(self, database: Database[Any]) -> Self:
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

    def __getitem__(self, name: str) -> Database[D]:
        return self.get_database(name)

    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[D]:
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
        return WALDatabase(self._branch(name), *options)

    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[D]:
        """See ``get_default_database`` of PyMongo's client."""
        name = self._default_name(default)
        return self.get_database(name, codec_options, read_preference, write_concern, read_concern)

    def start_session(self, *args: Any, **kwargs: Any) -> WALSession:
        """See ``start_session`` of PyMongo's client; a transaction of it is one commit."""
        return WALSession(self, self._plain_session(*args, **kwargs))

    def _plain_session(self, *args: Any, **kwargs: Any) -> Any:
        return self._plain.start_session(*args, **kwargs)

    def close(self) -> None:
        """Close the connections, which are those of the Argon that it was made from too."""
        if self._given is not None:
            self._given.close()
        else:
            self._close()

    def _close(self) -> None:
        settle(self._plain.close())

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See ``watch`` of PyMongo's client; it watches the default branch of every project."""
        return stream(lambda: self._open_watch(*args, **kwargs))

    def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        self.argon.opening()
        options = watch_options(MongoClient.watch, args, kwargs)
        watch = watch_projects(DEFAULT_SPACE, options)
        admin = self.get_database("admin")
        target = vars(admin).get("delegate", admin)  # one of Motor's wraps PyMongo's
        return WALChangeStream(self.argon.engine, watch, target, options).open()

    def bulk_write(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not supported: one commit is on one branch."""
        raise UnsupportedOperation(
            "bulk_write() over several databases is not available: use the collections' bulk_write(), or "
            "db.commit() for what must land together"
        )

    def _servers_own(self, name: str, options: Any) -> Database[D]:
        client: Any = self
        return Database(client, name, *options)

    def _branch(self, name: str) -> Branch:
        project, branch = parse_target(name)
        if branch not in (None, MAIN):
            return branch_named(self.argon, project, branch).seen_through(self)
        if name not in self._branches:
            named = NamedBranch(self.argon, project, branch, makes=True)
            self._branches[name] = named.seen_through(self)
        return self._branches[name]

    def _default_name(self, default: str | None = None) -> str:
        try:
            return str(self._plain.get_default_database().name)
        except ConfigurationError:
            if default is None:
                raise
            return default


class WALClient(CommandsOfBranches, ProjectsClient[D], MongoClient[D]):
    """A MongoClient on whose databases every write is versioned.

    ``client["shop"]`` is the default branch of the project ``shop``, which comes
    into being with the first write, and ``client["shop@feature"]`` a branch of
    it, which must exist. ``admin``, ``config`` and ``local`` are the server's own.
    Everything else is PyMongo's; the arguments are too, so that libraries which
    make their client themselves can make this one.

    Args:
        host: See :class:`pymongo.mongo_client.MongoClient`; by default the server
            that :class:`argon.Argon` would use.
        argon: What to work on, instead of a connection of its own.
        argon_database: The database that holds everything; by default the one in the settings.
        args: See :class:`pymongo.mongo_client.MongoClient`.
        kwargs: See :class:`pymongo.mongo_client.MongoClient`.
    """

    __slots__ = ()
    _keeps_fail_points = True
    """Whether what a fail point of the application's names fails on branches, and not underneath."""

    def list_database_names(self, session: Any = None, comment: Any | None = None) -> list[str]:
        """Return the names of the projects."""
        if sends_commands(self):
            return MongoClient.list_database_names(self, session, comment)
        return super().list_database_names(session, comment)

    def list_databases(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """Describe the projects; see :meth:`ProjectsClient.list_databases`."""
        if sends_commands(self):
            return MongoClient.list_databases(self, session, comment, **kwargs)
        return super().list_databases(session, comment, **kwargs)

    def drop_database(
        self,
        name_or_database: str | Database[Any],
        session: Any = None,
        comment: Any | None = None,
    ) -> None:
        """Delete a project or a branch; see :meth:`ProjectsClient.drop_database`."""
        if sends_commands(self) or is_special(self.write_concern):
            try:
                with suppress(NotFound):
                    MongoClient.drop_database(self, name_or_database, session, comment)
            except WriteConcernError:  # it is dropped all the same
                super().drop_database(name_or_database, session, comment)
                raise
        super().drop_database(name_or_database, session, comment)

    def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        return MongoClient.watch(self, *args, **kwargs)

    def _close(self) -> None:
        if sends_commands(self):
            MongoClient.close(self)
        else:
            super()._close()

    def _get_topology(self) -> Topology:
        return self._plain._get_topology()  # type: ignore[no-any-return]


# How they are called is told as PyMongo tells it, to people and to editors.
for _name in ("drop_database", "list_database_names", "list_databases", "watch"):
    _ours, _theirs = getattr(WALClient, _name), getattr(MongoClient, _name)
    _ours.__doc__ = f"{inspect.getdoc(_ours)}\n\nPyMongo says of it:\n\n{inspect.getdoc(_theirs)}"
    _ours.__signature__ = inspect.signature(_theirs)

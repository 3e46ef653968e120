"""The way in: a server, its projects, their branches."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pymongo import MongoClient

from argon.classic.branches import create_project
from argon.driver.branch import Branch
from argon.driver.expiry import ExpiryService
from argon.driver.project import Project
from argon.engine.engine import Engine
from argon.features import Flags, FlagValue
from argon.features.flags import check_flag_value
from argon.io import ThreadWorld, run
from argon.names import parse_target
from argon.server import check_server, resolve_uri
from argon.settings import load_settings

if TYPE_CHECKING:
    from argon.driver.client import WALClient


class Argon:
    """Branches and time travel on a MongoDB replica set.

    Args:
        uri: The server. By default ``ARGON_MONGODB_URI``, then an embedded
            ``mongod`` of one's own, which is started where it does not run.
        database: The database that holds everything.
        author: Who commits.
        client: A MongoClient to use instead of making one; it is not closed.

    Raises:
        StandaloneServer: The server is no replica set.
        EmbeddedServerError: There is no server to use.
    """

    def __init__(
        self,
        uri: str | None = None,
        database: str | None = None,
        *,
        author: str | None = None,
        client: MongoClient[Any] | None = None,
    ) -> None:
        settings = load_settings(mongodb_uri=uri, database=database, author=author)
        self._owned = client is None
        self._uri = uri or settings.mongodb_uri
        if client is None:
            self._uri = resolve_uri(self._uri)
            client = MongoClient(self._uri, appname="argon")
        try:
            check_server(client.admin.command("hello"), self._uri or str(client.address))
            self.mongo: MongoClient[Any] = client
            self.database = settings.database
            self.author = settings.author
            self.engine = Engine(client, settings.database, ThreadWorld())
            run(self.engine.open())
            self.expiry = ExpiryService(settings.ttl_interval)
            self.engine.on_catalog = self.expiry.notice
        except BaseException:
            if self._owned:
                client.close()
            raise

    @property
    def uri(self) -> str | None:
        """The server's URI, password included; redact it before it is shown."""
        return self._uri

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the embedded server goes on, for other processes."""
        self.expiry.stop()
        if self._owned:
            self.mongo.close()

    def create_project(self, name: str) -> Project:
        """Make a project with its branch ``main``.

        Where the feature ``wal_enabled`` is off, ``main`` is a classic branch: an
        ordinary database.

        Raises:
            ProjectExists: There is one of this name.
        """
        return Project(self, run(create_project(self.engine, name, author=self.author)))

    def project(self, name: str) -> Project:
        """Return a project.

        Raises:
            ProjectNotFound: There is none of this name.
        """
        return Project(self, run(self.engine.projects.get(name)))

    def projects(self) -> list[Project]:
        """Return the projects, oldest first."""
        return [Project(self, record) for record in run(self.engine.projects.list())]

    def delete_project(self, name: str) -> None:
        """Delete a project with all its branches.

        Raises:
            ProjectNotFound: There is none of this name.
        """
        run(self.engine.projects.delete(name, author=self.author))

    def features(self) -> Flags:
        """Return the feature flags in force, read now."""
        return run(self.engine.flags(fresh=True))

    def set_feature(self, flag: str, value: FlagValue | Mapping[str, Any]) -> None:
        """Set a feature flag for every process; this one sees it at once, others within seconds.

        Args:
            flag: Its name.
            value: True, False, or a rollout such as ``{"projects": ["shop"], "percent": 25}``.

        Raises:
            InvalidSettings: There is no such flag, or it cannot have this value.
        """
        run(self.engine.set_flag(flag, check_flag_value(flag, value, "the arguments")))

    def unset_feature(self, flag: str) -> bool:
        """Forget what was set for a flag, so that the file or the default counts.

        Returns:
            Whether something was set.

        Raises:
            InvalidSettings: There is no such flag.
        """
        return run(self.engine.unset_flag(flag))

    def client(self) -> WALClient[Any]:
        """Return a client shaped as PyMongo's, whose databases are projects and branches."""
        from argon.driver.client import WALClient

        return WALClient(argon=self)

    def branch(self, target: str) -> Branch:
        """Return a branch by ``"project"`` (its main branch) or ``"project@branch"``."""
        project, branch = parse_target(target)
        return self.project(project).branch(branch or "main")


def open_branch(target: str) -> Branch:
    """Open ``"project@branch"`` with the default settings; the connection lives as long as the process."""
    global _default
    if _default is None:
        _default = Argon()
    return _default.branch(target)


_default: Argon | None = None

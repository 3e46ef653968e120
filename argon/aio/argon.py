"""The way in: a server, its projects, their branches."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from argon.aio._world import (
    Client,
    Opening,
    World,
    branch_named,
    client_of,
    connect,
    default_argon,
    settle,
    uri_of,
)
from argon.aio.branch import AsyncBranch
from argon.aio.expiry import AsyncExpiryService
from argon.aio.project import AsyncProject
from argon.aio.retention import collect_everything
from argon.classic.branches import create_project
from argon.engine.engine import Engine
from argon.features import Flags, FlagValue
from argon.features.flags import check_flag_value
from argon.gc.collect import Terms
from argon.gc.report import GCReport, Progress
from argon.io import run_async
from argon.names import parse_target
from argon.server import check_server
from argon.settings import load_settings
from argon.wal.orphans import APPLICATION

if TYPE_CHECKING:
    from argon.aio.client import AsyncWALClient


class AsyncArgon:
    """Branches and time travel on a MongoDB replica set.

    Args:
        uri: The server. By default ``ARGON_MONGODB_URI``, then an embedded
            ``mongod`` of one's own, which is started where it does not run.
        database: The database that holds everything.
        author: Who commits.
        run_hooks: Whether commands that are stored as hooks are run here.
        client: A client of the driver to use instead of making one; it is not closed.

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
        run_hooks: bool | None = None,
        client: Client | None = None,
        _latent: bool = False,
    ) -> None:
        settings = load_settings(mongodb_uri=uri, database=database, author=author, run_hooks=run_hooks)
        self._owned = client is None
        self._uri = uri or settings.mongodb_uri
        if client is None:
            client, self._uri = connect(self._uri, appname=APPLICATION)
        self.mongo: Client = client
        self.database = settings.database
        self.author = settings.author
        self.engine = Engine(client, settings.database, World(), own=self._owned)
        self.expiry = AsyncExpiryService(settings.ttl_interval)
        self.terms = Terms(settings.retention, settings.gc_grace, settings.gc_batch)
        """How long history is kept where nobody says anything else, and how garbage is collected."""
        self.engine.on_catalog = self.expiry.notice
        self.engine.run_hooks = settings.run_hooks
        self._own_client: Any = None
        self.opening = Opening(self._open)
        if not _latent:  # a client connects when it is first used, not when it is made
            self.opening.begin(otherwise=client.close if self._owned else bool)

    async def _open(self) -> None:
        hello = await self.mongo.admin.command("hello")
        check_server(hello, self.uri or str(await settle(self.mongo.address)))
        await run_async(self.engine.open())

    @property
    def uri(self) -> str | None:
        """The server's URI, password included; redact it before it is shown."""
        return self._uri or uri_of(self.mongo)

    async def open(self) -> Self:
        """Look at the server and make it ready, unless that has been done; the first use does it too.

        Raises:
            StandaloneServer: The server is no replica set.
            EmbeddedServerError: There is no server to use.
        """
        await self.opening()
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the embedded server goes on, for other processes."""
        await self.expiry.stop()
        await run_async(self.engine.close())
        if self._owned:
            close: Any = self.mongo.close
            await settle(close())

    async def create_project(
        self, name: str, *, author: str | None = None, message: str | None = None
    ) -> AsyncProject:
        """Make a project with its branch ``main``.

        Where the feature ``wal_enabled`` is off, ``main`` is a classic branch: an
        ordinary database.

        Args:
            name: Its name.
            author: Who makes it; by default whoever commits through this Argon.
            message: Why.

        Raises:
            ProjectExists: There is one of this name.
        """
        await self.opening()
        made = create_project(self.engine, name, author=author or self.author, message=message)
        return AsyncProject(self, await run_async(made))

    async def project(self, name: str) -> AsyncProject:
        """Return a project.

        Raises:
            ProjectNotFound: There is none of this name.
        """
        await self.opening()
        return AsyncProject(self, await run_async(self.engine.projects.get(name)))

    async def projects(self) -> list[AsyncProject]:
        """Return the projects, oldest first."""
        await self.opening()
        return [AsyncProject(self, record) for record in await run_async(self.engine.projects.list())]

    async def delete_project(
        self, name: str, *, force: bool = False, author: str | None = None, message: str | None = None
    ) -> None:
        """Delete a project with all its branches.

        Args:
            name: The project.
            force: Delete it although it has protected branches.
            author: Who deletes it; by default whoever commits through this Argon.
            message: Why.

        Raises:
            ProjectNotFound: There is none of this name.
            BranchProtected: It has protected branches, and ``force`` was not given.
        """
        await self.opening()
        said = {"author": author or self.author, "message": message}
        await run_async(self.engine.projects.delete(name, force=force, **said))

    async def features(self) -> Flags:
        """Return the feature flags in force, read now."""
        await self.opening()
        return await run_async(self.engine.flags.current(fresh=True))

    async def set_feature(self, flag: str, value: FlagValue | Mapping[str, Any]) -> None:
        """Set a feature flag for every process; this one sees it at once, others within seconds.

        Args:
            flag: Its name.
            value: True, False, or a rollout such as ``{"projects": ["shop"], "percent": 25}``.

        Raises:
            InvalidSettings: There is no such flag, or it cannot have this value.
        """
        await self.opening()
        await run_async(self.engine.flags.store(flag, check_flag_value(flag, value, "the arguments")))

    async def unset_feature(self, flag: str) -> bool:
        """Forget what was set for a flag, so that the file or the default counts.

        Returns:
            Whether something was set.

        Raises:
            InvalidSettings: There is no such flag.
        """
        await self.opening()
        return await run_async(self.engine.flags.unset(flag))

    async def gc(self, dry_run: bool = False, *, progress: Progress | None = None) -> list[GCReport]:
        """Take away what is older than the retention and not held, in all projects, deleted ones too.

        Args:
            dry_run: Take nothing away, and report what would go.
            progress: Is told what is being done, and how many versions have gone so far.

        Returns:
            What has gone, by project.
        """
        await self.opening()
        return await collect_everything(self.engine, self.terms, dry_run=dry_run, progress=progress)

    @property
    def own_client(self) -> AsyncWALClient[Any]:
        """The client that databases of this Argon give as theirs."""
        if self._own_client is None:
            self._own_client = client_of(self)
        client: AsyncWALClient[Any] = self._own_client
        return client

    def client(self) -> AsyncWALClient[Any]:
        """Return a client shaped as PyMongo's, whose databases are projects and branches."""
        client: AsyncWALClient[Any] = client_of(self)
        return client

    async def branch(self, target: str) -> AsyncBranch:
        """Return a branch by ``"project"`` (its default branch) or ``"project@branch"``."""
        project, branch = parse_target(target)
        return await (await self.project(project)).branch(branch)


def open_branch(target: str) -> AsyncBranch:
    """Open ``"project@branch"`` with the default settings; the connection lives as long as the process."""
    project, branch = parse_target(target)
    return branch_named(default_argon(), project, branch)

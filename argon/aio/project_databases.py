"""Projects as a client's databases: listed, described and dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.asynchronous.database import AsyncDatabase

from argon.aio._world import cursor
from argon.catalog.records import MAIN
from argon.commands.servers_own import SERVERS_OWN
from argon.engine.errors import CANNOT_RUN, not_in_transaction
from argon.engine.reading import matching
from argon.errors import NotFound, UnsupportedOperation
from argon.io import run_async
from argon.names import parse_target

if TYPE_CHECKING:
    from argon.aio.argon import AsyncArgon
    from argon.aio.named import AsyncNamedBranch


class AsyncProjectsAsDatabases:
    """The part of a client that has to do with its databases as a whole."""

    # A client shares the plain one's state, and has none of its own here.
    __slots__ = ()

    if TYPE_CHECKING:
        _plain: Any
        _branches: dict[str, AsyncNamedBranch]

        @property
        def argon(self) -> AsyncArgon:
            """What the client works on."""

    async def list_database_names(self, session: Any = None, comment: Any | None = None) -> list[str]:
        """Return the names of the projects."""
        return await self._project_names()

    async def _project_names(self) -> list[str]:
        return [project.name for project in await self.argon.projects()]

    def list_databases(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """Describe the projects, without the sizes on disk, which they share; see ``argon size``.

        Args:
            session: Accepted, as everywhere.
            comment: Too.
            kwargs: ``filter`` and ``nameOnly`` of MongoDB's ``listDatabases``; others mean nothing here.
        """
        return cursor(self._plain.get_database("admin")["$cmd"], lambda: self._described(kwargs))

    async def _described(self, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = await self._project_names()
        about = {} if options.get("nameOnly") else {"empty": False}
        described = [{"name": name, **about} for name in names]
        return await run_async(matching(self.argon.engine, described, options.get("filter")))

    async def drop_database(
        self,
        name_or_database: str | AsyncDatabase[Any],
        session: Any = None,
        comment: Any | None = None,
    ) -> None:
        """Delete a project, or with the name ``project@branch`` that branch; it is no error if there is none.

        Raises:
            OperationFailure: The session is in a transaction.
            UnsupportedOperation: It is one of the server's own databases.
        """
        name = name_or_database.name if isinstance(name_or_database, AsyncDatabase) else name_or_database
        if not isinstance(name, str):
            raise TypeError(
                f"name_or_database must be an instance of str or a AsyncDatabase, not {type(name)}"
            )
        if session is not None and session.in_transaction:
            raise not_in_transaction(CANNOT_RUN.format("dropDatabase"))
        if name in SERVERS_OWN:
            raise UnsupportedOperation(f"the database {name!r} is the server's own")
        project, branch = parse_target(name)
        try:
            found = await self.argon.project(project)
            if branch is None or (branch == MAIN and found.record.default_branch is None):
                await self.argon.delete_project(project)
            else:
                await found.delete_branch(branch)
        except NotFound:
            return
        finally:
            for known in (project, f"{project}@{MAIN}"):
                if known in self._branches:
                    self._branches[known].lost()

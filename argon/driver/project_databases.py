# Generated from argon/aio/project_databases.py by tools/async_to_sync.py: edit that.

"""Projects as a client's databases: listed, described and dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.synchronous.database import Database

from argon.catalog.records import MAIN
from argon.commands.servers_own import SERVERS_OWN
from argon.driver._world import cursor
from argon.engine.errors import CANNOT_RUN, not_in_transaction
from argon.engine.reading import matching
from argon.errors import NotFound, UnsupportedOperation
from argon.io import run
from argon.names import parse_target

if TYPE_CHECKING:
    from argon.driver.argon import Argon
    from argon.driver.named import NamedBranch


class ProjectsAsDatabases:
    """The part of a client that has to do with its databases as a whole."""

    # A client shares the plain one's state, and has none of its own here.
    __slots__ = ()

    if TYPE_CHECKING:
        _plain: Any
        _branches: dict[str, NamedBranch]

        @property
        def argon(self) -> Argon:
            """What the client works on."""

    def list_database_names(self, session: Any = None, comment: Any | None = None) -> list[str]:
        """Return the names of the projects."""
        return self._project_names()

    def _project_names(self) -> list[str]:
        return [project.name for project in self.argon.projects()]

    def list_databases(self, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """Describe the projects, without the sizes on disk, which they share; see ``argon size``.

        Args:
            session: Accepted, as everywhere.
            comment: Too.
            kwargs: ``filter`` and ``nameOnly`` of MongoDB's ``listDatabases``; others mean nothing here.
        """
        return cursor(self._plain.get_database("admin")["$cmd"], lambda: self._described(kwargs))

    def _described(self, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = self._project_names()
        about = {} if options.get("nameOnly") else {"empty": False}
        described = [{"name": name, **about} for name in names]
        return run(matching(self.argon.engine, described, options.get("filter")))

    def drop_database(
        self,
        name_or_database: str | Database[Any],
        session: Any = None,
        comment: Any | None = None,
    ) -> None:
        """Delete a project, or with the name ``project@branch`` that branch; it is no error if there is none.

        Raises:
            OperationFailure: The session is in a transaction.
            UnsupportedOperation: It is one of the server's own databases.
        """
        name = name_or_database.name if isinstance(name_or_database, Database) else name_or_database
        if not isinstance(name, str):
            raise TypeError(f"name_or_database must be an instance of str or a Database, not {type(name)}")
        if session is not None and session.in_transaction:
            raise not_in_transaction(CANNOT_RUN.format("dropDatabase"))
        if name in SERVERS_OWN:
            raise UnsupportedOperation(f"the database {name!r} is the server's own")
        project, branch = parse_target(name)
        try:
            found = self.argon.project(project)
            if branch is None or (branch == MAIN and found.record.default_branch is None):
                self.argon.delete_project(project)
            else:
                found.delete_branch(branch)
        except NotFound:
            return
        finally:
            for known in (project, f"{project}@{MAIN}"):
                if known in self._branches:
                    self._branches[known].lost()

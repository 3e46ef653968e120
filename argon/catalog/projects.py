"""Projects: the unit of deletion, and later of sharding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo.errors import DuplicateKeyError

from argon.catalog.merges import forget_merges
from argon.catalog.records import MAIN, birth, stored
from argon.catalog.tables import BRANCHES, PROJECTS, classic_database, new_number
from argon.errors import BranchProtected, ProjectExists, ProjectNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.models.entry import Operation as Kind
from argon.names import check_project_name
from argon.points import MAX_LSN
from argon.versions.layout import raw
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import Entry, Head, Log, encode, head_of
from argon.wire.finds import find_one

_PROJECT_LSN = 1
_MAIN_LSN = 2


class Projects:
    """The projects of one database.

    Args:
        database: The database that holds everything.
        log: The log.
        committer: Runs transactions.
        clock: The server's.
    """

    def __init__(self, database: Any, log: Log, committer: Committer, clock: Clock) -> None:
        self._database = database
        self._table = database[PROJECTS]
        self._log = log
        self._committer = committer
        self._clock = clock

    def get(self, name: str) -> Operation[ProjectRecord]:
        """Look up a live project by name.

        Raises:
            ProjectNotFound: There is none; the message lists what there is.
        """
        check_project_name(name)
        found = yield from find_one(self._table, {"name": name, "status": "active"})
        if found is None:
            names = [project.name for project in (yield from self.list())]
            shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
            raise ProjectNotFound(
                f"there is no project {name!r}; " + (f"there are: {shown}" if names else "there is none yet")
            )
        return ProjectRecord.model_validate(found)

    def list(self) -> Operation[list[ProjectRecord]]:
        """Return the live projects, oldest first."""
        found = yield self._table.find({"status": "active"}).sort("_id", 1).to_list(None)
        return [ProjectRecord.model_validate(record) for record in found]

    def create(
        self, name: str, *, classic: bool = False, author: str | None = None, message: str | None = None
    ) -> Operation[ProjectRecord]:
        """Make a project with its branch ``main``.

        Args:
            name: Its name.
            classic: Whether ``main`` is a physical database and not in the log.
            author: Who makes it.
            message: Why.

        Raises:
            ProjectExists: A live project has this name.
        """
        check_project_name(name)
        yield from self._clock.refresh()
        now = self._clock.now()
        project = ProjectRecord(_id=ObjectId(), name=name, created_at=now, next_lsn=_MAIN_LSN + 1)
        number = yield from new_number(self._database)
        main_id = ObjectId()
        main = BranchRecord(
            _id=main_id,
            project_id=project.id,
            name=MAIN,
            number=number,
            kind="classic" if classic else "wal",
            physical=classic_database(self._database, main_id) if classic else None,
            base_lsn=_MAIN_LSN,
            created_lsn=_MAIN_LSN,
            created_at=now,
        )
        documents = [
            *encode(
                [Entry(Kind.CREATE_PROJECT, document=raw({"name": name}))],
                project_id=project.id,
                branch_id=project.id,
                prev_lsn=None,
                lsns=[_PROJECT_LSN],
                moment=now,
                author=author,
                message=message,
            ),
            birth(main, author, message),
        ]
        record = project.model_dump(by_alias=True)
        record["next_lsn"] = Int64(record["next_lsn"])

        def body(session: Any) -> Operation[None]:
            yield self._table.insert_one(record, session=session)
            yield self._database[BRANCHES].insert_one(stored(main), session=session)
            yield from self._committer.append(documents, session)

        try:
            yield from self._committer.retrying(body)
        except DuplicateKeyError as error:
            raise ProjectExists(f"there is a project {name!r} already: choose another name") from error
        return project

    def delete(
        self, name: str, *, force: bool = False, author: str | None = None, message: str | None = None
    ) -> Operation[ProjectRecord]:
        """Mark a project and all its branches as deleted and free its name.

        The record of it follows every live branch's head, so that a writer
        that still holds one of them cannot land another commit.

        Args:
            name: Its name.
            force: Delete it although it has protected branches.
            author: Who deletes it.
            message: Why.

        Raises:
            ProjectNotFound: There is no such project.
            BranchProtected: It has protected branches, and ``force`` was not given.
        """
        project = yield from self.get(name)
        if not force:
            yield from self._check_unprotected(project)
        yield from self._clock.refresh()

        def body(session: Any) -> Operation[None]:
            now = self._clock.now()
            branches = yield from self._live_branches(project, session)
            claimed = yield self._table.find_one_and_update(
                {"_id": project.id, "status": "active"},
                {
                    "$set": {"status": "pending_delete", "deleted_at": now},
                    "$inc": {"next_lsn": Int64(len(branches) + 1)},
                },
                session=session,
            )
            if claimed is None:
                raise ProjectNotFound(f"there is no project {name!r} any more: somebody else deleted it")
            line = yield from line_head(self._log, project)
            lsn = max(int(claimed["next_lsn"]), line.lsn + 1)
            documents = encode(
                [Entry(Kind.DELETE_PROJECT)],
                project_id=project.id,
                branch_id=project.id,
                prev_lsn=line.lsn,
                lsns=[lsn],
                moment=max(now, line.time),
                author=author,
                message=message,
            )
            yield from self._committer.append(documents, session)
            yield from self._end(branches, lsn + 1, now, (author, message), session)

        def late(session: Any) -> Operation[None]:
            branches = yield from self._live_branches(project, session)
            if branches:
                numbers = {"$inc": {"next_lsn": Int64(len(branches))}}
                claimed = yield self._table.find_one_and_update({"_id": project.id}, numbers, session=session)
                first = int(claimed["next_lsn"])
                yield from self._end(branches, first, self._clock.now(), (author, message), session)

        yield from self._committer.retrying_heads(body)
        # A branch that was being made was not to be seen yet; one that is not to be seen now ends itself.
        yield from self._committer.retrying_heads(late)
        ended = yield self._database[BRANCHES].distinct("_id", {"project_id": project.id})
        yield from forget_merges(self._database, ended)
        return project

    def _check_unprotected(self, project: ProjectRecord) -> Operation[None]:
        if not project.protected:
            return
        live = yield from self._live_branches(project, None)
        names = [branch.name for branch in live if project.protecting(branch.name)]
        if names:
            shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            raise BranchProtected(
                f"the project {project.name!r} has protected branches ({shown}): force it (--force), "
                "or take the protection away first ('argon branch unprotect PATTERN')"
            )

    def _live_branches(self, project: ProjectRecord, session: Any) -> Operation[Sequence[BranchRecord]]:
        live = {"project_id": project.id, "status": "active"}
        found = yield self._database[BRANCHES].find(live, session=session).to_list(None)
        return [BranchRecord.model_validate(record) for record in found]

    def _end(
        self,
        branches: Sequence[BranchRecord],
        first: int,
        now: datetime,
        said: tuple[str | None, str | None],
        session: Any,
    ) -> Operation[None]:
        """Mark branches as deleted, at their heads."""
        documents: list[dict[str, Any]] = []
        for number, branch in enumerate(branches, first):
            head, line_id = yield from self._log.end(branch)
            documents += encode(
                [Entry(Kind.DELETE_BRANCH)],
                project_id=branch.project_id,
                branch_id=line_id,
                prev_lsn=head.lsn,
                lsns=[max(number, head.lsn + 1)],
                moment=max(now, head.time),
                author=said[0],
                message=said[1],
            )
        yield from self._committer.append(documents, session)
        yield self._database[BRANCHES].update_many(
            {"_id": {"$in": [branch.id for branch in branches]}},
            {"$set": {"status": "pending_delete", "deleted_at": now}},
            session=session,
        )


def line_head(log: Log, project: ProjectRecord) -> Operation[Head]:
    """Read the end of a project's own line, which holds what is said of the project as a whole."""
    last = yield from log.last_before(project.id, MAX_LSN, MAX_LSN)
    return Head(_PROJECT_LSN, project.created_at) if last is None else head_of(last)

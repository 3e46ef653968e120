# Generated from argon/aio/retention.py by tools/async_to_sync.py: edit that.

"""How long the history of projects and branches is kept, what it takes, and the removal of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.catalog.tables import PROJECTS
from argon.errors import InvalidSettings
from argon.gc.collect import Terms, collect
from argon.gc.report import GCReport, Progress
from argon.gc.size import BranchSize, ProjectSize, size_of_branch, size_of_project
from argon.io import run
from argon.models import BranchRecord, ProjectRecord
from argon.models.recorded import Recorded
from argon.periods import Period, read_period
from argon.retention.period import period_of

if TYPE_CHECKING:
    from argon.driver.argon import Argon
    from argon.driver.project import Project
    from argon.engine.engine import Engine


class ProjectRetention(Recorded[ProjectRecord]):
    """The part of a project that has to do with how long its history is kept."""

    if TYPE_CHECKING:
        _argon: Argon

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def author(self) -> str | None:
            """Who commits."""

    @property
    def retention(self) -> float:
        """For how many seconds the history of its branches is kept, where they say nothing themselves."""
        said = self._record.retention
        return self._argon.terms.retention if said is None else said

    def set_retention(
        self, period: Period | None, *, message: str | None = None, author: str | None = None
    ) -> None:
        """Say how long the history of the project's branches is kept.

        Branches that say something themselves go by that. What has expired already stays expired.

        Args:
            period: A timedelta, seconds, text such as ``30d`` or ``forever``; None for what
                the settings say.
            message: Why.
            author: Who; by default whoever commits through this project.

        Raises:
            InvalidSettings: It is no period.
            ProjectNotFound: The project was deleted.
        """
        seconds = _seconds(period)
        line = self.engine.project_line(self._record)
        changed = line.edit(
            lambda _record: {"retention": seconds}, author=author or self.author, message=message
        )
        self._record = run(changed)

    def gc(self, dry_run: bool = False, *, progress: Progress | None = None) -> GCReport:
        """Take away what no branch, tag or fork needs and what is older than the retention.

        The project may be read and written meanwhile, and a collection that is
        killed is finished by the next one.

        Args:
            dry_run: Take nothing away, and report what would go.
            progress: Is told what is being done, and how many versions have gone so far.

        Returns:
            What has gone.
        """
        terms = self._argon.terms
        return run(collect(self.engine, self.id, terms, dry_run=dry_run, progress=progress))

    def size(self) -> ProjectSize:
        """Tell what the project takes, by branch and collection; it reads every version once."""
        return run(size_of_project(self.engine, self._record))


class BranchRetention(Recorded[BranchRecord]):
    """The part of a branch that has to do with how long its history is kept."""

    if TYPE_CHECKING:
        _project: Project

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        def _found(self) -> None: ...

    @property
    def retention(self) -> float:
        """For how many seconds the branch's history is kept, by itself or by the project."""
        self._found()
        record = run(self.engine.branch_record(self.id))
        return period_of(record or self._record, self._project.record, self._project.retention)

    @property
    def horizon_lsn(self) -> int:
        """The first LSN of the branch's own from which on all its history is held.

        It is 0 as long as nothing has expired. Tags, forks and merges hold single points before it.
        """
        self._found()
        record = run(self.engine.branch_record(self.id))
        return (record or self._record).horizon_lsn

    def set_retention(
        self, period: Period | None, *, message: str | None = None, author: str | None = None
    ) -> None:
        """Say how long the branch's history is kept.

        Args:
            period: A timedelta, seconds, text such as ``30d`` or ``forever``; None for what
                the project says.
            message: Why.
            author: Who; by default whoever commits through the project.

        Raises:
            InvalidSettings: It is no period.
            BranchNotFound: The branch was deleted.
        """
        self._found()
        change = {"retention": _seconds(period)}
        branches = self.engine.branches(self._project.record)
        edited = branches.edit(self._record, change, author=author or self._project.author, message=message)
        self._record = run(edited)

    def size(self) -> BranchSize:
        """Tell what the branch takes, by collection; it reads every version that it has once."""
        self._found()
        return run(size_of_branch(self.engine, self._record))


def collect_everything(
    engine: Engine, terms: Terms, *, dry_run: bool = False, progress: Progress | None = None
) -> list[GCReport]:
    """Collect the garbage of all projects, deleted ones too.

    Args:
        engine: The engine.
        terms: How to go about it.
        dry_run: Take nothing away.
        progress: As for :meth:`ProjectRetention.gc`.
    """
    found = engine.plain[PROJECTS].find({}, {"_id": 1}).sort("created_at", 1).to_list(None)
    return [run(collect(engine, one["_id"], terms, dry_run=dry_run, progress=progress)) for one in found]


def _seconds(period: Period | None) -> float | None:
    try:
        return None if period is None else read_period(period)
    except ValueError as error:
        raise InvalidSettings(f"the retention cannot be set: {error}") from None

"""Revert: the changes of some commits, backwards, on top of what was written since."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from bson import Int64

from argon.engine.handle import Handle
from argon.engine.snapshot import Snapshot
from argon.errors import PointNotFound, RevertConflict
from argon.io import Operation
from argon.merging.changed import changed_between
from argon.merging.draft import Draft
from argon.merging.outcome import Outcome
from argon.merging.results import ConflictEntry, named
from argon.merging.strategy import Strategy, check_strategy
from argon.models import ProjectRecord
from argon.points import Lsn
from argon.timetravel.place import Place
from argon.timetravel.resolve import resolve
from argon.undoing.change import Intent, StateChange
from argon.undoing.commits import commits_between, state_before
from argon.undoing.compute import Rewinding
from argon.undoing.results import CommitInfo, counted
from argon.versions.ids import id_key


class Revert(StateChange):
    """Takes back some commits, whole ones, and keeps what came between and after.

    Args:
        handle: The branch.
        project: Its project.
        lsn: An LSN of the first commit; None for the first of the branch itself.
        to_lsn: An LSN of the last one; None for the first one alone, or with an author for no end.
        author: Whose commits; None for everybody's.
        strategy: Settles conflicts with later writes: they stay (``ours``), or are taken back, too
            (``theirs``).
    """

    name = "revert"

    def __init__(
        self,
        handle: Handle,
        project: ProjectRecord,
        lsn: int | None,
        to_lsn: int | None = None,
        author: str | None = None,
        *,
        strategy: Strategy = "strict",
    ) -> None:
        super().__init__(handle, project)
        check_strategy(strategy)
        self._lsn, self._to_lsn, self._by = lsn, to_lsn, author
        self._strategy = strategy
        self._commits: list[CommitInfo] = []
        self._runs: list[tuple[Place, Place]] = []

    def begin(self, head: Place) -> Operation[None]:
        """Find the commits.

        Raises:
            PointNotFound: There are none.
        """
        engine, branch = self._engine, head.branch
        yield from engine.require_on(branch, "wal_time_travel")
        first, last = branch.base_lsn, head.lsn
        if self._lsn is not None:
            yield from resolve(engine, branch, Lsn(self._lsn))
            first = yield from state_before(engine, branch, self._lsn)
        if self._to_lsn is not None or self._by is None:
            last = (yield from resolve(engine, branch, Lsn(self._to_lsn or self._lsn or 0))).lsn
        commits = yield from commits_between(engine, Place(branch, last), first)
        for number, commit in enumerate(commits):
            if self._by in (None, commit.author):
                self._commits.append(commit)
                joins = bool(self._runs) and commits[number - 1] is self._commits[-2]
                end = self._runs.pop()[1] if joins else Place(branch, commit.lsn)
                self._runs.append((Place(branch, commit.before_lsn), end))
        if not self._commits:
            by = "" if self._by is None else f" by {self._by!r}"
            raise PointNotFound(
                no_commit(branch.name, first + 1 if self._lsn is None else self._lsn, last, by)
            )

    @property
    def source(self) -> str:
        """The last of the commits, as ``branch@LSN``."""
        return str(replace(self._runs[0][1], named=True))

    @property
    def message(self) -> str:
        """What the log says of it if nothing else was given."""
        if len(self._commits) == 1:
            said = self._commits[0].message
            return f"revert LSN {self._commits[0].lsn}" + (f": {said}" if said else "")
        by = "" if self._by is None else f"{counted(len(self._commits))} of {self._by}, "
        return f"revert {by}LSN {self._commits[-1].first_lsn} to {self._commits[0].lsn}"

    @property
    def commits(self) -> list[CommitInfo]:
        """The commits that are taken back."""
        return self._commits

    def compute(self, snapshot: Snapshot, head: Place, *, keep: bool) -> Operation[Intent]:
        """Merge what was there before the commits into the head, with what they left as the base.

        Where others committed between, that is one merge after the other, the latest commits first.
        """
        engine, draft = self._engine, Draft(snapshot)
        collided: dict[Any, ConflictEntry] = {}
        for before, after in self._runs:
            rewinding = Rewinding(
                (yield from after.state(engine)),
                draft,
                (yield from before.state(engine)),
                (yield from changed_between(engine, after, before, self._tally)),
                partial(changed_between, engine, after, head),
                self._strategy,
                deletes=True,
                stores=self._fresh,
                whole=(yield from self.is_whole(before, head)),
                tally=self._tally,
            )
            step = yield from rewinding.run(draft.add)
            yield from self.require_held(before, after)
            draft.define(step.catalog)
            draft.outcome.resolved += step.resolved
            for each in step.conflicts:
                collided.setdefault((each.space, each.collection, id_key(each.id), each.path), each)
        yield from draft.settle(keep=keep)
        draft.outcome.conflicts += collided.values()
        lsns = {"first": Int64(self._commits[-1].first_lsn), "last": Int64(self._commits[0].lsn)}
        by = {} if self._by is None else {"author": self._by}
        return Intent(draft, {"_id": head.branch.id, **lsns, **by})

    def refuse(self, outcome: Outcome) -> Exception:
        """Make the error that names the later writes that depend on the commits."""
        return refusal(self.message, self._handle.line.record.name, outcome)


def no_commit(branch: str, lsn: int, to_lsn: int, by: str = "") -> str:
    """Say that a range of LSNs holds nothing to take back."""
    at = f"LSN {lsn} is" if lsn == to_lsn else f"between LSN {lsn} and {to_lsn} is"
    return f"{at} no commit{by} that changed the state of {branch!r}: choose one of 'argon log {branch}'"


def refusal(what: str, branch: str, outcome: Outcome) -> RevertConflict:
    """Make the error for commits that later writes depend on."""
    conflicts = outcome.conflicts
    return RevertConflict(
        f"cannot {what}: later writes to {branch!r} depend on it, and nothing was written "
        f"({len(conflicts)}): {named(conflicts)}; "
        "choose a strategy: ours keeps the later writes, theirs takes them back, too",
        conflicts,
    )

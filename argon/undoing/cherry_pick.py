"""Cherry-pick: single commits of another branch, brought into this one."""

from __future__ import annotations

from functools import partial

from bson import Int64

from argon.engine.handle import Handle
from argon.engine.snapshot import Snapshot
from argon.errors import MergeConflict, PointNotFound
from argon.io import Operation
from argon.merging.changed import changed_between
from argon.merging.merge import refusal
from argon.merging.outcome import Outcome
from argon.merging.strategy import Strategy, check_strategy
from argon.models import ProjectRecord
from argon.models.entry import Operation as Kind
from argon.points import Lsn
from argon.timetravel.place import Place
from argon.timetravel.resolve import resolve
from argon.undoing.change import Intent, StateChange
from argon.undoing.commits import commits_between, last_commit, state_before
from argon.undoing.compute import Picking
from argon.undoing.results import CommitInfo
from argon.undoing.revert import no_commit


class CherryPick(StateChange):
    """Brings what some commits changed, as a merge would whose base is the state before them.

    Args:
        handle: The branch.
        project: Its project.
        source: The branch that has the commits, at its head or at the point of one of them.
        lsn: An LSN of the first commit; None for the last one of the source.
        to_lsn: An LSN of the last one; None for the first one alone.
        strategy: Settles conflicts; see :mod:`argon.merging.strategy`.
    """

    name = "cherry_pick"
    kind = Kind.CHERRY_PICK

    def __init__(
        self,
        handle: Handle,
        project: ProjectRecord,
        source: Place,
        lsn: int | None = None,
        to_lsn: int | None = None,
        strategy: Strategy = "strict",
    ) -> None:
        super().__init__(handle, project)
        check_strategy(strategy)
        self._branch = source.branch
        self._place = source
        self._lsn, self._to_lsn = lsn, to_lsn
        self._strategy = strategy
        self._commits: list[CommitInfo] = []
        self._before = self._after = source

    def begin(self, _head: Place) -> Operation[None]:
        """Find the commits.

        Raises:
            PointNotFound: There are none.
        """
        engine, branch = self._engine, self._branch
        yield from engine.require_on(branch, "wal_time_travel")
        lsn = self._lsn
        if lsn is None and self._place.named:
            lsn = self._place.lsn
        if lsn is None:
            last_one = yield from last_commit(engine, self._place)
            if last_one is None:
                raise PointNotFound(f"nothing was committed to {branch.name!r} yet: there is nothing to pick")
            lsn = last_one.lsn
        to_lsn = lsn if self._to_lsn is None else self._to_lsn
        yield from resolve(engine, branch, Lsn(lsn))
        last = (yield from resolve(engine, branch, Lsn(to_lsn))).lsn
        first = yield from state_before(engine, branch, lsn)
        self._before, self._after = Place(branch, first), Place(branch, last)
        self._commits = yield from commits_between(engine, self._after, first)
        if not self._commits:
            raise PointNotFound(no_commit(branch.name, lsn, to_lsn))

    @property
    def source(self) -> str:
        """The last of the commits, as ``branch@LSN``."""
        return f"{self._branch.name}@{self._commits[0].lsn}"

    @property
    def message(self) -> str:
        """What the log says of it if nothing else was given: what the commit said of itself."""
        said = self._commits[0].message if len(self._commits) == 1 else None
        several = f" (and {len(self._commits) - 1} before it)" if len(self._commits) > 1 else ""
        return f"cherry-pick {self.source}{several}" + (f": {said}" if said else "")

    @property
    def commits(self) -> list[CommitInfo]:
        """The commits that are picked."""
        return self._commits

    def compute(self, snapshot: Snapshot, head: Place, *, keep: bool) -> Operation[Intent]:
        """Merge what the commits left into the head, with what was there before them as the base."""
        engine = self._engine
        picking = Picking(
            (yield from self._before.state(engine)),
            snapshot,
            (yield from self._after.state(engine)),
            (yield from changed_between(engine, self._before, self._after, self._tally)),
            partial(changed_between, engine, self._before, head),
            self._strategy,
            deletes=True,
            stores=self._fresh,
            tally=self._tally,
        )
        yield from picking.run(keep=keep)
        yield from self.require_held(self._before, self._after)
        lsns = {"first": Int64(self._commits[-1].first_lsn), "last": Int64(self._commits[0].lsn)}
        return Intent(picking, {"_id": self._branch.id, "branch": self._branch.name, **lsns})

    def refuse(self, outcome: Outcome) -> MergeConflict:
        """Make the error that names what both branches changed."""
        what = f"picking {self.source!r} onto {self._handle.line.record.name!r}"
        return refusal(what, outcome.conflicts)

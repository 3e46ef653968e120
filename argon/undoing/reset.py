"""Reset and undo: the state of another point becomes that of the branch's head, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import Int64
from pymongo.errors import InvalidOperation

from argon.engine.handle import Handle
from argon.engine.snapshot import Snapshot
from argon.errors import BranchNotFound, Conflict, UnsupportedOperation
from argon.io import Operation
from argon.merging.changed import Changed, changed_between
from argon.merging.draft import Draft
from argon.merging.outcome import Outcome
from argon.models import BranchRecord, ProjectRecord
from argon.models.entry import Operation as Kind
from argon.timetravel.place import Place
from argon.undoing.change import Intent, StateChange
from argon.undoing.commits import last_commit, last_commits, state_before
from argon.undoing.compute import Rewinding
from argon.undoing.results import CommitInfo, counted

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class Reset(StateChange):
    """Takes a branch to the state of a point, of its own history or of another branch's.

    What was valid there is valid, so that nothing is judged anew.

    Args:
        handle: The branch.
        project: Its project.
        to: The point.
    """

    name = "reset"
    kind = Kind.RESET
    checked = False

    def __init__(self, handle: Handle, project: ProjectRecord, to: Place) -> None:
        super().__init__(handle, project)
        self._to = to

    def begin(self, _head: Place) -> Operation[None]:
        """Nothing is left to find."""
        return
        yield

    @property
    def source(self) -> str:
        """The point, as ``branch@LSN``."""
        return f"{self._to.branch.name}@{self._to.lsn}"

    @property
    def message(self) -> str:
        """What the log says of it if nothing else was given."""
        return f"reset to {self.source}"

    def compute(self, snapshot: Snapshot, head: Place, *, keep: bool) -> Operation[Intent]:
        """Compute what differs between the head and the point."""
        if self._to.line[0] == head.line[0]:
            return Intent(Draft(snapshot))  # nothing was thought of
        rewinding = Rewinding(
            snapshot,
            snapshot,
            (yield from self._to.state(self._engine)),
            (yield from changed_between(self._engine, head, self._to, self._tally)),
            _nothing,
            "strict",
            deletes=True,
            stores=self._fresh,
            whole=(yield from self.is_whole(self._to, head)),
            tally=self._tally,
        )
        yield from rewinding.run(keep=keep)
        yield from self.require_held(self._to)
        branch_id, lsn = self._to.line[0]
        told = {"_id": branch_id, "branch": self._to.branch.name, "lsn": Int64(lsn)}
        return Intent(rewinding, told, lands=True)

    def refuse(self, outcome: Outcome) -> Exception:
        """Nothing can collide: the head is the base."""
        return AssertionError(f"a reset met conflicts: {outcome.conflicts}")


class Undo(Reset):
    """Takes back a branch's last commits; done again, it takes back the undoing.

    The undoing of a merge, or of a reset, is a reset itself, so that the merge can be done again. The undoing
    of other commits is a revert, which a merge carries to other branches.

    Args:
        handle: The branch.
        project: Its project.
        count: How many commits.

    Raises:
        InvalidOperation: That is none.
    """

    name = "undo"

    def __init__(self, handle: Handle, project: ProjectRecord, count: int = 1) -> None:
        super().__init__(handle, project, Place(handle.line.record, 0))
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise InvalidOperation(f"an undo takes back 1 commit, or more with n=, and not {count!r}")
        self._count = count
        self._last: list[CommitInfo] = []

    def begin(self, head: Place) -> Operation[None]:
        """Find the last commits.

        Raises:
            UnsupportedOperation: The branch has not so many.
        """
        last = yield from last_commits(self._engine, head, self._count)
        if not last:
            raise UnsupportedOperation(
                f"nothing was committed to {head.branch.name!r} yet, so there is nothing to undo: "
                "what it has inherited is taken back with revert"
            )
        if len(last) < self._count:
            raise UnsupportedOperation(
                f"cannot undo {counted(self._count)}: {head.branch.name!r} has {counted(len(last))} of its "
                "own, and nothing was undone; what it has inherited is taken back with revert"
            )
        self._last = last
        self._to = Place(head.branch, (yield from state_before(self._engine, head.branch, last[-1].lsn)))
        moves = any({Kind.MERGE, Kind.RESET} & commit.operations.keys() for commit in last)
        self.kind = Kind.RESET if moves else Kind.REVERT

    @property
    def commits(self) -> list[CommitInfo]:
        """The commits that are undone, the newest first."""
        return self._last

    @property
    def message(self) -> str:
        """What the log says of it if nothing else was given."""
        newest, oldest = self._last[0], self._last[-1]
        if newest is not oldest:
            return f"undo LSN {oldest.first_lsn} to {newest.lsn}"
        return f"undo LSN {newest.lsn}" + ("" if newest.message is None else f": {newest.message}")

    def compute(self, snapshot: Snapshot, head: Place, *, keep: bool) -> Operation[Intent]:
        """Compute what the last commits changed, backwards.

        Raises:
            Conflict: They are not the last ones any more.
        """
        newest, oldest = self._last[0], self._last[-1]
        now = yield from last_commit(self._engine, head)
        if now is None or now.lsn != newest.lsn:
            raise Conflict(
                f"somebody else committed to {head.branch.name!r} meanwhile, and nothing was undone: "
                f"undo again, or revert LSN {newest.lsn}"
            )
        intent = yield from super().compute(snapshot, head, keep=keep)
        if self.kind is Kind.RESET:
            return intent
        lsns = {"first": Int64(oldest.first_lsn), "last": Int64(newest.lsn)}
        return Intent(intent.computed, {"_id": head.branch.id, "undone": True, **lsns}, lands=True)


def parent_of(engine: Engine, branch: BranchRecord) -> Operation[BranchRecord]:
    """Return the branch that another one was made from.

    Raises:
        BranchNotFound: It was made from none, or that one was deleted.
    """
    if branch.parent_id is None:
        raise BranchNotFound(f"the branch {branch.name!r} was made from no other: name the point to reset to")
    parent = yield from engine.branch_record(branch.parent_id)
    if parent is None or parent.status != "active":
        name = "" if parent is None else parent.name
        raise BranchNotFound(
            f"the branch {name!r} that {branch.name!r} was made from was deleted: bring it back with "
            f"'argon branch undelete {name}', or reset to LSN {branch.base_lsn}, where they parted"
        )
    return parent


def _nothing() -> Operation[Changed]:
    """Find what moved between the head and itself."""
    return Changed()
    yield

"""Points of a project's history as pairs of branch and LSN, and where two of them part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.io import Operation
from argon.models import BranchRecord

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.snapshot import Snapshot


@dataclass(frozen=True)
class Place:
    """A branch at an LSN.

    Attributes:
        branch: The branch.
        lsn: The last LSN that counts.
        named: Whether the LSN was asked for, and is not just the head.
    """

    branch: BranchRecord
    lsn: int
    named: bool = False

    def __str__(self) -> str:
        return f"{self.branch.name}@{self.lsn}" if self.named else self.branch.name

    @property
    def line(self) -> list[tuple[ObjectId, int]]:
        """The lines whose entries make up the history, the latest first, each with its last LSN.

        A point that a branch has inherited lies on the line that it was written on.
        """
        line = [(self.branch.line_id, self.lsn)]
        for ancestor in self.branch.lineage:
            if line[-1][1] <= ancestor.fork:
                line.pop()
            line.append((ancestor.id, min(ancestor.fork, self.lsn)))
        return line

    def state(self, engine: Engine) -> Operation[Snapshot]:
        """Return what the branch held there."""
        return (yield from engine.past(self.branch, self.lsn))


def at_head(engine: Engine, branch: BranchRecord) -> Operation[Place]:
    """Return the place at which a branch is now, under the name that it has now."""
    head = yield from engine.log.head(branch)
    # Read after the head, so that it knows the line that this is on.
    return Place((yield from engine.fresh(branch)), head.lsn)


def common(engine: Engine, one: Place, other: Place) -> Operation[Place | None]:
    """Find the latest place that lies on the lines of two others; None where their lines never meet."""
    limits = dict(other.line)
    for branch_id, limit in one.line:
        if branch_id in limits:
            lsn = min(limit, limits[branch_id])
            for place in (one, other):
                if place.branch.line_id == branch_id:
                    return Place(place.branch, lsn)
            return (yield from place_of(engine, branch_id, lsn))
    return None


def place_of(engine: Engine, line_id: ObjectId, lsn: int) -> Operation[Place]:
    """Return the place at an LSN of a line, whose branch may have been deleted."""
    record: Any = yield from engine.line_record(line_id)
    return Place(record, lsn)

"""What a database or collection handle works on: a head, a moment, or an open transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bson import ObjectId

from argon.engine.errors import command_error, not_in_transaction
from argon.engine.line import Line
from argon.engine.named import NamedLine
from argon.engine.rules import admit
from argon.engine.snapshot import Snapshot
from argon.engine.transaction import Transaction
from argon.errors import ReadOnlyView
from argon.io import Operation
from argon.points import Point
from argon.timetravel.resolve import resolve
from argon.wal.change import Planner


@dataclass(frozen=True)
class FirstReads:
    """The state as it was when somebody first read the branch.

    Attributes:
        lsns: The LSNs, by branches.
    """

    lsns: dict[ObjectId, int]

    def __str__(self) -> str:
        return "the first read of the session"


class Moment:
    """A point of a branch's past, whose LSN is found once, by whoever needs it first.

    Args:
        point: An LSN, a time, an age, a tag, or a first read.
    """

    __slots__ = ("lsn", "point")

    def __init__(self, point: Point | FirstReads) -> None:
        self.point = point
        self.lsn: int | None = None

    def __str__(self) -> str:
        return str(self.point) if self.lsn is None else f"LSN {self.lsn}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Moment):
            return NotImplemented
        if self.lsn is None or other.lsn is None:
            return self.point == other.point
        return self.lsn == other.lsn

    def __hash__(self) -> int:
        # What it equals may change when it is found.
        return hash(Moment)


@dataclass(frozen=True)
class Handle:
    """A branch, and how it is looked at.

    Attributes:
        line: The branch in this process.
        moment: The moment; None for the head.
        transaction: The open transaction whose writes are seen and added to.
        author: Who writes through this handle.
        message: Why.
        force: Whether it writes to a protected branch, too.
    """

    line: Line
    moment: Moment | None = None
    transaction: Transaction | None = None
    author: str | None = None
    message: str | None = None
    force: bool = False

    @property
    def past(self) -> bool:
        """Whether it is a view of the past, which does not change."""
        return self.moment is not None

    @property
    def lsn(self) -> int | None:
        """The moment; None for the head, and for a moment that nobody has looked up yet."""
        return None if self.moment is None else self.moment.lsn

    def at(self, point: Point | FirstReads) -> Handle:
        """Return the same branch at a moment."""
        return replace(self, moment=Moment(point), transaction=None)

    def within(self, transaction: Transaction) -> Handle:
        """Return the same branch inside a transaction."""
        return replace(self, transaction=transaction)

    def saying(self, author: str | None, message: str | None, *, force: bool) -> Handle:
        """Return the same branch for writes by somebody else, with a message, or by force."""
        if author is None and message is None and not force:
            return self
        author, message = author or self.author, message or self.message
        return replace(self, author=author, message=message, force=force or self.force)

    def snapshot(self) -> Operation[Snapshot]:
        """Return what is to be read.

        Raises:
            UnsupportedOperation: It is a classic branch, which is not read here.
        """
        if self.line.record.kind == "classic":
            yield from self.line.engine.require_log(self.line.record)
        if self.transaction is not None:
            return (yield from self.transaction.snapshot())
        if self.moment is not None:
            return (yield from self.line.past((yield from self.located())))
        return (yield from self.line.snapshot())

    def located(self) -> Operation[int]:
        """Return the LSN of the moment.

        Raises:
            PointNotFound: The point is outside the branch's history.
            FeatureDisabled: ``wal_time_travel`` is off.
        """
        assert self.moment is not None
        if self.moment.lsn is None:
            if isinstance(self.line, NamedLine):
                yield from self.line.current()
            engine, record, point = self.line.engine, self.line.record, self.moment.point
            if isinstance(point, FirstReads):
                if record.id not in point.lsns:
                    head = yield from self.line.head()
                    point.lsns.setdefault(record.id, head.lsn)
                self.moment.lsn = point.lsns[record.id]
                return self.moment.lsn
            yield from engine.require_on(record, "wal_time_travel")
            found = yield from resolve(engine, record, point)
            if self.moment.lsn is None:  # otherwise somebody else was first, and a view is of one moment
                self.moment.lsn = found.lsn
        return self.moment.lsn

    def write(self, planner: Planner) -> Operation[Any]:
        """Plan a write and land it, or stage it in the open transaction.

        Raises:
            ReadOnlyView: This is a view of the past.
            FeatureDisabled: ``wal_data_operations`` is off.
            BranchProtected: The branch is protected, and the handle does not force.
        """
        yield from self.admit_writes()
        if self.transaction is not None:
            return (yield from self.transaction.write(planner))
        return (yield from self.line.write(planner, author=self.author, message=self.message))

    def admit_writes(self) -> Operation[None]:
        """Check everything that can stand against a write before it is planned.

        Raises:
            ReadOnlyView: This is a view of the past.
            FeatureDisabled: ``wal_data_operations`` is off.
            BranchProtected: The branch is protected, and the handle does not force.
            UnsupportedOperation: It is a classic branch, which is not written here.
        """
        self.check_writable()
        if self.line.record.kind == "classic":
            yield from self.line.engine.require_log(self.line.record)
        yield from self.line.engine.require_on(self.line.record, "wal_data_operations")
        yield from admit(self.line, force=self.force)

    def begin(self, author: str | None = None, message: str | None = None) -> Transaction:
        """Begin a transaction.

        Args:
            author: Who; by default whoever writes through this handle.
            message: Why.
        """
        return Transaction(self.line, author or self.author, message or self.message, force=self.force)

    def refuse_in_session(self, what: str) -> None:
        """Refuse what the server refuses in a transaction; a group of ``db.commit()`` may well do it.

        Args:
            what: What it cannot do, as the server says it.

        Raises:
            OperationFailure: This is inside a transaction of a session.
        """
        if self.transaction is not None and self.transaction.of_session:
            raise not_in_transaction(what)

    def check_writable(self) -> None:
        """Refuse a write to the past.

        Raises:
            ReadOnlyView: This is a view of the past.
            OperationFailure: It is what a session of snapshots reads.
        """
        if self.moment is not None and isinstance(self.moment.point, FirstReads):
            text = "a session of snapshots only reads: write without it, or in a session of another kind"
            raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})
        if self.moment is not None:
            given = "…" if self.lsn is None else f"lsn={self.lsn}"
            raise ReadOnlyView(
                f"the view of {self.line.record.name!r} at {self.moment} is read-only: make a branch of it "
                f"(branch.restore({given})) and write to that"
            )

"""What a database or collection handle works on: a head, a moment, or an open transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from argon.engine.line import Line
from argon.engine.snapshot import Snapshot
from argon.engine.transaction import Transaction
from argon.errors import ReadOnlyView
from argon.io import Operation
from argon.wal.change import Planner


@dataclass(frozen=True)
class Handle:
    """A branch, and how it is looked at.

    Attributes:
        line: The branch in this process.
        lsn: The moment; None for the head.
        transaction: The open transaction whose writes are seen and added to.
        author: Who writes through this handle.
    """

    line: Line
    lsn: int | None = None
    transaction: Transaction | None = None
    author: str | None = None

    def at(self, lsn: int) -> Handle:
        """Return the same branch at a moment."""
        return replace(self, lsn=lsn, transaction=None)

    def within(self, transaction: Transaction) -> Handle:
        """Return the same branch inside a transaction."""
        return replace(self, transaction=transaction)

    def snapshot(self) -> Operation[Snapshot]:
        """Return what is to be read.

        Raises:
            UnsupportedOperation: It is a classic branch, which is not read here.
        """
        if self.line.record.kind == "classic":
            yield from self.line.engine.require_log(self.line.record)
        if self.transaction is not None:
            return (yield from self.transaction.snapshot())
        if self.lsn is not None:
            return (yield from self.line.past(self.lsn))
        return (yield from self.line.snapshot())

    def write(self, planner: Planner) -> Operation[Any]:
        """Plan a write and land it, or stage it in the open transaction.

        Raises:
            ReadOnlyView: This is a view of the past.
            FeatureDisabled: ``wal_data_operations`` is off.
        """
        yield from self.admit_writes()
        if self.transaction is not None:
            return (yield from self.transaction.write(planner))
        return (yield from self.line.write(planner, author=self.author))

    def admit_writes(self) -> Operation[None]:
        """Check everything that can stand against a write before it is planned.

        Raises:
            ReadOnlyView: This is a view of the past.
            FeatureDisabled: ``wal_data_operations`` is off.
            UnsupportedOperation: It is a classic branch, which is not written here.
        """
        self.check_writable()
        if self.line.record.kind == "classic":
            yield from self.line.engine.require_log(self.line.record)
        yield from self.line.engine.require_on(self.line.record, "wal_data_operations")

    def check_writable(self) -> None:
        """Refuse a write to the past.

        Raises:
            ReadOnlyView: This is a view of the past.
        """
        if self.lsn is not None:
            raise ReadOnlyView(
                f"the view of {self.line.record.name!r} at LSN {self.lsn} is read-only: make a branch of it "
                f"(branch.restore(lsn={self.lsn})) and write to that"
            )

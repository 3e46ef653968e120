"""Where the history that can be gone back to begins, and the refusal of what lies before it.

Every way into the past asks here: views, restores, forks, diffs, merges and
replays. A horizon is published before anything behind it goes, and known here
for :data:`BOUND` seconds at most, so whoever is let in finds all there is.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES
from argon.errors import HistoryExpired
from argon.io import Operation
from argon.models import BranchRecord
from argon.retention.held import NEVER, Held, Holds, read_holds
from argon.wal.log import moment_of
from argon.wire.finds import find_one

if TYPE_CHECKING:
    from argon.engine.engine import Engine

BOUND = 1.0
"""Seconds for which a process goes by a horizon that it has read."""
_SHOWN = 6


class Horizons:
    """The horizons of lines, as this process knows them.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[ObjectId, tuple[float, int]] = {}
        self._holds: dict[ObjectId, tuple[float, Holds]] = {}

    def forget(self) -> None:
        """Read everything anew."""
        self._known.clear()
        self._holds.clear()

    def of(self, line: ObjectId) -> Operation[int]:
        """Return the first LSN of a branch's own line from which on everything is held."""
        read, horizon = self._known.get(line, (0.0, 0))
        now = time.monotonic()
        if now - read > BOUND:
            table = self._engine.plain[BRANCHES].with_options(read_concern=ReadConcern("majority"))
            found = yield from find_one(table, {"_id": line}, {"horizon_lsn": 1, "status": 1})
            gone = found is None or found["status"] == "purged"
            horizon = NEVER if gone else int(found.get("horizon_lsn", 0))
            self._known[line] = (now, horizon)
        return horizon

    def require(self, branch: BranchRecord, lsn: int) -> Operation[None]:
        """Check that a state can still be gone back to.

        Args:
            branch: The branch.
            lsn: A point that lies in its history.

        Raises:
            HistoryExpired: It cannot; the message names what still can.
        """
        line = branch.line_at(lsn)
        horizon = yield from self.of(line)
        if lsn >= horizon:
            return
        held = (yield from self._held(branch.project_id)).lines.get(line)
        if held is None or not (yield from self.at_point(held, lsn)):
            raise (yield from self._expired(branch, f"LSN {lsn}", horizon, held))

    def require_time(
        self, branch: BranchRecord, line: ObjectId, limit: int, moment: datetime
    ) -> Operation[None]:
        """Check that a line still tells what was there at a moment, or that it began later.

        Args:
            branch: The branch whose history is asked.
            line: One of the lines that make it.
            limit: The last LSN of that line that belongs to it.
            moment: The moment.

        Raises:
            HistoryExpired: It has forgotten.
        """
        horizon = yield from self.of(line)
        if not horizon:
            return
        edge = min(horizon, limit)
        # The last entry up to a horizon, and up to a point that is held, always stays.
        last = yield from self._engine.log.last_before(line, edge, edge)
        if last is None or moment >= moment_of(last):
            return
        record = yield from self._engine.branch_record(line)
        if record is None or moment >= record.created_at:
            held = (yield from self._held(branch.project_id)).lines.get(line)
            raise (yield from self._expired(branch, moment.isoformat(), horizon, held))

    def _held(self, project_id: ObjectId) -> Operation[Holds]:
        read, holds = self._holds.get(project_id, (0.0, Holds()))
        now = time.monotonic()
        if now - read > BOUND:
            holds = yield from read_holds(self._engine, project_id)
            self._holds[project_id] = (now, holds)
        return holds

    def at_point(self, held: Held, lsn: int) -> Operation[bool]:
        """Whether an LSN below a horizon names the same state as a point that is held.

        Args:
            held: What is held of its line.
            lsn: The LSN.
        """
        place = bisect_left(held.points, lsn)
        if place == len(held.points):
            return False
        point = held.points[place]
        if point == lsn:
            return True
        last = yield from self._engine.log.last_before(held.branch.id, point, point)
        return last is None or int(last["lsn"]) <= lsn

    def _expired(
        self, branch: BranchRecord, asked: str, horizon: int, held: Held | None
    ) -> Operation[HistoryExpired]:
        text = f"{asked} of the branch {branch.name!r} has expired"
        if horizon < NEVER:
            entry = yield from self._engine.log.entry(branch.project_id, horizon)
            since = "" if entry is None else f" ({moment_of(entry).isoformat()})"
            text += f": its history is held from LSN {horizon}{since} on"
        points = held.points if held is not None else ()
        if points:
            named = ", ".join(map(str, points[-_SHOWN:])) + (" …" if len(points) > _SHOWN else "")
            text += f", and at the LSNs {named} of tags, forks and merges"
        return HistoryExpired(f"{text}; a longer retention keeps more in future, and a tag keeps its point")

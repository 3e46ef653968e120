"""Following one branch's line through the log, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo import ASCENDING
from pymongo.read_concern import ReadConcern

from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.streams.difference import EXACT
from argon.streams.errors import FATAL, HISTORY_LOST, refusal
from argon.streams.token import Place
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass(frozen=True)
class _Segment:
    """A part of a history that stands on one line of the log.

    Attributes:
        branch: The line.
        until: The last LSN of it that belongs to the history; None for the branch's own line.
    """

    branch: ObjectId
    until: int | None


class Track:
    """A place on a branch's line, and the reading of what follows it.

    The line of a branch is its lineage: a place in inherited history is
    followed by the rest of what was inherited, and then by the branch's own
    entries. What its ancestors wrote after the fork is not on it.

    Args:
        engine: The engine.
        record: The branch.
        project: Its project's name.
        place: Where to begin.

    Raises:
        OperationFailure: The place is not on the line.
    """

    def __init__(self, engine: Engine, record: BranchRecord, project: str, place: Place) -> None:
        self._engine = engine
        self.record = record
        self.project = project
        # An LSN counts once a majority of the servers has it.
        self._log = engine.raw[LOG].with_options(codec_options=EXACT, read_concern=ReadConcern("majority"))
        segments = _segments(record)
        ids = [segment.branch for segment in segments]
        if place.branch not in ids:
            raise token_not_found(f"it is of a branch that {record.name!r} does not descend from")
        here = ids.index(place.branch)
        until = segments[here].until
        if until is not None and place.lsn > until:
            raise token_not_found(
                f"LSN {place.lsn} was written after {record.name!r} had left that branch at LSN {until}"
            )
        self._segments = segments[here:]
        self.lsn = place.lsn
        self.skip = place.skip

    @property
    def line_id(self) -> ObjectId:
        """The line on which the branch writes, as far as this track knows."""
        return self._segments[-1].branch

    @property
    def place(self) -> Place:
        """The place, for a resume token."""
        return Place(self._segments[0].branch, self.lsn, self.skip)

    def read(self, limit: int, projection: Mapping[str, Any] | None = None) -> Operation[list[Any]]:
        """Return the entries that follow, as many as fit in one reply of the server.

        Args:
            limit: At most so many.
            projection: What to read of each.

        Returns:
            Entries in the order of the line, all of one branch; none at its end.

        Raises:
            OperationFailure: The log no longer holds what follows.
        """
        while True:
            segment = self._segments[0]
            following: dict[str, Any] = {"$gte": Int64(self.lsn)}
            if segment.until is not None:
                following["$lt"] = Int64(segment.until)
            query: dict[str, Any] = {"branch_id": segment.branch, "prev_lsn": following}
            if segment.until is not None:
                query["lsn"] = {"$lte": Int64(segment.until)}
            entries: list[Any] = (
                yield self._log.find(query, projection)
                .sort("prev_lsn", ASCENDING)
                .limit(-limit)
                .to_list(None)
            )
            moved = entries.pop() if entries and entries[-1]["operation"] == Kind.PUBLISH else None
            if entries:
                self._check(entries)
                yield from self._check_horizon(segment.branch, int(entries[0]["lsn"]))
                return entries
            if moved is not None:
                yield from self._move(moved)
                continue
            if segment.until is None:
                return []
            self._segments.pop(0)
            self.lsn, self.skip = max(self.lsn, segment.until), 0

    def after(self, entry: Mapping[str, Any]) -> Operation[Mapping[str, Any] | None]:
        """Return the entry that follows one."""
        found: Mapping[str, Any] | None = yield self._log.find_one(
            {"branch_id": entry["branch_id"], "prev_lsn": entry["lsn"]}
        )
        return found

    def makes_room(self, entry: Mapping[str, Any]) -> Operation[bool]:
        """Whether a collection was dropped for another to take its name, which is one event: the rename."""
        if int(entry.get("commit", entry["lsn"])) == int(entry["lsn"]):
            return False
        following = yield from self.after(entry)
        return (
            following is not None
            and following["operation"] == Kind.RENAME_COLLECTION
            and following.get("space") == entry.get("space")
            and following["document"]["name"] == entry["collection"]
        )

    def made_room_for(self, entry: Mapping[str, Any]) -> Operation[Any]:
        """Return the id of the collection that was dropped for a rename to take its name, if one was."""
        before = yield from self._engine.log.entry(self.record.project_id, int(entry["prev_lsn"]))
        if before is None or before["operation"] != Kind.DROP_COLLECTION:
            return None
        # What was dropped before, by a commit of its own, only had the same name.
        together = before.get("commit") == entry.get("commit", entry["lsn"])
        return before["document_id"] if together and (yield from self.makes_room(before)) else None

    def advance(self, entry: Mapping[str, Any]) -> None:
        """Move the place behind an entry that was read."""
        self.lsn, self.skip = int(entry["lsn"]), 0

    def _move(self, published: Mapping[str, Any]) -> Operation[None]:
        """Go on with the line to which a large commit moved the branch, from the same LSN."""
        self.record = yield from self._engine.fresh(self.record)
        segments = _segments(self.record)
        ids = [segment.branch for segment in segments]
        self._segments = segments[ids.index(published["document"]["line"]) :]

    def _check_horizon(self, line: ObjectId, lsn: int) -> Operation[None]:
        """Refuse what the log tells no longer as it was; see :mod:`argon.retention`."""
        horizon = yield from self._engine.horizons.of(line)
        if lsn <= horizon:
            raise history_lost(
                f"LSN {lsn} of the branch {self.record.name!r} is beyond its retention, which holds "
                f"LSN {horizon} and what follows"
            )

    def _check(self, entries: list[Any]) -> None:
        """Each entry names the one before it, so nothing can be missing unseen."""
        last = self.lsn
        for entry in entries:
            if entry["prev_lsn"] != last:
                raise history_lost(
                    f"LSN {last} of the branch {self.record.name!r} is followed by LSN {entry['lsn']}, "
                    f"which was written after LSN {entry['prev_lsn']}"
                )
            last = entry["lsn"]


def _segments(record: BranchRecord) -> list[_Segment]:
    inherited = [_Segment(ancestor.id, ancestor.fork) for ancestor in reversed(record.lineage)]
    return [*inherited, _Segment(record.line_id, None)]


def history_lost(why: str) -> Exception:
    """Build the server's error for a place from which the log no longer goes on."""
    return refusal(
        HISTORY_LOST,
        "Resume of change stream was not possible, as the resume point may no longer be in the log: " + why,
    )


def token_not_found(why: str) -> Exception:
    """Build the server's error for a resume token that does not belong to the stream."""
    return refusal(FATAL, f"cannot resume stream; the resume token was not found: {why}")

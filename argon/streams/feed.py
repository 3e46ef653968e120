"""A change stream as operations: what ``watch()`` does in every world.

One call of :meth:`Feed.advance` is what one ``getMore`` is to a stream of the
server's: it reads what the log has, and only if there is nothing new waits
once, for as long as was asked. A place moves when all that lies before it has
been made into events, so an error loses and repeats nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson import ObjectId, Timestamp

from argon.io import Operation
from argon.models.entry import DOCUMENT_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.streams.events import (
    Entry,
    Event,
    catalogue_events,
    cluster_time,
    deletion_events,
    for_scope,
    stamped,
)
from argon.streams.images import KeptImages
from argon.streams.lookup import collections_before, look_up
from argon.streams.order import complete_until, in_order
from argon.streams.scope import INVALIDATE
from argon.streams.start import branch_track, later_tracks, project_tracks
from argon.streams.token import Place, Token
from argon.streams.track import Track
from argon.streams.wakeup import Wakeup
from argon.streams.watch import Watch
from argon.wal.log import DEFAULT_SPACE, moment_of

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_BATCH = 100
_SEARCH = 5.0
"""Seconds for which one call looks through entries of which the stream shows none."""


class Feed:
    """A change stream.

    Args:
        engine: The engine.
        watch: What was asked for.
    """

    def __init__(self, engine: Engine, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch
        self._everything = watch.line is None
        self._newest: int | None = None
        self._wakeup = Wakeup(engine, None, watch.max_await_time_ms)
        self._limit = watch.batch_size or _BATCH
        self._since = watch.start.time()
        self._tracks: dict[ObjectId, Track] = {}
        # Branches of which there may be more, and up to which LSN, where that is known.
        self._behind: dict[ObjectId, int | None] = {}
        self._fetched: dict[ObjectId, list[Entry]] = {}
        self._others: set[ObjectId] = set()
        self._commit = (0, True)
        self._images = KeptImages(engine, watch.images)
        self._ready: deque[Any] = deque()
        self._end: Mapping[str, Any] | None = None
        self.token: Mapping[str, Any] = {}
        self.alive = True

    def open(self) -> Operation[None]:
        """Begin: what is committed from now on, or after the token, will be told of.

        Raises:
            BranchNotFound: The branch was deleted.
            OperationFailure: A stage, an option or a token is wrong.
        """
        watch = self._watch
        yield from watch.pipeline.check(self._engine)
        if watch.line is None:
            tracks, self._newest = yield from project_tracks(self._engine, watch.start)
        else:
            track = yield from branch_track(self._engine, watch.line, watch.project, watch.start)
            self._wakeup = Wakeup(self._engine, track.line_id, watch.max_await_time_ms)
            tracks = [track]
        self._tracks = {track.record.id: track for track in tracks}
        self._behind = dict.fromkeys(self._tracks)
        self.token = self._high_water()

    @property
    def ready(self) -> bool:
        """Whether there is an event that needs no reading."""
        return bool(self._ready)

    def wait_for(self, seconds: float) -> None:
        """Set for how long a call waits for an event."""
        self._wakeup.wait_for(seconds)

    def look(self) -> Operation[None]:
        """Read what there is to tell of, and wait for nothing."""
        deadline = time.monotonic() + _SEARCH
        while self._behind and not self._ready and time.monotonic() < deadline:
            yield from self._read()

    def advance(self) -> Operation[Any]:
        """Return the next event as BSON-able document, or None if there was none in time."""
        if not self._ready and self.alive:
            yield from self._fill()
        event: Any = self._ready.popleft() if self._ready else None
        if self._ready:
            self.token = dict(event["_id"])
        elif self._end is not None:
            self.token, self.alive = self._end, False
        else:
            self.token = self._high_water()
        return event

    def close(self) -> Operation[None]:
        """Give up what the server holds for the stream."""
        self.alive = False
        yield from self._wakeup.close()

    def _fill(self) -> Operation[None]:
        deadline = time.monotonic() + max(self._wakeup.patience, _SEARCH)
        while not self._ready and self._end is None:
            if self._behind:
                yield from self._read()
                if time.monotonic() > deadline:
                    return
            elif not self._wakeup.ready:
                yield from self._wakeup.open()
                yield from self._look_everywhere()
            else:
                grown = yield from self._wakeup.wait(self._known)
                if grown is None:
                    if not self._everything:
                        self._behind = dict.fromkeys(self._tracks)
                    return
                yield from self._grown(*grown)

    def _look_everywhere(self) -> Operation[None]:
        if self._newest is not None:
            known = {track.record.project_id for track in self._tracks.values()}
            added, self._newest = yield from later_tracks(self._engine, known, self._newest)
            self._tracks |= {track.record.id: track for track in added}
        self._behind = dict.fromkeys(self._tracks)

    def _track_on(self, line_id: ObjectId) -> Track | None:
        return next((track for track in self._tracks.values() if track.line_id == line_id), None)

    def _known(self, line_id: ObjectId, lsn: int) -> bool:
        track = self._track_on(line_id)
        return line_id in self._others if track is None else track.lsn >= lsn

    def _grown(self, line_id: ObjectId, lsn: int) -> Operation[None]:
        track = self._track_on(line_id)
        if track is not None:
            # What others commit before this branch goes on is told of in between.
            self._behind[track.record.id] = lsn if self._everything else None
            return
        record = yield from self._engine.branch_record(line_id)
        if record is not None and record.parent_id in self._tracks:
            self._behind[record.parent_id] = None  # a large commit may have moved the branch to that line
        elif record is not None and self._newest is not None:
            yield from self._look_everywhere()  # the project may be a new one
        if self._track_on(line_id) is None and (record is None or record.status != "published"):
            self._others.add(line_id)

    def _read(self) -> Operation[None]:
        """Make events of the next entries of branches that are behind."""
        if len(self._behind) > 1:
            return (yield from self._catch_up())
        [(branch, until)] = self._behind.items()
        track = self._tracks[branch]
        entries = self._fetched.pop(branch, None) or (yield from self._fetch(track, self._limit))
        if until is not None:
            due = [entry for entry in entries if int(entry["lsn"]) <= until]
            if len(due) < len(entries):
                self._fetched[branch] = list(entries[len(due) :])
            entries = due
        if entries:
            yield from self._take(branch, entries)
        if not entries or (until is not None and track.lsn >= until):
            self._behind.pop(branch, None)

    def _catch_up(self) -> Operation[None]:
        """Make events of the next entries of many branches, in the order of their times."""
        limit = max(1, self._limit // len(self._behind))
        fetched = yield from self._fetch_all(limit)
        if not fetched:
            self._behind.clear()
            return
        until = complete_until(fetched, limit)
        # Once more, for what has come on a branch after it was read and before another one was.
        fetched = yield from self._fetch_all(limit)
        for branch, entries in in_order(fetched, min(until, complete_until(fetched, limit))):
            if branch in self._tracks:
                yield from self._take(branch, entries)

    def _fetch_all(self, limit: int) -> Operation[dict[ObjectId, list[Entry]]]:
        self._fetched.clear()
        fetched = {}
        for branch in self._behind:
            if entries := (yield from self._fetch(self._tracks[branch], limit)):
                fetched[branch] = entries
        return fetched

    def _fetch(self, track: Track, limit: int) -> Operation[list[Entry]]:
        line_id = track.line_id
        entries: list[Entry] = yield from track.read(limit, self._watch.scope.projection())
        if track.line_id != line_id and not self._everything:
            # Whatever is told of the line that the branch was moved to must be read once more afterwards.
            yield from self._wakeup.close()
            self._wakeup = Wakeup(self._engine, track.line_id, self._watch.max_await_time_ms)
        return entries

    def _take(self, branch: ObjectId, entries: Sequence[Entry]) -> Operation[None]:
        track = self._tracks[branch]
        events, end = yield from self._events(track, entries)
        if self._watch.images.looked_up:
            updates = [event for event in events if event["operationType"] == "update"]
            yield from look_up(self._engine, track.record, self._watch.scope.space, updates)
        shown = yield from self._watch.pipeline.apply(self._engine, events)
        track.advance(entries[-1])
        self._ready.extend(shown)
        self._end = end
        if self._everything and entries[-1]["operation"] == Kind.DELETE_BRANCH:
            del self._tracks[branch]
            self._behind.pop(branch, None)

    def _events(
        self, track: Track, entries: Sequence[Entry]
    ) -> Operation[tuple[list[dict[str, Any]], Mapping[str, Any] | None]]:
        """Return the events that the stream shows, and the token at which it ends, if it does."""
        others = tuple(other.place for other in self._tracks.values() if other is not track)
        documents: list[dict[str, Any]] = []
        skip = track.skip
        for entry in entries:
            made = yield from self._events_of(track, entry)
            for number, event in enumerate(made[skip:], skip + 1):
                if not self._watch.scope.admits(event):
                    continue
                if self._since is not None and (yield from self._is_before(self._since, track, entry)):
                    continue
                place = Place(entry["branch_id"], int(entry["lsn"]))
                if number < len(made):
                    place = Place(entry["branch_id"], int(entry["prev_lsn"]), number)
                ends = event.kind == INVALIDATE
                token = Token((place, *others), ends, self._newest).encode()
                shown = for_scope(event, expanded=self._watch.scope.expanded)
                documents.append(stamped(shown, entry, token))
                if ends:
                    return documents, token
            skip = 0
        return documents, None

    def _is_before(self, since: Timestamp, track: Track, entry: Entry) -> Operation[bool]:
        """Whether an entry became visible before a time; those of a large commit are older than that."""
        if cluster_time(entry) >= since:
            return False
        commit = int(entry.get("commit", entry["lsn"]))
        if commit == int(entry["lsn"]):
            return True
        if self._commit[0] != commit:
            last = yield from self._engine.log.entry(track.record.project_id, commit)
            moment = None if last is None else moment_of(last)
            seen = None if moment is None else Timestamp(int(moment.timestamp()), moment.microsecond + 1)
            self._commit = commit, seen is None or seen < since
        return self._commit[1]

    def _events_of(self, track: Track, entry: Entry) -> Operation[list[Event]]:
        scope, operation = self._watch.scope, entry["operation"]
        space = entry.get("space") or DEFAULT_SPACE
        if operation in DOCUMENT_OPERATIONS:
            if space != scope.space or scope.collection not in (None, entry["collection"]):
                return []
            event = yield from self._images.event(track.record, entry, track.project, scope)
            return [event]
        self._images.forget(track.record)
        if operation == Kind.DROP_COLLECTION and (yield from track.makes_room(entry)):
            return []
        if operation == Kind.DELETE_BRANCH:
            collections = yield from collections_before(self._engine, track.record, entry)
            of_space = [record for record in collections if record.space == scope.space]
            return deletion_events(track.project, of_space)
        dropped = None
        if operation == Kind.RENAME_COLLECTION and scope.expanded:
            dropped = yield from track.made_room_for(entry)
        return catalogue_events(entry, track.project, dropped)

    def _high_water(self) -> Mapping[str, Any]:
        places = tuple(track.place for track in self._tracks.values())
        return Token(places, newest=self._newest).encode()

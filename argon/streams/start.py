"""Where a stream begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId, Timestamp

from argon.catalog.records import MAIN
from argon.catalog.tables import BRANCHES, PROJECTS
from argon.errors import BranchNotFound, HistoryExpired, PointNotFound
from argon.io import Operation
from argon.models import BranchRecord
from argon.points import Time
from argon.retention.lines import own_levels
from argon.streams.errors import INVALID_RESUME_TOKEN, TYPE_MISMATCH, refusal
from argon.streams.namesakes import on_namesake
from argon.streams.token import Place, Token, decode_token
from argon.streams.track import Track, history_lost, token_not_found
from argon.timetravel.resolve import resolve

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.engine.line import Line


@dataclass(frozen=True)
class Start:
    """Where to begin, as ``watch()`` was asked.

    Attributes:
        resume_after: A token that is no invalidation's.
        start_after: Any token.
        operation_time: A time, used where no token is given.
    """

    resume_after: Any = None
    start_after: Any = None
    operation_time: Any = None

    def token(self) -> Token | None:
        """Read the token, if one is given.

        Raises:
            OperationFailure: It is malformed, or ``resume_after`` is asked of an invalidation.
        """
        if self.start_after:
            return decode_token(self.start_after, "startAfter")
        if self.resume_after is None:
            return None
        token = decode_token(self.resume_after, "resumeAfter")
        if token.invalidated:
            raise refusal(
                INVALID_RESUME_TOKEN,
                "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate "
                "notification: use start_after=",
            )
        return token

    def time(self) -> Timestamp | None:
        """Return the time before which nothing is shown.

        Raises:
            OperationFailure: It is no Timestamp.
        """
        moment = self.operation_time
        if moment is None or self.start_after or self.resume_after is not None:
            return None
        if not isinstance(moment, Timestamp):
            raise refusal(
                TYPE_MISMATCH,
                "BSON field '$changeStream.startAtOperationTime' is the wrong type "
                f"'{type(moment).__name__}', expected type 'timestamp'",
            )
        return moment


def branch_track(engine: Engine, line: Line, project: str, start: Start) -> Operation[Track]:
    """Find where a stream on one branch begins.

    Args:
        engine: The engine.
        line: The branch; a project that does not exist yet is made, so that there is something to watch.
        project: Its project's name.
        start: What was asked for; by default the branch's head.

    Raises:
        BranchNotFound: The branch was deleted, and no token leads to what is left of it.
        OperationFailure: The token is of another line.
    """
    token = start.token()
    unknown: BranchNotFound | None = None
    try:
        yield from (line.opened() if token is None or token.invalidated else line.current())
    except BranchNotFound as error:
        unknown = error  # it may still have an end to be told of
    record = yield from engine.branch_record(line.record.id)
    if record is None and unknown is not None:
        raise unknown
    if record is None or (token is None and record.status != "active"):
        raise BranchNotFound(
            f"the branch {line.record.name!r} was deleted: a stream on it can only be resumed, by "
            "start_after= or resume_after="
        )
    if token is None:
        first = yield from _begin(engine, record, start.time())
        # Read after the place, so that it knows the line that this is on.
        return Track(engine, (yield from engine.fresh(record)), project, first)
    lineage = {record.line_id, *(ancestor.id for ancestor in record.lineage)}
    place = next((place for place in token.places if place.branch in lineage), None)
    if place is None:
        found = yield from on_namesake(engine, record, token)
        if found is None:
            raise token_not_found(f"it is of a branch that {record.name!r} does not descend from")
        record, place = found
    return (yield from _resumed(engine, record, project, place))


def project_tracks(engine: Engine, start: Start) -> Operation[tuple[list[Track], int]]:
    """Find where a stream on all projects begins on each of their default branches.

    Args:
        engine: The engine.
        start: What was asked for.

    Returns:
        The tracks, and the highest number that a main branch has.

    Raises:
        OperationFailure: The token is of a stream on one branch.
    """
    token = start.token()
    if token is None:
        latest = yield engine.plain[BRANCHES].find({"name": MAIN}).sort("number", -1).limit(1).to_list(1)
        tracks: list[Track] = []
        for record, name in (yield from _defaults(engine, {"status": "active"})):
            place = yield from _begin(engine, record, start.time())
            tracks.append(Track(engine, (yield from engine.fresh(record)), name, place))
        return tracks, max([int(record["number"]) for record in latest], default=0)
    if token.newest is None:
        raise token_not_found("it is of a stream on one branch, and this one is on all projects")
    tracks = []
    for record, name, place in (yield from _placed(engine, token.places)):
        tracks.append((yield from _resumed(engine, record, name, place)))
    known = {track.record.project_id for track in tracks}
    added, newest = yield from later_tracks(engine, known, token.newest)
    return tracks + added, newest


def later_tracks(engine: Engine, known: set[ObjectId], newest: int) -> Operation[tuple[list[Track], int]]:
    """Find the projects that were made since a stream on all of them last looked.

    Args:
        engine: The engine.
        known: The projects that it follows.
        newest: The highest number of a main branch that it knew of.

    Returns:
        Tracks from the beginning of each, and the highest number now.
    """
    later = {"name": MAIN, "parent_id": None, "$or": [{"status": "active"}, {"number": {"$gt": newest}}]}
    found = yield engine.plain[BRANCHES].find(later, {"project_id": 1, "number": 1}).to_list(None)
    unknown = {main["project_id"] for main in found} - known
    tracks = []
    for record, name in (yield from _defaults(engine, {"_id": {"$in": list(unknown)}})):
        tracks.append(Track(engine, record, name, (yield from _beginning(engine, record))))
    return tracks, max([newest, *(int(main["number"]) for main in found)])


def _defaults(engine: Engine, query: Mapping[str, Any]) -> Operation[list[tuple[BranchRecord, str]]]:
    """Find the default branches of projects, which go by the projects' names as databases."""
    projects = yield engine.plain[PROJECTS].find(query, {"name": 1, "default_branch": 1}).to_list(None)
    chosen = {project["_id"]: project.get("default_branch") for project in projects}
    names = {project["_id"]: project["name"] for project in projects}
    main = {"name": MAIN, "parent_id": None, "project_id": {"$in": list(chosen)}}
    wanted = {"$or": [main, {"_id": {"$in": list(chosen.values())}}], "kind": "wal"}
    found = yield engine.plain[BRANCHES].find(wanted).sort("number", 1).to_list(None)
    records = [BranchRecord.model_validate(document) for document in found]
    there = {record.id for record in records}
    return [
        (record, names[record.project_id])
        for record in records
        if record.id == chosen[record.project_id] or chosen[record.project_id] not in there
    ]


def _placed(engine: Engine, places: Sequence[Place]) -> Operation[list[tuple[BranchRecord, str, Place]]]:
    """Find the branches of a token's places; deleted meanwhile, they still have an end to be told of.

    A place that the present default branch has inherited is one of that, and otherwise
    of the branch that wrote the line.
    """
    wanted = {"$in": [place.branch for place in places]}
    query = {
        "$or": [{"_id": wanted}, {"line": wanted}, {"lineage.id": wanted}],
        "kind": "wal",
        "status": {"$nin": ["hidden", "published"]},
    }
    found = yield engine.plain[BRANCHES].find(query).sort("number", 1).to_list(None)
    records = [BranchRecord.model_validate(document) for document in found]
    ids = list({record.project_id for record in records})
    names = {record.id: name for record, name in (yield from _defaults(engine, {"_id": {"$in": ids}}))}
    projects = yield engine.plain[PROJECTS].find({"_id": {"$in": ids}}, {"name": 1}).to_list(None)
    named: dict[ObjectId, str] = {project["_id"]: project["name"] for project in projects}
    chosen: dict[ObjectId, tuple[BranchRecord, str, Place]] = {}
    for place in places:
        for record in records:
            inherits = record.id in names and _inherits(record, place)
            owns = place.branch in {line for line, _ in own_levels(record)}
            if record.project_id in named and (inherits or (owns and record.project_id not in chosen)):
                chosen[record.project_id] = (record, named[record.project_id], place)
    return list(chosen.values())


def _inherits(record: BranchRecord, place: Place) -> bool:
    return any(place.branch == each.id and place.lsn <= each.fork for each in record.lineage)


def _resumed(engine: Engine, record: BranchRecord, project: str, place: Place) -> Operation[Track]:
    if place.branch == record.line_id:
        head = yield from engine.log.head(record)
        if place.lsn > head.lsn:
            raise token_not_found(f"LSN {place.lsn} is beyond the head of {record.name!r}, LSN {head.lsn}")
    return Track(engine, record, project, place)


def _begin(engine: Engine, record: BranchRecord, moment: Timestamp | None) -> Operation[Place]:
    if moment is None:
        head, line_id = yield from engine.log.end(record)
        return Place(line_id, head.lsn)
    # The counter of an event's time is its microseconds.
    since = datetime.fromtimestamp(moment.time, UTC) + timedelta(microseconds=min(moment.inc, 999_999))
    try:
        lsn = (yield from resolve(engine, record, Time(since - timedelta(microseconds=2)))).lsn
    except HistoryExpired as error:
        raise history_lost(str(error)) from error
    except PointNotFound:
        return (yield from _beginning(engine, record))
    entry = yield from engine.log.entry(record.project_id, lsn)
    if entry is None or entry["prev_lsn"] is None:
        return (yield from _beginning(engine, record))
    return Place(entry["branch_id"], lsn)


def _beginning(engine: Engine, record: BranchRecord) -> Operation[Place]:
    """Return the place before everything that a branch sees."""
    if not record.lineage:
        return Place(record.id, record.base_lsn)
    root = yield from engine.branch_record(record.lineage[-1].id)
    return Place(record.lineage[-1].id, 0 if root is None else root.base_lsn)

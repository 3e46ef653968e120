"""The commits of a branch's history, read from the log without their documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.read_concern import ReadConcern

from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS, MARK_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.timetravel.place import Place
from argon.undoing.results import CommitInfo
from argon.wal.log import LOG, moment_of

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PAGE = 5000
_FIELDS = {
    "lsn": 1,
    "prev_lsn": 1,
    "operation": 1,
    "commit": 1,
    "author": 1,
    "message": 1,
    "timestamp": 1,
    "micros": 1,
}
STATE_OPERATIONS = DOCUMENT_OPERATIONS | DDL_OPERATIONS | MARK_OPERATIONS
"""What a commit that can be taken back is made of; names, tags and settings of branches are not."""


def commits_between(
    engine: Engine, place: Place, after: int, author: str | None = None
) -> Operation[list[CommitInfo]]:
    """Read the commits of a history, the newest first.

    Args:
        engine: The engine.
        place: Where the history ends.
        after: The LSN after which it begins, the end of a commit.
        author: Tell only of this author's.
    """
    found: list[CommitInfo] = []
    query: dict[str, Any] = {"operation": {"$in": sorted(STATE_OPERATIONS)}}
    if author is not None:
        query["author"] = author
    log = _log(engine)
    for branch_id, limit in reversed(place.line):
        first = after
        while first < limit:
            bounds = {"prev_lsn": {"$gte": Int64(first), "$lt": Int64(limit)}, "lsn": {"$lte": Int64(limit)}}
            entries: list[Any] = (
                yield log.find({"branch_id": branch_id, **bounds, **query}, _FIELDS)
                .sort("prev_lsn", ASCENDING)
                .limit(_PAGE)
                .to_list(None)
            )
            for entry in entries:
                _add(found, entry)
            if len(entries) < _PAGE:
                break
            first = int(entries[-1]["lsn"])
    return found[::-1]


def state_before(engine: Engine, branch: BranchRecord, lsn: int) -> Operation[int]:
    """Return the LSN of the state that a commit found.

    Args:
        engine: The engine.
        branch: A branch.
        lsn: An LSN of its history; inside a commit it stands for the whole of it.
    """
    branch_id, base = _line_of(branch, lsn)
    log = _log(engine)
    last = yield log.find_one(
        {
            "branch_id": branch_id,
            "prev_lsn": {"$gte": Int64(0), "$lt": Int64(lsn)},
            "lsn": {"$lt": Int64(lsn)},
            "commit": {"$not": {"$gte": Int64(lsn)}},
        },
        {"lsn": 1},
        sort=[("prev_lsn", DESCENDING)],
    )
    known = base if last is None else int(last["lsn"])
    # Where the log was compacted, the entry before it may be gone; it says itself what it followed.
    first = yield log.find_one(
        {"branch_id": branch_id, "prev_lsn": {"$gte": Int64(known)}, "lsn": {"$lte": Int64(lsn)}},
        {"prev_lsn": 1},
        sort=[("prev_lsn", ASCENDING)],
    )
    return known if first is None else int(first["prev_lsn"])


def last_commits(engine: Engine, place: Place, count: int) -> Operation[list[CommitInfo]]:
    """Find the last commits of a branch itself that changed its state, the newest first.

    Args:
        engine: The engine.
        place: A place of the branch.
        count: How many; there may be fewer.

    Raises:
        UnsupportedOperation: What came last is the copy of a classic branch, which is no commit.
    """
    found: list[CommitInfo] = []
    while len(found) < count:
        last = yield from _last_entry(engine, place)
        if last is None:
            break
        lsn = int(last["lsn"])
        if last["operation"] == Kind.MIGRATE_BRANCH:
            if found:
                break
            raise UnsupportedOperation(
                f"nothing was written to {place.branch.name!r} since it was migrated into the log at LSN "
                f"{lsn}: there is nothing to undo"
            )
        before = yield from state_before(engine, place.branch, lsn)
        [commit, *_] = yield from commits_between(engine, Place(place.branch, lsn), before)
        found.append(commit)
        place = Place(place.branch, before)
    return found


def last_commit(engine: Engine, place: Place) -> Operation[CommitInfo | None]:
    """Find the last commit of a branch itself that changed its state; None where there is none.

    Raises:
        UnsupportedOperation: What came last is the copy of a classic branch, which is no commit.
    """
    return next(iter((yield from last_commits(engine, place, 1))), None)


def _last_entry(engine: Engine, place: Place) -> Operation[Any]:
    """Find the last entry of the branch itself that changed its state."""
    own = {place.branch.line_id}
    for ancestor in place.branch.lineage:
        if place.branch.id in own:
            break
        own.add(ancestor.id)  # large commits have moved the branch from there
    for line_id, limit in place.line:
        if line_id not in own:
            break
        last = yield _log(engine).find_one(
            {
                "branch_id": line_id,
                "prev_lsn": {"$gte": Int64(0), "$lt": Int64(limit)},
                "operation": {"$in": sorted({*STATE_OPERATIONS, Kind.MIGRATE_BRANCH})},
            },
            {"lsn": 1, "operation": 1},
            sort=[("prev_lsn", DESCENDING)],
        )
        if last is not None:
            return last
    return None


def _line_of(branch: BranchRecord, lsn: int) -> tuple[ObjectId, int]:
    """Return the branch of a lineage whose line holds an LSN, and where that line begins."""
    line = branch.line_id
    for ancestor in branch.lineage:
        if lsn > ancestor.fork:
            return line, ancestor.fork
        line = ancestor.id
    return line, 0 if branch.lineage else branch.base_lsn


def _add(commits: list[CommitInfo], entry: Mapping[str, Any]) -> None:
    lsn = int(entry["lsn"])
    end = int(entry.get("commit", lsn))
    if not commits or commits[-1].lsn != end:
        moment = moment_of(entry)
        before = int(entry["prev_lsn"])
        commits.append(CommitInfo(lsn, end, before, moment, entry.get("author"), entry.get("message"), {}))
    operations = commits[-1].operations
    operations[entry["operation"]] = operations.get(entry["operation"], 0) + 1


def _log(engine: Engine) -> Any:
    return engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))

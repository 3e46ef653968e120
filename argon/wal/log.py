"""Reading and writing ``wal_log``, the source of truth.

The unique index is the sequencer. The clustered key ``(project_id, lsn)``
makes LSNs unique; the index ``(branch_id, prev_lsn)`` lets only one entry
follow a given head, so that the log of a branch is strictly serial and a
commit that lands has seen exactly the state at its ``prev_lsn``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Int64, ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, DESCENDING
from pymongo.read_concern import ReadConcern

from argon.io import Operation
from argon.models import BranchRecord, WALEntry
from argon.models.entry import Operation as Kind
from argon.versions.elements import elements
from argon.wal.change import Change
from argon.wal.images import old_fields
from argon.wire.finds import find_one

LOG = "wal_log"
CHAIN_INDEX = "branch_id_1_prev_lsn_1"
MERGE_INDEX: tuple[list[tuple[str, int]], dict[str, Any]] = (
    [("branch_id", ASCENDING), ("lsn", ASCENDING)],
    {"name": "merges", "partialFilterExpression": {"operation": "merge"}},
)
"""Finds the merges into a branch; other entries are not in it and pay nothing for it."""
RESET_INDEX: tuple[list[tuple[str, int]], dict[str, Any]] = (
    [("branch_id", ASCENDING), ("lsn", ASCENDING)],
    {"name": "resets", "partialFilterExpression": {"operation": "reset"}},
)
"""Finds the resets of a branch."""
DEFAULT_SPACE = "default"
# MongoDB takes 16 MiB; the rest of an entry and of a row is well below this.
ENTRY_OVERHEAD = 4096
_USUAL_OVERHEAD = 512
MAX_ENTRY = 16 * 1024 * 1024 - ENTRY_OVERHEAD
_END_FIELDS = {
    "lsn": 1,
    "prev_lsn": 1,
    "timestamp": 1,
    "micros": 1,
    "operation": 1,
    # Where the branch went on, which is small; other documents are not read.
    "document": {"$cond": [{"$eq": ["$operation", "publish"]}, "$document", "$$REMOVE"]},
}


@dataclass(frozen=True)
class Head:
    """The end of a branch's line.

    Args:
        lsn: The last LSN that belongs to the branch, or its fork point.
        time: When that entry was made.
    """

    lsn: int
    time: datetime


@dataclass(slots=True)
class Entry:
    """An entry about to be written, in the order in which it will stand.

    ``old_fields`` may be given where it is known already; see :mod:`argon.wal.images`.
    """

    operation: str
    space: str | None = None
    collection: str | None = None
    document_id: Any = None
    document: Mapping[str, Any] | None = None
    old_document: Mapping[str, Any] | None = None
    old_fields: RawBSONDocument | None = None
    touched: Sequence[str] | None = None
    has_id: bool = False


def encode(
    entries: Sequence[Entry],
    *,
    project_id: ObjectId,
    branch_id: ObjectId,
    prev_lsn: int | None,
    lsns: Sequence[int],
    moment: datetime,
    author: str | None,
    message: str | None,
    commit: int | None = None,
) -> list[dict[str, Any]]:
    """Lay out the entries of one commit as they are stored.

    Args:
        entries: What changed, in order.
        project_id: The project.
        branch_id: The branch, or the project's own id for project-wide entries.
        prev_lsn: The head that the commit follows; None for a record outside the line.
        lsns: The entries' LSNs, increasing.
        moment: The commit's time.
        author: Who.
        message: Why.
        commit: The last LSN of the commit, where these are not all of its entries.

    Returns:
        The documents for ``wal_log``. What can be derived is left out: the
        ``default`` space, and ``commit`` where the commit is one entry.
    """
    last = Int64(lsns[-1] if commit is None else commit)
    timestamp = moment.astimezone(UTC).replace(tzinfo=None)
    micros = timestamp.microsecond % 1000
    timestamp -= timedelta(microseconds=micros)
    documents: list[dict[str, Any]] = []
    previous = None if prev_lsn is None else Int64(prev_lsn)
    for lsn, entry in zip(lsns, entries, strict=True):
        number = Int64(lsn)
        stored: dict[str, Any] = {
            "_id": {"p": project_id, "l": number},
            "lsn": number,
            "timestamp": timestamp,
            "micros": micros,
            "project_id": project_id,
            "branch_id": branch_id,
            "prev_lsn": previous,
            "operation": entry.operation,
        }
        if entry.collection is not None:
            if entry.space != DEFAULT_SPACE:
                stored["space"] = entry.space
            stored["collection"] = entry.collection
        if entry.has_id:
            stored["document_id"] = entry.document_id
        if entry.document is not None:
            stored["document"] = entry.document
        stored |= _before(entry)
        if entry.touched is not None:
            stored["touched"] = list(entry.touched)
        if len(entries) > 1 or commit is not None:
            stored["commit"] = last
        if author is not None:
            stored["author"] = author
        if message is not None:
            stored["message"] = message
        documents.append(stored)
        previous = number
    return documents


def _before(entry: Entry) -> dict[str, Any]:
    """Tell the pre-image as shortly as it can be told; see :mod:`argon.wal.images`."""
    before, after = entry.old_document, entry.document
    if before is None:
        return {}
    plain_update = entry.operation == Kind.UPDATE
    if plain_update and isinstance(before, RawBSONDocument) and isinstance(after, RawBSONDocument):
        changed = entry.old_fields
        if changed is None:
            changed = old_fields(elements(before.raw), elements(after.raw))
        if changed is not None:
            return {"old_fields": changed} if _images(after, changed) <= MAX_ENTRY else {}
    return {"old_document": before} if _images(after, before) <= MAX_ENTRY else {}


def size_of(documents: Sequence[Mapping[str, Any]]) -> int:
    """Return about how many bytes entries as :func:`encode` lays them out have, rather too many."""
    said = _overhead(documents[0].get("message")) if documents else 0
    images = (
        _images(stored.get("document"), stored.get("old_document") or stored.get("old_fields"))
        for stored in documents
    )
    return said * len(documents) + sum(images)


def usual_size(message: str | None, changes: Sequence[Change]) -> int:
    """Return the same of the entries of one commit before they are laid out."""
    return sum(change.size() for change in changes) + len(changes) * _overhead(message)


def _overhead(message: str | None) -> int:
    return 4 * len(message or "") + _USUAL_OVERHEAD


def _images(after: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> int:
    return len(getattr(after, "raw", b"")) + len(getattr(before, "raw", b""))


class Log:
    """The log of every project in one database.

    Args:
        collection: ``wal_log``, decoding to raw BSON so that documents keep their bytes.
    """

    def __init__(self, collection: Any) -> None:
        self.collection = collection
        # An LSN may serve a snapshot read only once a majority has it.
        self._majority = collection.with_options(read_concern=ReadConcern("majority"))

    def head(self, branch: BranchRecord) -> Operation[Head]:
        """Read the end of a branch's line.

        Args:
            branch: The branch; its record may be out of date.
        """
        return (yield from self.end(branch))[0]

    def end(self, branch: BranchRecord, session: Any = None) -> Operation[tuple[Head, ObjectId]]:
        """Read a branch's head, and the line that it is on.

        Args:
            branch: The branch; its record may be out of date.
            session: That of a transaction, if it is to be read in one.
        """
        line_id = branch.line_id
        while True:
            last = yield from find_one(
                self._majority,
                {"branch_id": line_id},
                projection=_END_FIELDS,
                sort=[("prev_lsn", DESCENDING)],
                session=session,
            )
            if last is None or last["prev_lsn"] is None:
                return Head(branch.base_lsn, _aware(branch.created_at)), line_id
            if last["operation"] != Kind.PUBLISH:
                return head_of(last), line_id
            # The record is from before a large commit, which moved the branch to another line.
            line_id = last["document"]["line"]

    def following(self, branch: BranchRecord, head: Head, limit: int) -> Operation[list[Mapping[str, Any]]]:
        """Return the first entries of a branch after a head that was known, in order.

        Args:
            branch: The branch.
            head: What was its head.
            limit: How many at most.

        Returns:
            Entries with what :func:`head_of` needs and their ``operation``.
        """
        entries: list[Mapping[str, Any]] = yield self._majority.find(
            {"branch_id": branch.line_id, "prev_lsn": {"$gte": Int64(head.lsn)}},
            projection={"lsn": 1, "operation": 1, "timestamp": 1, "micros": 1, "_id": 0},
            sort=[("prev_lsn", ASCENDING)],
            limit=limit,
        ).to_list(None)
        return entries

    def entry(self, project_id: ObjectId, lsn: int) -> Operation[Mapping[str, Any] | None]:
        """Return one entry as stored, or None for a gap."""
        found: Mapping[str, Any] | None = yield from find_one(
            self._majority, {"_id": {"p": project_id, "l": Int64(lsn)}}
        )
        return found

    def last_before(self, branch_id: ObjectId, below: int, limit: int) -> Operation[Mapping[str, Any] | None]:
        """Return a branch's last entry that follows an LSN below ``below`` and is not above ``limit``."""
        found: Mapping[str, Any] | None = yield from find_one(
            self._majority,
            {
                "branch_id": branch_id,
                "prev_lsn": {"$lt": Int64(below), "$gte": Int64(0)},
                "lsn": {"$lte": Int64(limit)},
            },
            projection={"lsn": 1, "prev_lsn": 1, "timestamp": 1, "micros": 1, "commit": 1},
            sort=[("prev_lsn", DESCENDING)],
        )
        return found


def head_of(stored: Mapping[str, Any]) -> Head:
    """Return the head that a branch has after an entry."""
    return Head(int(stored["lsn"]), moment_of(stored))


def moment_of(stored: Mapping[str, Any]) -> datetime:
    """Return a stored entry's time, exact to the microsecond."""
    return _aware(stored["timestamp"]) + timedelta(microseconds=int(stored.get("micros", 0)))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def indexes() -> list[tuple[list[tuple[str, int]], dict[str, Any]]]:
    """Return the log's indexes besides its clustered key."""
    return [
        ([("branch_id", ASCENDING), ("prev_lsn", ASCENDING)], {"unique": True, "name": CHAIN_INDEX}),
        MERGE_INDEX,
        RESET_INDEX,
    ]


def parse(stored: Mapping[str, Any]) -> WALEntry:
    """Read a stored entry into its model."""
    return WALEntry.from_bson(stored)

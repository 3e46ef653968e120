"""Taking away versions that no reachable state has, and with them what the log tells of them.

A version has an entry that began it and one that ended it. An update is both:
the end of one version and the beginning of the next. As long as both are held
it stays as it is; when the older one goes it becomes an insert, when the newer
one goes a delete, and when both go so does the entry. So the entries that are
left are a checkpoint: replayed, they give every state that is still held, and
none of them is larger than it was.

Rows and entries of a batch go in one transaction, so that log and rows agree
at every moment, whoever is killed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bson import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, UpdateOne
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import COLLECTIONS
from argon.gc.catalogue import own_rows
from argon.gc.report import GCReport
from argon.io import Operation
from argon.models.entry import DDL_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.retention.held import Held
from argon.retention.marker import collections_done, count_collection
from argon.versions.ids import id_key
from argon.versions.layout import MAX_LSN, Row
from argon.wal.images import pre_image
from argon.wal.log import LOG
from argon.wal.lsn_set import LsnSet
from argon.wal.pages import look_up
from argon.wal.transactions import patiently

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_BATCH_BYTES = 16 * 1024 * 1024
_LEGS = 100
"""Seeks in one query."""
_FIELDS = {"f": 1, "d._id": 1, "size": {"$bsonSize": "$$ROOT"}}
_ENTRY_FIELDS = {"lsn": 1, "branch_id": 1, "operation": 1, "size": {"$bsonSize": "$$ROOT"}}
_UPDATES = (frozenset({Kind.UPDATE}) | DDL_OPERATIONS) - {Kind.CREATE_COLLECTION, Kind.DROP_COLLECTION}
_IMAGES = ("document", "old_document", "old_fields", "touched")


@dataclass(frozen=True)
class _Place:
    """Where a version is looked for: the first of a document on a branch that ended after an LSN."""

    number: int
    document_id: Any
    after: int

    @property
    def key(self) -> Hashable:
        return self.number, id_key(self.document_id), self.after


class _OvertakenError(Exception):
    """Another collection of the project took something since the marker was read."""


class Sweep:
    """Goes through one line's rows in one store.

    Args:
        engine: The engine.
        line: What is held of the line in that store.
        store: The physical collection.
        anchors: The line's entries that stay in any case, to mark where what is held begins.
        report: Takes note of what goes.
        batch: How many rows go in one transaction.
    """

    def __init__(
        self, engine: Engine, line: Held, store: str, anchors: frozenset[int], report: GCReport, batch: int
    ) -> None:
        self._engine = engine
        self._line = line
        self._branch = line.branch
        self._table = engine.raw[store]
        self._anchors = anchors
        self._report = report
        self._batch = batch
        self._counted = LsnSet()
        self._operations = (
            (Kind.CREATE_COLLECTION, Kind.DROP_COLLECTION)
            if store == COLLECTIONS
            else (Kind.INSERT, Kind.DELETE)
        )

    def run(self, document_id: Any = None) -> Operation[None]:
        """Take away every version that is not held.

        Args:
            document_id: Look at the versions of this document only.
        """
        table = self._table.with_options(read_concern=ReadConcern("majority"))
        for after, until in self._line.gaps:
            bounds = own_rows(self._branch, after, until)
            query: dict[str, Any] = {"f": {"$gt": Int64(after)}}
            if document_id is not None:
                query["d._id"] = document_id
            while True:
                seen = yield from collections_done(self._engine, self._branch.project_id)
                found = table.find({**query, "_id": bounds}, _FIELDS).sort("_id", 1).limit(self._batch)
                rows = yield found.to_list(None)
                if not rows:
                    break
                rows = _fitting(rows)
                try:
                    yield from self._take(rows, seen)
                except _OvertakenError:
                    continue  # what stays of log and rows is looked up anew
                bounds = {"$gt": rows[-1]["_id"], "$lte": bounds["$lte"]}

    def _take(self, rows: Sequence[Row], seen: int) -> Operation[None]:
        """Take some rows, unless another collection took anything since ``seen``."""
        changes, gone = yield from self._changes_of_log(rows)
        report = self._report
        if not report.dry_run:
            statements = [DeleteOne({"_id": row["_id"]}) for row in rows]

            def body(session: Any) -> Operation[None]:
                # What becomes of an entry depends on versions that another collection may have taken.
                if (yield from collections_done(self._engine, self._branch.project_id, session)) != seen:
                    raise _OvertakenError
                yield self._table.bulk_write(statements, ordered=False, session=session)
                if changes:
                    yield self._engine.raw[LOG].bulk_write(changes, ordered=False, session=session)
                yield from count_collection(self._engine, self._branch.project_id, session)

            yield from self._engine.committer.retrying(body)
        report.rows += len(rows)
        report.row_bytes += sum(int(row["size"]) for row in rows)
        report.entries += len(gone)
        report.entry_bytes += sum(int(entry["size"]) for entry in gone)
        report.compacted += len(changes) - len(gone)
        report.note(f"collecting {self._branch.name}")

    def _changes_of_log(self, rows: Sequence[Row]) -> Operation[tuple[list[Any], list[RawBSONDocument]]]:
        """Say what becomes of the entries that began and ended some rows, and which of them go."""
        log, project_id = self._engine.raw[LOG], self._branch.project_id
        begun = {int(row["f"]): row for row in rows}
        ended = {int(row["_id"]["t"]): row for row in rows if row["_id"]["t"] != MAX_LSN}
        entries = yield from look_up(log, project_id, {*begun, *ended}, _ENTRY_FIELDS)
        entries = {lsn: entry for lsn, entry in entries.items() if entry["branch_id"] == self._branch.id}
        updates = {lsn for lsn, entry in entries.items() if entry["operation"] in _UPDATES}
        before = yield from self._versions_before(
            [begun[lsn] for lsn in updates & begun.keys() - ended.keys()]
        )
        after = yield from self._versions_after([ended[lsn] for lsn in updates & ended.keys() - begun.keys()])
        changes: list[Any] = []
        gone: list[RawBSONDocument] = []
        for lsn, entry in entries.items():
            if lsn in before:
                changes.append((yield from self._to_delete(entry, before[lsn])))
            elif lsn in after:
                changes.append(self._to_insert(entry, after[lsn]))
            elif lsn in self._anchors:
                changes.append(_to_checkpoint(entry))
            elif not self._report.dry_run or self._counted.add(lsn):
                # Without being taken, an entry is met with both of its versions.
                gone.append(entry)
                changes.append(DeleteOne({"_id": entry["_id"]}))
        return changes, gone

    def _versions_before(self, rows: Sequence[Row]) -> Operation[dict[int, Row]]:
        """Find the versions that some rows superseded and that stay, by the LSN."""
        kept: dict[int, Row] = {}
        inherited: list[Row] = []
        places = [_Place(self._branch.number, row["d"]["_id"], int(row["f"]) - 1) for row in rows]
        found = yield from self._look(places)
        for row, place in zip(rows, places, strict=True):
            lsn, own = int(row["f"]), found.get(place.key)
            if own is None or int(own["_id"]["t"]) != lsn:
                inherited.append(row)
            elif self._line.sees(int(own["f"]), lsn):
                kept[lsn] = own
        for ancestor in self._branch.lineage:
            # The row that an ancestor had at the fork is held by it, with the mark that hides it here.
            places = [_Place(ancestor.number, row["d"]["_id"], ancestor.fork) for row in inherited]
            found = yield from self._look(places)
            for row, place in zip(inherited, places, strict=True):
                above, lsn = found.get(place.key), int(row["f"])
                if above is not None and _is_marked(above, self._branch.number, lsn):
                    kept[lsn] = above
        return kept

    def _versions_after(self, rows: Sequence[Row]) -> Operation[dict[int, Row]]:
        """Find the versions that superseded some rows and that stay, by the LSN."""
        kept: dict[int, Row] = {}
        places = [_Place(self._branch.number, row["d"]["_id"], int(row["_id"]["t"])) for row in rows]
        found = yield from self._look(places)
        for place in places:
            following = found.get(place.key)
            if following is None or int(following["f"]) != place.after:
                continue
            if self._line.sees(place.after, int(following["_id"]["t"])):
                kept[place.after] = following
        return kept

    def _look(self, places: Sequence[_Place]) -> Operation[dict[Hashable, Row]]:
        """Find the first version of each document that ended after an LSN; each is one seek."""
        found: dict[Hashable, Row] = {}
        table = self._table.with_options(read_concern=ReadConcern("snapshot"))
        for start in range(0, len(places), _LEGS):
            page = places[start : start + _LEGS]
            legs = [_leg(number, place) for number, place in enumerate(page)]
            pipeline: list[Any] = legs[0]
            pipeline += [{"$unionWith": {"coll": self._table.name, "pipeline": leg}} for leg in legs[1:]]

            def read(pipeline: list[Any] = pipeline) -> Operation[list[Any]]:
                cursor = yield table.aggregate(pipeline)
                rows: list[Any] = yield cursor.to_list(None)
                return rows

            for row in (yield from patiently(self._engine.world, read)):
                found[page[row["place"]].key] = row
        return found

    def _to_insert(self, entry: RawBSONDocument, row: Row) -> UpdateOne:
        """Let an update begin its version alone."""
        gone = dict.fromkeys(_IMAGES[1:], "")
        change = {"operation": str(self._operations[0]), "born": Int64(row["_id"]["n"])}
        return UpdateOne({"_id": entry["_id"]}, {"$set": change, "$unset": gone})

    def _to_delete(self, entry: RawBSONDocument, row: Row) -> Operation[UpdateOne]:
        """Let an update end the version before it alone."""
        whole = yield self._engine.raw[LOG].find_one({"_id": entry["_id"]})
        image = None if whole is None else pre_image(whole)
        if image is None:
            stored = yield self._table.find_one({"_id": row["_id"]}, {"d": 1})
            if stored is None:
                raise _OvertakenError
            image = stored["d"]
        change = {"operation": str(self._operations[1]), "old_document": image}
        gone = dict.fromkeys(("document", "old_fields", "touched", "born"), "")
        return UpdateOne({"_id": entry["_id"]}, {"$set": change, "$unset": gone})


def _fitting(rows: Sequence[Row]) -> Sequence[Row]:
    """Return as many rows as one transaction may be about, one at least."""
    size = 0
    for number, row in enumerate(rows):
        size += int(row["size"])
        if size > _BATCH_BYTES and number:
            return rows[:number]
    return rows


def _to_checkpoint(entry: RawBSONDocument) -> UpdateOne:
    """Let an entry tell nothing but that there was one."""
    gone = dict.fromkeys((*_IMAGES, "space", "collection", "document_id", "born"), "")
    change = {"$set": {"operation": str(Kind.CHECKPOINT)}, "$unset": gone}
    return UpdateOne({"_id": entry["_id"]}, change)


def _leg(number: int, place: _Place) -> list[Any]:
    match = {
        "d._id": {"$eq": place.document_id},
        "_id.b": place.number,
        "_id.t": {"$gt": Int64(place.after)},
    }
    fields = {"f": 1, "s": 1, "d._id": 1, "place": {"$literal": number}}
    return [{"$match": match}, {"$sort": {"_id.t": 1}}, {"$limit": 1}, {"$project": fields}]


def _is_marked(row: Row, number: int, lsn: int) -> bool:
    return any(int(mark["b"]) == number and int(mark["l"]) == lsn for mark in row.get("s", ()))

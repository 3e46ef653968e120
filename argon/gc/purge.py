"""Removing branches that nothing needs any more: deleted long ago, or with their project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bson import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo import DeleteOne
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COLLECTIONS
from argon.classic.branches import drop_physical
from argon.gc.catalogue import Catalogues
from argon.gc.report import GCReport
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS
from argon.versions.layout import MAX_LSN
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_ENTRY_FIELDS = {"operation": 1, "document_id": 1, "size": {"$bsonSize": "$$ROOT"}}
_ROW_FIELDS = {"size": {"$bsonSize": "$$ROOT"}}


class Purge:
    """Removes one branch of which nothing is held.

    Its record goes last, so that a purge that was killed is found and
    finished.

    Args:
        engine: The engine.
        branch: The branch.
        stores: The physical collections of the project.
        catalogues: What its ancestors' collections are.
        report: Takes note of what goes.
        batch: How many documents go at once.
    """

    def __init__(
        self,
        engine: Engine,
        branch: BranchRecord,
        stores: Iterable[str],
        catalogues: Catalogues,
        report: GCReport,
        batch: int,
    ) -> None:
        self._engine = engine
        self._branch = branch
        self._stores = list(stores)
        self._catalogues = catalogues
        self._report = report
        self._batch = batch

    def run(self) -> Operation[None]:
        """Remove the branch."""
        report = self._report
        report.branches.append(self._branch.name)
        # The marks are found by the log, which therefore goes after them.
        yield from self._entries()
        for store in self._stores:
            yield from self._rows(store)
        yield from self._rows(COLLECTIONS)
        if self._branch.physical is not None:
            report.databases.append(self._branch.physical)
        if not report.dry_run:
            yield from drop_physical(self._engine, self._branch)
            yield self._engine.plain[BRANCHES].delete_one({"_id": self._branch.id, "status": "purged"})

    def _entries(self) -> Operation[None]:
        log = self._engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))
        last: Any = None
        shared: list[str] = yield from self._inherited_stores()
        while True:
            query: dict[str, Any] = {"branch_id": self._branch.id}
            if last is not None:
                query["prev_lsn"] = {"$gt": last}
            found = log.find(query, {**_ENTRY_FIELDS, "prev_lsn": 1}).sort("prev_lsn", 1).limit(self._batch)
            entries = yield found.to_list(None)
            if not entries:
                return
            self._report.entries += len(entries)
            self._report.entry_bytes += sum(int(entry["size"]) for entry in entries)
            last = entries[-1]["prev_lsn"]
            if not self._report.dry_run:
                yield from self._unmark(shared, entries)
                statements = [DeleteOne({"_id": entry["_id"]}) for entry in entries]
                yield self._engine.raw[LOG].bulk_write(statements, ordered=False)
            self._report.note(f"removing {self._branch.name}")

    def _inherited_stores(self) -> Operation[list[str]]:
        stores: dict[str, None] = {}
        for ancestor in self._branch.lineage:
            for version in (yield from self._catalogues.of(ancestor.number)):
                if version.store and version.begin <= ancestor.fork < version.end:
                    stores[version.store] = None
        return list(stores)

    def _unmark(self, stores: list[str], entries: list[Any]) -> Operation[None]:
        """Take the branch's marks from the rows of its ancestors."""
        documents = [one["document_id"] for one in entries if one["operation"] in DOCUMENT_OPERATIONS]
        records = [one["document_id"] for one in entries if one["operation"] in DDL_OPERATIONS]
        for store in stores if documents else ():
            yield from self._unmark_in(store, documents)
        if records:
            yield from self._unmark_in(COLLECTIONS, records)

    def _unmark_in(self, store: str, ids: list[Any]) -> Operation[None]:
        number = self._branch.number
        others = {"$filter": {"input": "$s", "cond": {"$ne": ["$$this.b", number]}}}
        # A row without marks has no field for them.
        marks = {"$cond": [{"$eq": [others, []]}, "$$REMOVE", others]}
        for ancestor in self._branch.lineage:
            query = {
                "d._id": {"$in": ids},
                "_id.b": ancestor.number,
                "_id.t": {"$gt": Int64(ancestor.fork)},
                "s.b": number,
            }
            yield self._engine.raw[store].update_many(query, [{"$set": {"s": marks}}])

    def _rows(self, store: str) -> Operation[None]:
        table = self._engine.raw[store].with_options(read_concern=ReadConcern("majority"))
        number = self._branch.number
        bounds: dict[str, Any] = {
            "$gte": {"b": number, "t": MinKey(), "n": MinKey()},
            "$lte": {"b": number, "t": MAX_LSN, "n": MaxKey()},
        }
        while True:
            rows = (
                yield table.find({"_id": bounds}, _ROW_FIELDS).sort("_id", 1).limit(self._batch).to_list(None)
            )
            if not rows:
                return
            self._report.rows += len(rows)
            self._report.row_bytes += sum(int(row["size"]) for row in rows)
            bounds = {"$gt": rows[-1]["_id"], "$lte": bounds["$lte"]}
            if not self._report.dry_run:
                statements = [DeleteOne({"_id": row["_id"]}) for row in rows]
                yield self._engine.raw[store].bulk_write(statements, ordered=False)
            self._report.note(f"removing {self._branch.name}")

"""Loading a stream of documents into a collection, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bson import encode
from bson.errors import BSONError
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from argon_cli.files.types import BadDocument, Document, Item

BATCH_DOCUMENTS = 1000
BATCH_BYTES = 8 * 1024 * 1024
_ERRORS_KEPT = 5


class Loader:
    """Writes documents into a collection and keeps count.

    Args:
        collection: Where to.
        upsert: Replace documents whose ``_id`` is there already.
        skip_errors: Go on past documents that cannot be read or written.

    Attributes:
        done: Documents of the source that have been dealt with: where to go on.
        imported: Documents written.
        replaced: Those of them that took the place of one.
        failed: Documents passed over.
        errors: What was wrong with the first of these.
    """

    def __init__(self, collection: Any, *, upsert: bool = False, skip_errors: bool = False) -> None:
        self._collection = collection
        self._upsert = upsert
        self._skip_errors = skip_errors
        self._batch: list[Document] = []
        self._batch_bytes = 0
        self.done = self.imported = self.replaced = self.failed = 0
        self.errors: list[str] = []

    def load(self, items: Iterable[Item], on_batch: Callable[[], None]) -> None:
        """Write all documents.

        What was read before a mistake is written before it is raised.

        Args:
            items: The documents, and what could not be read of them.
            on_batch: Called after each batch.

        Raises:
            BadDocument: A document cannot be read.
            PyMongoError: A document cannot be written.
        """
        try:
            for item in items:
                self._take(item)
                if len(self._batch) >= BATCH_DOCUMENTS or self._batch_bytes >= BATCH_BYTES:
                    self._flush()
                    on_batch()
        except BadDocument:
            self._flush()
            raise
        self._flush()
        on_batch()

    def _take(self, item: Item) -> None:
        if not isinstance(item, BadDocument):
            try:
                self._batch_bytes += len(encode(item))
                self._batch.append(item)
                return
            except (BSONError, OverflowError) as error:
                number = self.done + len(self._batch) + 1
                item = BadDocument(f"document {number}: {error}")
        if not self._skip_errors:
            raise item
        self._flush()
        self._pass_over(str(item))
        self.done += 1

    def _flush(self) -> None:
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        if not batch:
            return
        try:
            self._write(batch)
        except BulkWriteError as error:
            self._count(error.details)
            failures = error.details.get("writeErrors", [])
            if not (failures and self._skip_errors):
                self.done += failures[0]["index"] if failures else 0
                raise
            for failure in failures:
                self._pass_over(str(failure.get("errmsg", failure)))
        self.done += len(batch)

    def _write(self, batch: list[Document]) -> None:
        ordered = not self._skip_errors
        if not self._upsert:
            self.imported += len(self._collection.insert_many(batch, ordered=ordered).inserted_ids)
            return
        operations = [
            ReplaceOne({"_id": document["_id"]}, document, upsert=True)
            if "_id" in document
            else InsertOne(document)
            for document in batch
        ]
        self._count(self._collection.bulk_write(operations, ordered=ordered).bulk_api_result)

    def _count(self, result: Mapping[str, Any]) -> None:
        replaced = result.get("nMatched", 0)
        self.replaced += replaced
        self.imported += result.get("nInserted", 0) + result.get("nUpserted", 0) + replaced

    def _pass_over(self, reason: str) -> None:
        self.failed += 1
        if len(self.errors) < _ERRORS_KEPT:
            self.errors.append(reason)

# Generated from argon/aio/reading.py by tools/async_to_sync.py: edit that.

"""Reading a collection: the methods of PyMongo's collection that do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pymongo.common import validate_list
from pymongo.synchronous.collection import Collection

from argon.commands.changes import is_stream
from argon.driver._world import cursor, raw_cursor, stream
from argon.driver.basis import CollectionHandle
from argon.driver.cursor import WALCursor
from argon.driver.raw_batches import WALRawBatchCursor, raw_codec
from argon.driver.stream import WALChangeStream
from argon.engine import reading
from argon.engine.arguments import as_hint, check_not_reserved
from argon.engine.documents import plain_text
from argon.engine.find import find_one
from argon.engine.query import FindSpec
from argon.io import run
from argon.listening import is_pymongos
from argon.streams.arguments import watch_branch, watch_options

D = TypeVar("D", bound=Any)


class Reading(CollectionHandle[D]):
    """Finding, aggregating, counting, watching."""

    def find(self, *args: Any, **kwargs: Any) -> WALCursor[D]:
        """See :meth:`pymongo.collection.Collection.find`."""
        return WALCursor(self, *args, **kwargs)

    def find_one(self, filter: Any = None, *args: Any, **kwargs: Any) -> D | None:
        """See :meth:`pymongo.collection.Collection.find_one`."""
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": filter}  # noqa: A001
        if not args and not kwargs:
            # Most reads are this one; a cursor that is opened for one document costs as much again.
            spec = FindSpec({} if filter is None else plain_text(filter, self.codec_options), limit=-1)
            found: D | None = run(
                find_one(self._bound(None, reads=True), self._space, self.name, spec, self.reader())
            )
            return found
        for document in self.find(filter, *args, **kwargs).limit(-1):
            return document
        return None

    def aggregate(
        self,
        pipeline: Any,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.aggregate`."""
        options = {"let": let, "comment": comment, **kwargs}
        return cursor(self, lambda: self._open_aggregate(pipeline, session, options))

    def _open_aggregate(self, pipeline: Any, session: Any, options: dict[str, Any]) -> Any:
        validate_list("pipeline", pipeline)
        check_not_reserved(options)
        if is_stream(pipeline) and is_pymongos(self._wal_database()._client):
            return Collection.aggregate(self, pipeline, session, **options)
        found = reading.aggregate(
            self._bound(session, reads=True),
            self._target(),
            self.name,
            plain_text(pipeline, self.codec_options),
            self.reader(session),
            options,
        )
        return run(found)

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> WALRawBatchCursor[D]:
        """See :meth:`pymongo.collection.Collection.find_raw_batches`."""
        raw = self.with_options(codec_options=raw_codec(self.codec_options))
        return WALRawBatchCursor(raw, *args, **kwargs)

    def aggregate_raw_batches(
        self, pipeline: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.aggregate_raw_batches`."""
        raw = self.with_options(codec_options=raw_codec(self.codec_options))
        options = {"comment": comment, **kwargs}
        return raw_cursor(raw, lambda: raw._open_aggregate(pipeline, session, options))

    def count_documents(
        self,
        filter: Mapping[str, Any],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> int:
        """See :meth:`pymongo.collection.Collection.count_documents`."""
        options = {"comment": comment, **kwargs}
        return run(
            reading.count_documents(
                self._bound(session, reads=True),
                self._target(),
                plain_text(filter, self.codec_options),
                self.reader(session),
                options,
            )
        )

    def estimated_document_count(self, comment: Any | None = None, **kwargs: Any) -> int:
        """See :meth:`pymongo.collection.Collection.estimated_document_count`; exact."""
        return self.count_documents({}, comment=comment, **kwargs)

    def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        hint: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """See :meth:`pymongo.collection.Collection.distinct`."""
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        options = {"comment": comment, "hint": as_hint(hint), **kwargs}
        return run(
            reading.distinct(
                self._bound(session, reads=True),
                self._target(),
                plain_text(key),
                {} if filter is None else plain_text(filter, self.codec_options),
                self.reader(session),
                options,
            )
        )

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.collection.Collection.watch`; the events come from the log."""
        return stream(lambda: self._open_watch(*args, **kwargs))

    def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        if is_pymongos(self._wal_database()._client):
            same = self._like(self._wal_database()._to_itself(), self.name, self._handle)
            return Collection.watch(same, *args, **kwargs)
        options = watch_options(Collection.watch, args, kwargs)
        database = self._wal_database().name
        watch = watch_branch(self._handle, database, self._space, self.name, options)
        return WALChangeStream(self._handle.line.engine, watch, self, options).open()

    def _physical_find(self, spec: FindSpec, session: Any) -> Any:
        """Return the cursor of a physical collection, if it is one that a find goes to."""
        return None

    def _explain(self, spec: FindSpec, session: Any) -> Any:
        explained = reading.explain_find(
            self._bound(session, reads=True), self._target(), spec, self.reader(session), self._database.name
        )
        return run(explained)

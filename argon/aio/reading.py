"""Reading a collection: the methods of PyMongo's collection that do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.common import validate_list

from argon.aio._world import cursor, raw_cursor, stream
from argon.aio.basis import AsyncCollectionHandle
from argon.aio.cursor import AsyncWALCursor
from argon.aio.raw_batches import AsyncWALRawBatchCursor, raw_codec
from argon.aio.stream import AsyncWALChangeStream
from argon.commands.changes import is_stream
from argon.engine import reading
from argon.engine.arguments import as_hint, check_not_reserved
from argon.engine.documents import plain_text
from argon.engine.find import find_one
from argon.engine.query import FindSpec
from argon.io import run_async
from argon.listening import is_pymongos
from argon.streams.arguments import watch_branch, watch_options

D = TypeVar("D", bound=Any)


class AsyncReading(AsyncCollectionHandle[D]):
    """Finding, aggregating, counting, watching."""

    def find(self, *args: Any, **kwargs: Any) -> AsyncWALCursor[D]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find`."""
        return AsyncWALCursor(self, *args, **kwargs)

    async def find_one(self, filter: Any = None, *args: Any, **kwargs: Any) -> D | None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find_one`."""
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": filter}  # noqa: A001
        if not args and not kwargs:
            # Most reads are this one; a cursor that is opened for one document costs as much again.
            spec = FindSpec({} if filter is None else plain_text(filter, self.codec_options), limit=-1)
            found: D | None = await run_async(
                find_one(self._bound(None, reads=True), self._space, self.name, spec, self.reader())
            )
            return found
        async for document in self.find(filter, *args, **kwargs).limit(-1):
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
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.aggregate`."""
        options = {"let": let, "comment": comment, **kwargs}
        return cursor(self, lambda: self._open_aggregate(pipeline, session, options))

    async def _open_aggregate(self, pipeline: Any, session: Any, options: dict[str, Any]) -> Any:
        validate_list("pipeline", pipeline)
        check_not_reserved(options)
        if is_stream(pipeline) and is_pymongos(self._wal_database()._client):
            return await AsyncCollection.aggregate(self, pipeline, session, **options)
        found = reading.aggregate(
            self._bound(session, reads=True),
            self._target(),
            self.name,
            plain_text(pipeline, self.codec_options),
            self.reader(session),
            options,
        )
        return await run_async(found)

    def find_raw_batches(self, *args: Any, **kwargs: Any) -> AsyncWALRawBatchCursor[D]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find_raw_batches`."""
        raw = self.with_options(codec_options=raw_codec(self.codec_options))
        return AsyncWALRawBatchCursor(raw, *args, **kwargs)

    def aggregate_raw_batches(
        self, pipeline: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.aggregate_raw_batches`."""
        raw = self.with_options(codec_options=raw_codec(self.codec_options))
        options = {"comment": comment, **kwargs}
        return raw_cursor(raw, lambda: raw._open_aggregate(pipeline, session, options))

    async def count_documents(
        self,
        filter: Mapping[str, Any],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> int:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.count_documents`."""
        options = {"comment": comment, **kwargs}
        return await run_async(
            reading.count_documents(
                self._bound(session, reads=True),
                self._target(),
                plain_text(filter, self.codec_options),
                self.reader(session),
                options,
            )
        )

    async def estimated_document_count(self, comment: Any | None = None, **kwargs: Any) -> int:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.estimated_document_count`; exact."""
        return await self.count_documents({}, comment=comment, **kwargs)

    async def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        hint: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.distinct`."""
        if not isinstance(key, str):
            raise TypeError(f"key must be an instance of str, not {type(key)}")
        options = {"comment": comment, "hint": as_hint(hint), **kwargs}
        return await run_async(
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
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.watch`; the events come from the log."""
        return stream(lambda: self._open_watch(*args, **kwargs))

    async def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        if is_pymongos(self._wal_database()._client):
            same = self._like(self._wal_database()._to_itself(), self.name, self._handle)
            return await AsyncCollection.watch(same, *args, **kwargs)
        options = watch_options(AsyncCollection.watch, args, kwargs)
        database = self._wal_database().name
        watch = watch_branch(self._handle, database, self._space, self.name, options)
        return await AsyncWALChangeStream(self._handle.line.engine, watch, self, options).open()

    async def _physical_find(self, spec: FindSpec, session: Any) -> Any:
        """Return the cursor of a physical collection, if it is one that a find goes to."""
        return None

    async def _explain(self, spec: FindSpec, session: Any) -> Any:
        explained = reading.explain_find(
            self._bound(session, reads=True), self._target(), spec, self.reader(session), self._database.name
        )
        return await run_async(explained)

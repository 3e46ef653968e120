"""PyMongo's cursor, filled from rows.

Chaining, slicing, cloning and batching are PyMongo's own code. Only where the
documents come from is different, so the class hangs on PyMongo's protected
hooks ``_refresh`` and ``_clone_base``; that is why PyMongo's minor version is
pinned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from bson import SON
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.cursor import CursorType
from pymongo.errors import InvalidOperation

from argon.engine.cursors import close, explain, next_batch
from argon.engine.documents import plain_text
from argon.engine.errors import command_error, unknown_field
from argon.engine.find import Opened, read_first
from argon.engine.query import FindSpec
from argon.io import run_async
from argon.listening import sends_commands

if TYPE_CHECKING:
    from argon.aio.collection import AsyncWALCollection

D = TypeVar("D", bound=Any)

_NO_TIMEOUT = 16
"""The wire protocol's flag for cursors that do not time out."""
_MODIFIERS = frozenset(
    {
        "$comment",
        "$explain",
        "$hint",
        "$max",
        "$maxTimeMS",
        "$min",
        "$orderby",
        "$query",
        "$readPreference",
        "$returnKey",
        "$showRecordId",
    }
)
"""What PyMongo makes options of, in a filter that has a ``$query``."""


class AsyncWALCursor(AsyncCursor[D]):
    """See :class:`pymongo.asynchronous.cursor.AsyncCursor`."""

    _id: Any = None  # also where the arguments were refused
    _opened: Opened | None = None

    def _spec_of_find(self) -> FindSpec:
        # PyMongo takes modifiers in the filter, too, beside $query; what a cursor is told goes before.
        modifiers = self._spec if "$query" in self._spec else {}
        for name in modifiers.keys() - _MODIFIERS:
            raise unknown_field(f"FindCommandRequest.{name}")
        options: dict[str, Any] = {
            "batch_size": self._batch_size or None,
            "max_time_ms": modifiers.get("$maxTimeMS") if self._max_time_ms is None else self._max_time_ms,
            "comment": modifiers.get("$comment") if self._comment is None else self._comment,
            "allow_disk_use": self._allow_disk_use,
            "let": self._let,
            "no_cursor_timeout": bool(self._query_flags & _NO_TIMEOUT) or None,
            "return_key": bool(self._return_key or modifiers.get("$returnKey")) or None,
            "show_record_id": bool(self._show_record_id or modifiers.get("$showRecordId")) or None,
        }
        if self._query_flags & CursorType.TAILABLE_AWAIT:
            text = (
                "error processing query: tailable cursor requested on non capped collection; a branch has no "
                "capped ones: use watch() or branch.log()"
            )
            raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
        for name, bound in (("min", self._min), ("max", self._max)):
            options[name] = bound or modifiers.get(f"${name}")
        if (self._min or self._max) and not self._hint:
            raise InvalidOperation(
                "Passing a 'hint' is required when using the min/max query option to ensure the query "
                "utilizes the correct index"
            )
        ordering = self._ordering or modifiers.get("$orderby")
        query = modifiers.get("$query", self._spec)
        for name, value in (("filter", query), ("sort", ordering)):
            if value is not None and not isinstance(value, Mapping):
                text = f"Expected field {name}to be of type object"  # the server leaves out the space
                raise command_error({"code": 14, "codeName": "TypeMismatch", "errmsg": text})
        hint = self._hint or modifiers.get("$hint")
        return FindSpec(
            filter=plain_text(query, self._codec_options),
            projection=plain_text(self._projection),
            sort=None if not ordering else list(plain_text(ordering).items()),
            skip=self._skip,
            limit=self._limit,
            hint=SON(plain_text(hint)) if isinstance(hint, dict) else plain_text(hint),
            collation=self._collation,
            options={key: value for key, value in options.items() if value is not None},
        )

    async def _begin(self) -> tuple[Opened, list[Any]]:
        """Open the physical cursor and return it with what its first reply holds."""
        collection: AsyncWALCollection[Any] = self._collection
        spec = self._spec_of_find()
        physical = await collection._physical_find(spec, self._session)
        if physical is not None:
            return Opened(physical, wrapped=False), await run_async(next_batch(physical))
        handle, reader = collection._bound(self._session, reads=True), collection.reader(self._session)
        return await run_async(read_first(handle, collection.space, collection.name, spec, reader))

    async def _refresh(self) -> int:
        if self._data or self._killed:
            return len(self._data)
        opened = self._opened
        if opened is None and (self._id or sends_commands(self._collection.database.client)):
            return await super()._refresh()  # as PyMongo does, since somebody asks for commands
        if opened is None:
            opened, batch = await self._begin()
            self._opened = opened
        else:
            batch = await run_async(next_batch(opened.cursor))
        cursor = opened.cursor
        if opened.wrapped:
            self._data.extend([row["d"] for row in batch])
        else:
            self._data.extend(batch)
        self._retrieved += len(batch)
        self._id = getattr(cursor, "cursor_id", 0) or 0
        self._address = getattr(cursor, "address", None)
        if not cursor.alive:
            self._killed = True
            self._id = 0
        return len(self._data)

    def _clone_base(self, session: Any) -> AsyncWALCursor[D]:
        return self.__class__(self._collection, session=session)

    async def rewind(self) -> AsyncWALCursor[D]:
        """See :meth:`pymongo.asynchronous.cursor.AsyncCursor.rewind`."""
        await super().rewind()
        self._opened = None
        return self

    async def close(self) -> None:
        """See :meth:`pymongo.asynchronous.cursor.AsyncCursor.close`."""
        if self._opened is not None:
            await run_async(close(self._opened.cursor))
        elif self._id:
            await super().close()
        self._killed = True
        self._id = 0

    async def explain(self) -> Any:
        """Return the plan of the physical query: the names are the user's, the fields those of rows."""
        collection: AsyncWALCollection[Any] = self._collection
        spec = self._spec_of_find()
        physical = await collection._physical_find(spec, self._session)
        if physical is not None:
            return await run_async(explain(physical))
        return await collection._explain(spec, self._session)

    async def distinct(self, key: str) -> list[Any]:
        """See :meth:`pymongo.asynchronous.cursor.AsyncCursor.distinct`."""
        spec = self._spec_of_find()
        options = {"collation": spec.collation, "comment": self._comment}
        given = {name: value for name, value in options.items() if value is not None}
        if self._max_time_ms is not None:
            given["maxTimeMS"] = self._max_time_ms
        collection: AsyncWALCollection[Any] = self._collection
        return await collection.distinct(key, dict(spec.filter), session=self._session, **given)

    def __del__(self) -> None:
        # The physical cursor looks after its own end.
        if self._opened is None and self._id:
            super().__del__()

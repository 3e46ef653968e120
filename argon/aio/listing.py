"""The collections of a database: listed, made, dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.aio._world import cursor, settle
from argon.aio.collection import AsyncWALCollection
from argon.aio.database_handle import AsyncDatabaseHandle
from argon.classic.definitions import NOT_OURS
from argon.engine import ddl, reading
from argon.engine.errors import NAMESPACE_EXISTS
from argon.io import run_async

D = TypeVar("D", bound=Any)


class AsyncListing(AsyncDatabaseHandle[D]):
    """The methods of PyMongo's database that are about its collections."""

    async def list_collection_names(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.list_collection_names`."""
        return [info["name"] async for info in self.list_collections(session, filter, comment, **kwargs)]

    def list_collections(
        self,
        session: Any = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.list_collections`."""
        here = self._here()
        return cursor(here["$cmd"], lambda: here._open_collections(session, filter, comment, **kwargs))

    async def _open_collections(
        self, session: Any, query: Mapping[str, Any] | None, comment: Any, **kwargs: Any
    ) -> Any:
        if (physical := await self._physical()) is not None:
            # Not the collections that stand for something else.
            theirs = {"name": {"$not": NOT_OURS}}
            query = {"$and": [query, theirs]} if query else theirs
            return await settle(physical.list_collections(session, query, comment, **kwargs))
        return await run_async(
            reading.list_collections(self._bound(session, reads=True), self.current_space, query)
        )

    async def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: Any = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> AsyncWALCollection[Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.create_collection`."""
        collection = self.get_collection(name, codec_options, read_preference, write_concern, read_concern)
        if self._asks_servers(collection.write_concern):
            options = (codec_options, read_preference, write_concern, read_concern, session, check_exists)
            await AsyncDatabase.create_collection(self, name, *options, **kwargs)
            return collection
        if (physical := await self._physical(writes=True)) is not None:
            await physical.create_collection(name, check_exists=check_exists, session=session, **kwargs)
            return collection
        handle = self._bound(session)
        try:
            await run_async(ddl.create_collection(handle, self.current_space, name, kwargs))
        except OperationFailure as error:
            # In a session's transaction PyMongo does not look first, so that the server is who refuses.
            looks = handle.transaction is self._handle.transaction
            if check_exists and looks and error.code == NAMESPACE_EXISTS:
                raise CollectionInvalid(f"collection {name} already exists") from error
            raise
        return collection

    async def drop_collection(
        self,
        name_or_collection: Any,
        session: Any = None,
        comment: Any | None = None,
        encrypted_fields: Any = None,
    ) -> dict[str, Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.drop_collection`."""
        name = name_or_collection
        if isinstance(name, AsyncCollection):
            name = name.name
        if not isinstance(name, str):
            raise TypeError(f"name_or_collection must be an instance of str, not {type(name)}")
        if self._asks_servers(self.write_concern):
            return await AsyncDatabase.drop_collection(self, name, session, comment, encrypted_fields)
        if (physical := await self._physical(writes=True)) is not None:
            return await physical.drop_collection(name, session, comment, encrypted_fields)
        missing: list[str | int] = ["ns not found", 26]
        reply: dict[str, Any] = await self.command(
            "drop", name, allowable_errors=missing, session=session, comment=comment
        )
        return reply

"""Search indexes, which a branch has not: a server without Atlas Search says so itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pymongo.operations import SearchIndexModel

from argon.aio.reading import AsyncReading
from argon.engine.arguments import check_not_reserved

D = TypeVar("D", bound=Any)

_MISSING = ("ns not found", 26)


class AsyncSearchIndexes(AsyncReading[D]):
    """Listing, creating, changing and dropping search indexes."""

    def list_search_indexes(
        self, name: str | None = None, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.list_search_indexes`."""
        check_not_reserved(kwargs)
        stage = {"$listSearchIndexes": {} if name is None else {"name": name}}
        return self.aggregate([stage], session=session, comment=comment, **kwargs)

    async def create_search_index(
        self, model: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> str:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.create_search_index`."""
        one = model if isinstance(model, SearchIndexModel) else SearchIndexModel(**model)
        return (await self.create_search_indexes([one], session, comment, **kwargs))[0]

    async def create_search_indexes(
        self,
        models: Sequence[SearchIndexModel],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.create_search_indexes`."""
        for model in models:
            if not isinstance(model, SearchIndexModel):
                raise TypeError(f"{model!r} is not an instance of pymongo.operations.SearchIndexModel")
        kwargs["indexes"] = [model.document for model in models]
        reply = await self._wal_database().command(
            "createSearchIndexes", self.name, session=session, comment=comment, **kwargs
        )
        return [index["name"] for index in reply["indexesCreated"]]

    async def update_search_index(
        self,
        name: str,
        definition: Mapping[str, Any],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.update_search_index`."""
        await self._command_on_search("updateSearchIndex", session, comment, name=name, definition=definition)

    async def drop_search_index(
        self, name: str, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.drop_search_index`."""
        await self._command_on_search("dropSearchIndex", session, comment, name=name, **kwargs)

    async def _command_on_search(self, verb: str, session: Any, comment: Any, **fields: Any) -> None:
        await self._wal_database().command(
            verb, self.name, allowable_errors=_MISSING, session=session, comment=comment, **fields
        )

# Generated from argon/aio/search_indexes.py by tools/async_to_sync.py: edit that.

"""Search indexes, which a branch has not: a server without Atlas Search says so itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pymongo.operations import SearchIndexModel

from argon.driver.reading import Reading
from argon.engine.arguments import check_not_reserved

D = TypeVar("D", bound=Any)

_MISSING = ("ns not found", 26)


class SearchIndexes(Reading[D]):
    """Listing, creating, changing and dropping search indexes."""

    def list_search_indexes(
        self, name: str | None = None, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> Any:
        """See :meth:`pymongo.collection.Collection.list_search_indexes`."""
        check_not_reserved(kwargs)
        stage = {"$listSearchIndexes": {} if name is None else {"name": name}}
        return self.aggregate([stage], session=session, comment=comment, **kwargs)

    def create_search_index(
        self, model: Any, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> str:
        """See :meth:`pymongo.collection.Collection.create_search_index`."""
        one = model if isinstance(model, SearchIndexModel) else SearchIndexModel(**model)
        return self.create_search_indexes([one], session, comment, **kwargs)[0]

    def create_search_indexes(
        self,
        models: Sequence[SearchIndexModel],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """See :meth:`pymongo.collection.Collection.create_search_indexes`."""
        for model in models:
            if not isinstance(model, SearchIndexModel):
                raise TypeError(f"{model!r} is not an instance of pymongo.operations.SearchIndexModel")
        kwargs["indexes"] = [model.document for model in models]
        reply = self._wal_database().command(
            "createSearchIndexes", self.name, session=session, comment=comment, **kwargs
        )
        return [index["name"] for index in reply["indexesCreated"]]

    def update_search_index(
        self,
        name: str,
        definition: Mapping[str, Any],
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None:
        """See :meth:`pymongo.collection.Collection.update_search_index`."""
        self._command_on_search("updateSearchIndex", session, comment, name=name, definition=definition)

    def drop_search_index(
        self, name: str, session: Any = None, comment: Any | None = None, **kwargs: Any
    ) -> None:
        """See :meth:`pymongo.collection.Collection.drop_search_index`."""
        self._command_on_search("dropSearchIndex", session, comment, name=name, **kwargs)

    def _command_on_search(self, verb: str, session: Any, comment: Any, **fields: Any) -> None:
        self._wal_database().command(
            verb, self.name, allowable_errors=_MISSING, session=session, comment=comment, **fields
        )

"""Updating documents of a collection: the methods of PyMongo's collection that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pymongo.collection import ReturnDocument
from pymongo.common import validate_ok_for_replace, validate_ok_for_update
from pymongo.results import UpdateResult

from argon.aio.basis import AsyncCollectionHandle
from argon.engine import operations, results
from argon.engine.arguments import check_known, check_unacknowledged, update_spec
from argon.engine.documents import plain_text
from argon.engine.specs import Updated, UpdateSpec
from argon.io import run_async

D = TypeVar("D", bound=Any)


class AsyncUpdating(AsyncCollectionHandle[D]):
    """Updates, replacements, and their like that return documents."""

    async def update_one(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        sort: Any = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.update_one`."""
        validate_ok_for_update(update)
        spec = update_spec(
            filter,
            update,
            upsert=upsert,
            collation=collation,
            array_filters=array_filters,
            hint=hint,
            let=let,
            sort=sort,
        )
        return await self._run_update(spec, bypass_document_validation, session)

    async def update_many(
        self,
        filter: Mapping[str, Any],
        update: Any,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.update_many`."""
        validate_ok_for_update(update)
        spec = update_spec(
            filter,
            update,
            upsert=upsert,
            collation=collation,
            array_filters=array_filters,
            hint=hint,
            let=let,
        )
        spec.many = True
        return await self._run_update(spec, bypass_document_validation, session)

    async def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: Any = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        sort: Any = None,
        comment: Any | None = None,
    ) -> UpdateResult:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.replace_one`."""
        validate_ok_for_replace(replacement)
        spec = update_spec(
            filter, replacement, upsert=upsert, collation=collation, hint=hint, let=let, sort=sort
        )
        return await self._run_update(spec, bypass_document_validation, session)

    async def find_one_and_update(
        self,
        filter: Mapping[str, Any],
        update: Any,
        projection: Any = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find_one_and_update`."""
        validate_ok_for_update(update)
        spec = update_spec(
            filter,
            update,
            upsert=upsert,
            collation=kwargs.get("collation"),
            array_filters=array_filters,
            hint=hint,
            let=let,
            sort=sort,
        )
        return await self._find_and_update(spec, projection, return_document, kwargs, session)

    async def find_one_and_replace(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Any = None,
        sort: Any = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: Any = None,
        session: Any = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.find_one_and_replace`."""
        validate_ok_for_replace(replacement)
        spec = update_spec(
            filter,
            replacement,
            upsert=upsert,
            collation=kwargs.get("collation"),
            hint=hint,
            let=let,
            sort=sort,
        )
        return await self._find_and_update(spec, projection, return_document, kwargs, session)

    async def _run_update(self, spec: UpdateSpec, bypass: bool | None, session: Any) -> UpdateResult:
        acknowledged = self._acknowledges(session)
        if not acknowledged:
            check_unacknowledged(collation=spec.collation, array_filters=spec.array_filters)
        write = operations.update(self._bound(session), self._target(bypass), spec)
        outcome = await run_async(operations.quietly(write, acknowledged, Updated()))
        return results.update_result(outcome, acknowledged=acknowledged)

    async def _find_and_update(
        self,
        spec: UpdateSpec,
        projection: Any,
        return_document: bool,
        kwargs: Mapping[str, Any],
        session: Any,
    ) -> Any:
        if not isinstance(return_document, bool):
            raise TypeError(
                f"return_document must be ReturnDocument.BEFORE or ReturnDocument.AFTER, "
                f"not {type(return_document)}"
            )
        check_known(kwargs, "collation", "maxTimeMS", "bypassDocumentValidation")
        if not self._acknowledges(session):
            check_unacknowledged(collation=spec.collation, array_filters=spec.array_filters)
        spec.projection = plain_text(projection)
        spec.returns = return_document
        spec.max_time_ms = kwargs.get("maxTimeMS")
        outcome = await run_async(
            operations.update(
                self._bound(session), self._target(kwargs.get("bypassDocumentValidation")), spec
            )
        )
        return results.decode(outcome.document, self.codec_options)

"""Cursors that give BSON as it is, a reply of the server at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.cursor import AsyncRawBatchCursor

from argon.aio.cursor import AsyncWALCursor

D = TypeVar("D", bound=Any)


def raw_codec(codec_options: CodecOptions[Any]) -> CodecOptions[RawBSONDocument]:
    """Return a codec that leaves documents as they are."""
    return codec_options.with_options(document_class=RawBSONDocument)


def joined(documents: Sequence[RawBSONDocument]) -> bytes:
    """Return documents one after the other, as a reply of the server has them."""
    return b"".join(document.raw for document in documents)


class AsyncWALRawBatchCursor(AsyncWALCursor[D], AsyncRawBatchCursor[D]):
    """See :class:`pymongo.asynchronous.cursor.AsyncRawBatchCursor`."""

    async def _refresh(self) -> int:
        if self._data or self._killed:
            return len(self._data)
        await super()._refresh()
        documents = list(self._data)
        self._data.clear()
        if documents:
            self._data.append(joined(documents))
        return len(self._data)

    async def explain(self) -> Any:
        """See :meth:`pymongo.asynchronous.cursor.AsyncRawBatchCursor.explain`."""
        collection = self._collection.with_options(codec_options=DEFAULT_CODEC_OPTIONS)
        plain: Any = self._clone(deepcopy=True, base=AsyncWALCursor(collection))
        return await plain.explain()

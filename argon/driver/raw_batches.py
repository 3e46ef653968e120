# Generated from argon/aio/raw_batches.py by tools/async_to_sync.py: edit that.

"""Cursors that give BSON as it is, a reply of the server at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.synchronous.cursor import RawBatchCursor

from argon.driver.cursor import WALCursor

D = TypeVar("D", bound=Any)


def raw_codec(codec_options: CodecOptions[Any]) -> CodecOptions[RawBSONDocument]:
    """Return a codec that leaves documents as they are."""
    return codec_options.with_options(document_class=RawBSONDocument)


def joined(documents: Sequence[RawBSONDocument]) -> bytes:
    """Return documents one after the other, as a reply of the server has them."""
    return b"".join(document.raw for document in documents)


class WALRawBatchCursor(WALCursor[D], RawBatchCursor[D]):
    """See :class:`pymongo.cursor.RawBatchCursor`."""

    def _refresh(self) -> int:
        if self._data or self._killed:
            return len(self._data)
        super()._refresh()
        documents = list(self._data)
        self._data.clear()
        if documents:
            self._data.append(joined(documents))
        return len(self._data)

    def explain(self) -> Any:
        """See :meth:`pymongo.cursor.RawBatchCursor.explain`."""
        collection = self._collection.with_options(codec_options=DEFAULT_CODEC_OPTIONS)
        plain: Any = self._clone(deepcopy=True, base=WALCursor(collection))
        return plain.explain()

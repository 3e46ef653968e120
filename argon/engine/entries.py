"""What a find can show beside documents: the keys of the index that it reads, and places in a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from argon.engine.query import Reader
from argon.rewrite.index import document_path
from argon.versions.layout import Row

_PLACE = "$recordId"


def entries(rows: Sequence[Row], reader: Reader) -> list[Any]:
    """Return what ``return_key`` and ``show_record_id`` show of rows in terms of their documents.

    Args:
        rows: As the server shows them: rows without keys, or keys without rows.
        reader: How documents are read.
    """
    return [_as_read(_entry(row), reader) for row in rows]


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    place = {_PLACE: row[_PLACE]} if _PLACE in row else {}
    if "d" in row:
        return {**row["d"], **place}
    # The index of rows goes on after the user's fields.
    return {document_path(path): key for path, key in row.items() if path.startswith("d.")} | place


def _as_read(document: dict[str, Any], reader: Reader) -> Any:
    codec = reader.codec
    if codec is None or not issubclass(codec.document_class, RawBSONDocument):
        return document
    return RawBSONDocument(bson.encode(document), codec)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from argon.versions.ids import id_key

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from argon import Branch

RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


@pytest.fixture
def seen() -> Callable[..., dict[Hashable, bytes]]:
    """What a branch shows of a collection, byte by byte."""
    from argon import WALDatabase

    def look(branch: Branch, name: str, lsn: int | None = None) -> dict[Hashable, bytes]:
        database = WALDatabase(branch)
        view = database if lsn is None else database.at(lsn=lsn)
        found = view.get_collection(name, codec_options=RAW).find()
        return {id_key(document["_id"]): document.raw for document in found}

    return look

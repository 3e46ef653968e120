"""The one place that knows how a version row looks.

A physical store is a clustered collection with one row per version of a
document::

    { _id: {b: branch number, t: LSN that ended it or MAX_LSN, n: LSN of birth},
      f: LSN that began it, d: the document, s: [{b: branch, l: LSN}, ...] }

``s`` holds the marks of child branches that replaced or deleted the document
for themselves. It is absent where there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import Int64
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

MAX_LSN = Int64(2**63 - 1)
"""The end of a version that nothing has ended yet."""

PROVISIONAL_LSN = 2**62
"""LSNs from here on mark rows of an open transaction; none of them is ever committed."""

Row = Mapping[str, Any]

RAW_CODEC: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""How rows and entries are read: as bytes, and no date is out of range."""

STORE_INDEXES: tuple[tuple[tuple[tuple[str, int], ...], bool], ...] = (
    # Ids are unique on a branch by the server's own check, and a document is
    # one seek away now, in the past and through a parent.
    ((("d._id", 1), ("_id.b", 1), ("_id.t", 1)), True),
)
ID_INDEX = "d._id_1__id.b_1__id.t_1"
"""The server's default name for that index."""


def raw(document: Mapping[str, Any]) -> RawBSONDocument:
    """Encode a document once, so that row and log entry share its bytes."""
    if isinstance(document, RawBSONDocument):
        return document
    return RawBSONDocument(bson.encode(document), RAW_CODEC)


def current_row(branch: int, lsn: int, born: int, document: Mapping[str, Any]) -> dict[str, Any]:
    """Build the row of a version that is current on a branch.

    Args:
        branch: The branch's number.
        lsn: The LSN that begins the version.
        born: The LSN at which the document was first inserted; keeps the natural order.
        document: The document.
    """
    return {"_id": {"b": branch, "t": MAX_LSN, "n": Int64(born)}, "f": Int64(lsn), "d": document}


def past_row(row: Row, lsn: int) -> RawBSONDocument:
    """Build the row that a superseded version becomes; it differs in the eight bytes that tell its end.

    Args:
        row: The current row as it was read.
        lsn: The LSN that ends it.
    """
    data = bytes(raw(row).raw)
    start, _, rest = data.partition(_UNENDED)
    return RawBSONDocument(start + _end(lsn) + rest, RAW_CODEC)


def _end(lsn: int) -> bytes:
    """Return the element ``t`` of a row's key."""
    return b"\x12t\x00" + lsn.to_bytes(8, "little")


_UNENDED = _end(MAX_LSN)


def unchanged(row: Row) -> dict[str, Any]:
    """Return the filter that a row still meets if nobody touched it since it was read.

    Marks count: other branches write them without taking part in this
    branch's log order, and a mark that is overwritten is a document that
    reverts to its parent's.
    """
    marks = row.get("s", {"$exists": False})
    return {"_id": row["_id"], "f": row["f"], "s": marks}


def mark(branch: int, lsn: int) -> dict[str, Any]:
    """Build the mark by which a child hides an inherited row from ``lsn`` on."""
    return {"b": branch, "l": Int64(lsn)}


def size_of(row: Row) -> int:
    """Return how many bytes a row as it was read has."""
    return len(row.raw) if isinstance(row, RawBSONDocument) else len(bson.encode(row))

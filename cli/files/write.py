"""Writing documents to files as a stream, in any format, types and field order kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from bson import encode
from bson.json_util import CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS, dumps

from argon_cli.output import field_of, to_cell

Record = Mapping[str, Any]


def write(
    stream: BinaryIO, file_format: str, documents: Iterable[Record], *, relaxed: bool, fields: Sequence[str]
) -> None:
    """Write documents to a file.

    Args:
        stream: Where to.
        file_format: One of :data:`~argon_cli.files.formats.FORMATS`.
        documents: The documents.
        relaxed: JSON numbers and dates are written plainly, without their exact BSON type.
        fields: The columns of CSV.
    """
    if file_format == "csv":
        _write_csv(stream, documents, fields)
    elif file_format == "bson":
        stream.writelines(map(encode, documents))
    else:
        options = RELAXED_JSON_OPTIONS if relaxed else CANONICAL_JSON_OPTIONS
        lines = (dumps(document, json_options=options, ensure_ascii=False).encode() for document in documents)
        if file_format == "json":
            _write_array(stream, lines)
        else:
            stream.writelines(line + b"\n" for line in lines)


def _write_array(stream: BinaryIO, lines: Iterable[bytes]) -> None:
    separator = b"["
    for line in lines:
        stream.write(separator + b"\n" + line)
        separator = b","
    stream.write(b"[]\n" if separator == b"[" else b"\n]\n")


def _write_csv(stream: BinaryIO, documents: Iterable[Record], fields: Sequence[str]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text)
    rows.writerow(fields)
    for document in documents:
        rows.writerow([_plain(field_of(document, field)) for field in fields])
    text.flush()
    text.detach()


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else to_cell(value)

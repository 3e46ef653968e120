"""Writing documents to files as a stream, in any format, types and field order kept."""

from __future__ import annotations

import csv
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
    rows = csv.writer(_Encoder(stream))
    rows.writerow(fields)
    for document in documents:
        rows.writerow([_plain(field_of(document, field)) for field in fields])


class _Encoder:
    """Lets text be written to bytes; unlike a TextIOWrapper it never closes them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode())


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else to_cell(value)

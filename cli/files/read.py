"""Reading documents out of files as a stream, whatever the format.

A reader yields documents, or a :class:`BadDocument` where one cannot be read
but the next one can (a line of NDJSON or CSV). Where nothing after a mistake
can be trusted (JSON, BSON) it raises the :class:`BadDocument` instead.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from bson import CodecOptions, decode
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError

from argon_cli.extjson import BadExtendedJSON, decoder, describe
from argon_cli.files.read_csv import read_csv
from argon_cli.files.read_json import read_json
from argon_cli.files.types import BadDocument, Item, as_document

_BSON_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_BSON_SIZES = range(5, 16 * 1024 * 1024 + 16 * 1024)


def read(stream: BinaryIO, file_format: str, *, typed_csv: bool) -> Iterator[Item]:
    """Read the documents of a file.

    Args:
        stream: The bytes, unpacked.
        file_format: One of :data:`~argon_cli.files.formats.FORMATS`.
        typed_csv: Whether numbers and booleans are recognised in CSV.

    Raises:
        BadDocument: Nothing that follows can be read.
    """
    if file_format == "bson":
        return _read_bson(stream)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="" if file_format == "csv" else None)
    readers = {"json": read_json, "ndjson": _read_ndjson}
    return _utf8(read_csv(text, typed_csv) if file_format == "csv" else readers[file_format](text))


def _utf8(items: Iterator[Item]) -> Iterator[Item]:
    try:
        yield from items
    except UnicodeDecodeError as error:
        raise BadDocument(f"the file is not UTF-8 text ({error.reason})") from error


def _read_ndjson(text: io.TextIOBase) -> Iterator[Item]:
    read_line = decoder().decode
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            item: Item = as_document(read_line(line))
        except json.JSONDecodeError as error:
            item = BadDocument(f"line {number}: {describe(error)}")
        except (BadExtendedJSON, BadDocument) as error:
            item = BadDocument(f"line {number}: {error}")
        except RecursionError:
            item = BadDocument(f"line {number}: it is nested too deeply")
        yield item


def _read_bson(stream: BinaryIO) -> Iterator[Item]:
    number = 0
    while head := stream.read(4):
        number += 1
        size = int.from_bytes(head, "little", signed=True)
        if len(head) < 4 or size not in _BSON_SIZES:
            raise BadDocument(
                f"document {number} is no BSON; is the file of another format? --format says which"
            )
        body = stream.read(size - 4)
        if len(body) < size - 4:
            raise BadDocument(
                f"document {number} is cut off: the file ends {size - 4 - len(body)} bytes too early"
            )
        try:
            yield decode(head + body, _BSON_OPTIONS)
        except BSONError as error:
            raise BadDocument(f"document {number} is no BSON: {error}") from error

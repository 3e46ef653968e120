"""Reading CSV: the first row names the fields, dots in names make nested documents."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from argon_cli.files.types import BadDocument, Document, Item

# Whole numbers with leading zeros are codes, and those beyond 18 digits may not fit 64 bits: both stay text.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d{1,2})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_LONGEST_CELL = 16 * 1024 * 1024


def read_csv(text: io.TextIOBase, typed: bool) -> Iterator[Item]:
    """Read the documents of a CSV text.

    Args:
        text: The text, its line ends untouched.
        typed: Recognise numbers and booleans, and take an empty cell for a
            field that is not there; otherwise every cell is a string.

    Raises:
        BadDocument: The header cannot be used.
    """
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(text, strict=True)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise BadDocument(f"line 1: {error}") from error
    paths = _paths(header)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield BadDocument(f"line {rows.line_num}: {error}")
            continue
        if row is None:
            return
        if not row:
            continue
        if len(row) != len(paths):
            yield BadDocument(f"line {rows.line_num}: {len(row)} values, and the header names {len(paths)}")
            continue
        yield _document(paths, row, typed)


def _paths(header: list[str]) -> list[list[str]]:
    if not header:
        raise BadDocument("the file is empty: the first line of CSV names the fields")
    names = [name.strip() for name in header]
    twice = [name for name, count in Counter(names).items() if count > 1]
    inner = [name for name in names if any(other.startswith(f"{name}.") for other in names)]
    for wrong, reason in ((twice, "is there twice"), (inner, "is both a field and a document")):
        if wrong:
            raise BadDocument(f"line 1: the field {wrong[0]!r} {reason}")
    paths = [name.split(".") for name in names]
    if not all(part for path in paths for part in path):
        raise BadDocument("line 1: a field has no name; the first line of CSV names the fields")
    return paths


def _document(paths: list[list[str]], row: list[str], typed: bool) -> Document:
    document: Document = {}
    for path, cell in zip(paths, row, strict=True):
        if typed and cell == "":
            continue
        place = document
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = _value(cell) if typed else cell
    return document


def _value(cell: str) -> Any:
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _NUMBER.fullmatch(cell):
        return float(cell)
    return _BOOLEANS.get(cell.lower(), cell)

"""The one place where results are rendered: tables for people, JSON and YAML for programs.

Results go to stdout and stand there alone; messages go to stderr. Documents
are printed in MongoDB's relaxed extended JSON, one a line, so that a list of
any length streams.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PAGE = 1000
"""Rows of one table: what a terminal shows need not fit into memory as a whole."""
_NARROWEST = 10
_GAP = 3
_NESTED = 60
"""Characters of a nested value in a table; JSON shows all of it."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Record = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        field: The record's key.
        key: Its values are needed whole (ids, LSNs, names, times) and are never cut.
        right: Numbers stand to the right.
        optional: It is left out where no record has a value.
        mark: True is shown as a star, False as nothing.
    """

    field: str
    key: bool = False
    right: bool = False
    optional: bool = False
    mark: bool = False


class Output:
    """Prints results in one format.

    Args:
        chosen: ``table``, ``json`` or ``yaml``.
    """

    def __init__(self, chosen: str = "table") -> None:
        self.format = chosen

    @property
    def for_people(self) -> bool:
        """Whether a table is printed, and not something for a program."""
        return self.format == "table"

    def note(self, message: str) -> None:
        """Tell the user something, on stderr, after what was printed so far."""
        sys.stdout.flush()
        click.echo(message, err=True)

    def done(self, message: str, record: Record) -> None:
        """Tell people what was done; programs get it as a record."""
        if self.for_people:
            self.note(message)
        else:
            self.record(record)

    def record(self, record: Record) -> None:
        """Print one thing with its properties."""
        if self.for_people:
            self._print(_sheet(record))
        elif self.format == "json":
            click.echo(to_json(record))
        else:
            click.echo(_to_yaml(record), nl=False)

    def records(self, records: Iterable[Record], columns: Sequence[Column], empty: str) -> None:
        """Print a list of like things.

        Args:
            records: The things; consumed as they are printed.
            columns: What a table shows of them.
            empty: What to tell people when there is none.
        """
        if not self.for_people:
            self._stream(records)
            return
        seen = False
        for page in _pages(records):
            seen = True
            shown = [column for column in columns if not column.optional or _any(page, column.field)]
            self._print(_table(page, shown, [_words(column.field) for column in shown]))
        if not seen:
            self.note(empty)

    def lines(self, records: Iterable[Record]) -> None:
        """Print a list of like things as NDJSON: one JSON document a line."""
        for record in records:
            click.echo(to_json(record))

    def documents(
        self, documents: Iterable[Record], empty: Callable[[], str], fields: Sequence[str] | None = None
    ) -> None:
        """Print documents.

        Args:
            documents: The documents; consumed as they are printed.
            empty: Finds out what to tell people when there is none.
            fields: The columns of a table; without them each field that fits.
        """
        if not self.for_people:
            self._stream(documents)
            return
        seen, left_out = False, dict[str, None]()
        for page in _pages(documents):
            seen = True
            names = fields or list(dict.fromkeys(name for document in page for name in document))
            columns = [Column(name, key=name == "_id", right=_numeric(page, name)) for name in names]
            shown = self._fitting(page, columns)
            left_out.update(dict.fromkeys(c.field for c in columns[len(shown) :]))
            self._print(_table(page, shown, [column.field for column in shown]))
        if not seen:
            self.note(empty())
        if left_out:
            self.note(f"fields not shown: {', '.join(left_out)} (choose with --fields, or use -o json)")

    def _stream(self, records: Iterable[Record]) -> None:
        if self.format == "yaml":
            empty = True
            for record in records:
                click.echo(_to_yaml([record]), nl=False)
                empty = False
            if empty:
                click.echo("[]")
            return
        separator = "[\n"
        for record in records:
            click.echo(f"{separator}{to_json(record)}", nl=False)
            separator = ",\n"
        click.echo("[]" if separator == "[\n" else "\n]")

    def _print(self, table: Table) -> None:
        _console().print(table)

    def _fitting(self, page: Sequence[Record], columns: Sequence[Column]) -> list[Column]:
        room, shown = _console().width, list[Column]()
        for column in columns:
            widest = max(len(column.field), *(len(to_cell(field_of(row, column.field))) for row in page))
            room -= (widest if column.key else min(widest, _NARROWEST)) + _GAP
            if room < 0 and shown:
                break
            shown.append(column)
        return shown


def field_of(document: Record, path: str) -> Any:
    """Look a field up; dots lead into nested documents."""
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def to_json(value: Any) -> str:
    """Write a value as relaxed extended JSON, in one line."""
    from bson.json_util import RELAXED_JSON_OPTIONS, dumps

    return dumps(value, json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False)


def to_cell(value: Any) -> str:
    """Write a value for a person: bare strings and ids, JSON for what is nested."""
    from bson import Decimal128, ObjectId

    if value is None:
        return ""
    if isinstance(value, str | ObjectId | Decimal128):
        text = str(value)
    elif isinstance(value, datetime):
        text = iso(value)
    else:
        text = to_json(value)
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def counted(number: int, noun: str) -> str:
    """Write a number of things: ``1 document``, ``34,006 documents``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def iso(moment: datetime) -> str:
    """Write a moment so that it can be pasted back as a POINT."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _to_yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(json.loads(to_json(value)), sort_keys=False, allow_unicode=True, width=2**31)
    return text


def _console() -> Console:
    from rich.console import Console

    # A pipe has no width: there every column is as wide as its values.
    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 2**15
    return Console(file=sys.stdout, highlight=False, width=fixed)


def _table(page: Sequence[Record], columns: Sequence[Column], titles: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column, title in zip(columns, titles, strict=True):
        # no_wrap here means: narrow all others first.
        table.add_column(Text(title), no_wrap=column.key, justify="right" if column.right else "left")
    for row in page:
        table.add_row(
            *(
                Text(
                    _cell(row, column),
                    no_wrap=not column.key,
                    overflow="fold" if column.key else "ellipsis",
                )
                for column in columns
            )
        )
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(row: Record, column: Column) -> str:
    value = field_of(row, column.field)
    if column.mark:
        return "*" if value else ""
    text = to_cell(value)
    if isinstance(value, Mapping | list) and not column.key and len(text) > _NESTED:
        return f"{text[: _NESTED - 1]}…"
    return text


def _sheet(record: Record) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(Text(_words(name)), Text(to_cell(value), overflow="fold"))
    return table


def _pages(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while page := list(islice(iterator, PAGE)):
        yield page


def _any(page: Sequence[Record], field: str) -> bool:
    return any(field_of(row, field) not in (None, "") for row in page)


def _numeric(page: Sequence[Record], field: str) -> bool:
    values = [value for row in page if (value := field_of(row, field)) is not None]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)

"""Which format a file has, and opening it: gzip, stdin and stdout included."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from argon_cli.failures import Failed

FORMATS = ("json", "ndjson", "csv", "bson")
_SUFFIXES = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".bson": "bson",
}
STANDARD_STREAM = "-"
_GZIP_LEVEL = 6
_BUFFER = 1 << 16


def format_of(file: str, chosen: str | None) -> str:
    """Return the format of a file: the one chosen, else by its suffix.

    Raises:
        click.UsageError: Neither says.
    """
    if chosen:
        return chosen
    found = _SUFFIXES.get(Path(file.removesuffix(".gz")).suffix.lower())
    if found is None:
        raise click.UsageError(f"the name {file!r} does not tell a format; say --format {'|'.join(FORMATS)}")
    return found


def stem_of(file: str) -> str:
    """Return a file's name without its folder and suffixes: ``data/cities.json.gz`` is ``cities``."""
    return Path(file.removesuffix(".gz")).stem


@dataclass(frozen=True)
class Input:
    """A file being read.

    Attributes:
        stream: Its bytes, unpacked.
        size: Its length on the disk; None for stdin.
    """

    stream: BinaryIO
    size: int | None
    _counting: _Counting

    @property
    def position(self) -> int:
        """Bytes read so far of the file as it is on the disk."""
        return self._counting.count


@contextmanager
def open_input(file: str) -> Iterator[Input]:
    """Open a file for reading.

    Args:
        file: Its path, or ``-`` for stdin; unpacked on the way if it ends in ``.gz``.
    """
    if file == STANDARD_STREAM:
        counting = _Counting(sys.stdin.buffer)
        yield Input(cast("BinaryIO", io.BufferedReader(counting, _BUFFER)), None, counting)
        return
    path = Path(file)
    with path.open("rb") as raw:
        counting = _Counting(raw)
        stream = cast("BinaryIO", io.BufferedReader(counting, _BUFFER))
        if file.endswith(".gz"):
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=stream))
        yield Input(stream, path.stat().st_size, counting)


class _Counting(io.RawIOBase):
    """Passes reads on and adds up what they yield."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        number: int = self._source.readinto1(buffer)  # what is there, not all that fits
        self.count += number
        return number


@contextmanager
def open_output(file: str) -> Iterator[BinaryIO]:
    """Open a file for writing; it takes its name only once it is complete.

    Args:
        file: Its path, or ``-`` for stdout; packed on the way if it ends in ``.gz``.
    """
    if file == STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if not path.parent.is_dir():
        raise Failed(f"there is no folder {path.parent} to write {path.name} to")
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as raw:
            if file.endswith(".gz"):
                with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield raw
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

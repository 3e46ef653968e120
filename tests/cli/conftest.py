from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Code, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from click.testing import CliRunner, Result

from argon_cli.main import cli as argon_command
from tests.stores import Stores

VARIABLES = (
    "ARGON_PROJECT",
    "ARGON_BRANCH",
    "ARGON_AT",
    "ARGON_AUTHOR",
    "ARGON_CONFIG",
    "ARGON_DEBUG",
    "ARGON_TEST_MONGODB_URI",
    "COLUMNS",
    "NO_COLOR",
)


class Cli:
    """Runs command lines of argon in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def __call__(self, *arguments: object, **options: Any) -> Result:
        return self._runner.invoke(argon_command, [str(argument) for argument in arguments], **options)

    def ok(self, *arguments: object, **options: Any) -> str:
        """Run what must work; returns its stdout."""
        result = self(*arguments, **options)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: object) -> Any:
        """Run what must work and print JSON, alone."""
        return json.loads(self.ok(*arguments, "-o", "json"))

    def error(self, code: int, *arguments: object, **options: Any) -> str:
        """Run what must fail with this code, one line on stderr and nothing on stdout; returns the line."""
        result = self(*arguments, **options)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file to read."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@pytest.fixture
def every_type() -> dict[str, Any]:
    """A document with a value of every BSON type, its fields in no order of the alphabet."""
    return {
        "z": 1,
        "a": Int64(1),
        "double": 1.0,
        "nan_free": -0.0,
        "text": "Zoë \u0000 \u2028",
        "id": ObjectId("5f5f5f5f5f5f5f5f5f5f5f5f"),
        "time": datetime(2026, 11, 21, 10, 0, 0, 123000, UTC),
        "far": DatetimeMS(2**60),
        "decimal": Decimal128("1.50"),
        "binary": Binary(b"\x00\xff", 5),
        "uuid": Binary(b"0123456789abcdef", 4),
        "regex": Regex("^a", "i"),
        "code": Code("f()", {"x": 1}),
        "timestamp": Timestamp(7, 8),
        "min": MinKey(),
        "max": MaxKey(),
        "none": None,
        "list": [1, Int64(2), [], {}],
        "nested": {"y": {"b": True}, "x": 2**40},
    }


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, where no server answers."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("ARGON_MONGODB_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50")
    monkeypatch.chdir(tmp_path)
    return Cli(tmp_path)


@pytest.fixture
def cli(offline: Cli, mongod_uri: str, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command line, on a database of its own."""
    monkeypatch.setenv("ARGON_MONGODB_URI", mongod_uri)
    with stores.one() as name:
        monkeypatch.setenv("ARGON_DATABASE", name)
        yield offline


@pytest.fixture
def shop(cli: Cli) -> Cli:
    """The command line with the project shop in use."""
    cli.ok("project", "create", "shop")
    cli.ok("use", "shop")
    return cli

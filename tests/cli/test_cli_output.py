"""What stands on stdout: tables that fit, JSON and YAML that programs can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from bson import Decimal128, Int64, ObjectId, json_util

from argon.points import Time, parse_point
from argon_cli.output import Column, Output, iso, to_cell

LONG = "word " * 40
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": ObjectId("5f5f5f5f5f5f5f5f5f5f5f5f"), "name": LONG, "n": Int64(5), "deep": {"x": [1, 2]}},
    {"_id": 2**60, "name": "Bea", "price": Decimal128("1.50"), "when": datetime(2026, 1, 2, tzinfo=UTC)},
]
ENTRIES = [{"lsn": 10**15, "document_id": "i" * 40, "operation": "update", "message": LONG}]
COLUMNS = (
    Column("lsn", key=True, right=True),
    Column("operation"),
    Column("document_id", key=True),
    Column("author", optional=True),
    Column("message", optional=True),
)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, and nobody who says how wide one would be."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_table_fits_the_terminal_and_keys_are_never_cut(
    narrow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Output().records(ENTRIES, COLUMNS, empty="none")
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert str(10**15) in out
    assert "i" * 40 in out
    assert "…" in out  # the message gave way


def test_keys_wider_than_the_terminal_are_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    Output().records(ENTRIES, COLUMNS, empty="none")
    out = capsys.readouterr().out
    cells = [line.split() for line in out.splitlines()[2:]]
    assert out.count("i") >= 40
    assert "".join(word for words in cells for word in words if word.isdigit()) == str(10**15)


def test_a_column_without_values_is_left_out(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    Output().records(ENTRIES, COLUMNS, empty="none")
    out = capsys.readouterr().out
    assert "author" not in out


def test_fields_that_do_not_fit_are_named(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    Output().documents([{f"field_{number}": "x" * 9 for number in range(20)}], empty=lambda: "none")
    captured = capsys.readouterr()
    assert all(len(line) <= 80 for line in captured.out.splitlines())
    assert "field_5" in captured.out
    assert "field_19" not in captured.out
    assert "field_19" in captured.err
    assert "…" not in captured.out  # what is shown is shown whole where that is possible


def test_a_pipe_gets_everything(pipe: None, capsys: pytest.CaptureFixture[str]) -> None:
    Output().documents(DOCUMENTS, empty=lambda: "none")
    out = capsys.readouterr().out
    assert LONG.strip() in out
    assert "\x1b" not in out


def test_nested_values_are_cut_in_tables_only(pipe: None, capsys: pytest.CaptureFixture[str]) -> None:
    document = {"_id": {"key": list(range(50))}, "list": list(range(1000))}
    Output().documents([document], empty=lambda: "none")
    out = capsys.readouterr().out
    assert "49]}" in out  # an id is never cut
    assert "999" not in out
    assert "…" in out


@pytest.mark.parametrize("documents", [[], DOCUMENTS[:1], DOCUMENTS])
def test_json_is_relaxed_extended_json(documents: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Output("json").documents(documents, empty=lambda: "none")
    captured = capsys.readouterr()
    relaxed = json_util.dumps(documents, json_options=json_util.RELAXED_JSON_OPTIONS)
    assert json.loads(captured.out) == json.loads(relaxed)
    assert captured.err == ""


@pytest.mark.parametrize("documents", [[], DOCUMENTS[:1], DOCUMENTS])
def test_yaml_says_the_same_as_json(documents: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    Output("json").documents(documents, empty=lambda: "none")
    as_json = json.loads(capsys.readouterr().out)
    Output("yaml").documents(documents, empty=lambda: "none")
    assert yaml.safe_load(capsys.readouterr().out) == as_json


def test_documents_are_printed_while_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def slow() -> Any:
        yield {"_id": 1}
        assert '"_id": 1' in capsys.readouterr().out
        yield {"_id": 2}

    Output("json").documents(slow(), empty=lambda: "none")


def test_control_characters_of_documents_do_not_reach_the_terminal() -> None:
    assert to_cell("a\x1b[31mb\nc") == "a\\x1b[31mb\\x0ac"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (Int64(7), "7"),
        (1.5, "1.5"),
        (ObjectId("5f5f5f5f5f5f5f5f5f5f5f5f"), "5f5f5f5f5f5f5f5f5f5f5f5f"),
        (Decimal128("1.50"), "1.50"),
        (datetime(2026, 1, 2, 3, 4, 5, 60, UTC), "2026-01-02T03:04:05.000060Z"),
        ([1, "a"], '[1, "a"]'),
    ],
)
def test_cells(value: Any, expected: str) -> None:
    assert to_cell(value) == expected


def test_a_printed_time_can_be_pasted_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 60, UTC)
    assert parse_point(iso(moment)) == Time(moment)

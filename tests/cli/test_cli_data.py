"""Finding, counting and reading the log."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Cli

USERS = """
{"_id": 1, "name": "Ann", "age": 40}
{"_id": 2, "name": "Bea", "age": 30}
{"_id": 3, "name": "Cy", "age": 30}
"""


@pytest.fixture
def users(shop: Cli) -> Cli:
    """The command line with three users on the main branch of shop."""
    shop.file("users.json", USERS)
    shop.ok("import", "users.json")
    return shop


def ids(found: list[dict[str, Any]]) -> list[Any]:
    return [document["_id"] for document in found]


def test_find_takes_mongodbs_filters_sorts_and_limits(users: Cli) -> None:
    assert ids(users.json("find", "users")) == [1, 2, 3]
    assert ids(users.json("find", "users", '{"age": {"$lt": 40}}', "--sort", "age:-1,name:-1")) == [3, 2]
    assert ids(users.json("find", "users", "--sort", "_id:-1", "--limit", "2")) == [3, 2]
    assert ids(users.json("find", "users", "--skip", "1", "-n", "1")) == [2]
    assert ids(
        users.json("find", "users", '{"name": {"$regularExpression": {"pattern": "^b", "options": "i"}}}')
    ) == [2]
    assert users.json("find", "users", '{"_id": 1}', "--fields", "age,name") == [{"name": "Ann", "age": 40}]
    assert users.json("find", "nobody") == []


def test_a_table_shows_nested_fields(users: Cli) -> None:
    users.file("nested.json", '{"_id": 1, "address": {"city": "Bern", "zip": 3000}}')
    users.ok("import", "nested.json")
    title, _, row = users.ok("find", "nested", "--fields", "address.city").splitlines()
    assert (title.split(), row.split()) == (["address.city"], ["Bern"])


def test_a_filter_that_mongodb_refuses(users: Cli) -> None:
    assert "$nope" in users.error(1, "find", "users", '{"age": {"$nope": 1}}')


def test_find_looks_at_any_point(users: Cli) -> None:
    users.file("more.json", '{"_id": 4}')
    newest = users.json("log", "-n", "1")[0]
    users.ok("import", "more.json", "--collection", "users")
    for point in (newest["lsn"], newest["time"], f"main@{newest['lsn']}", f"main@{newest['time']}"):
        assert ids(users.json("find", "users", "--at", point)) == [1, 2, 3]
        assert users.json("count", "users", "--at", point) == {"count": 3}
    assert users.json("count", "users", "--at", "0s") == {"count": 4}
    assert users.json("count", "users", '{"age": 30}') == {"count": 2}


def test_points_outside_history_name_the_range(users: Cli) -> None:
    head = users.json("branch", "show")["head_lsn"]
    assert str(head) in users.error(3, "find", "users", "--at", head + 1000)
    users.error(3, "find", "users", "--at", "no-such-tag")
    users.error(3, "count", "users", "--at", "2001-01-01T00:00:00Z")
    users.error(3, "count", "users", "--at", "nope@5")


def test_people_get_a_page_and_programs_all(users: Cli) -> None:
    users.file("many.ndjson", "\n".join('{"a": 1}' for _ in range(30)))
    users.ok("import", "many.ndjson")
    result = users("find", "many")
    assert "--limit 0" in result.stderr
    assert result.stdout.count("\n") == 22
    assert users("find", "many", "--limit", "0").stdout.count("\n") == 32
    assert len(users.json("find", "many")) == 30
    assert "--limit 0" in users("log").stderr
    assert users("find", "many", "--limit", "5").stderr == ""
    assert len(users.json("log")) >= 33


def test_nothing_found_says_why(users: Cli) -> None:
    assert users("find", "users", '{"_id": 9}').stderr == "no document of users matches\n"
    assert "did you mean 'users'?" in users("find", "usres").stderr
    assert "there are: users" in users("count", "orders").stderr
    assert users.ok("count", "orders") == "0\n"


def test_count_is_a_bare_number(users: Cli) -> None:
    assert users.ok("count", "users") == "3\n"


def test_the_log_is_newest_first(users: Cli) -> None:
    entries = [entry for entry in users.json("log") if entry["operation"] == "insert"]
    assert [entry["document_id"] for entry in entries] == [3, 2, 1]
    assert [entry["lsn"] for entry in entries] == sorted((entry["lsn"] for entry in entries), reverse=True)
    assert {entry["collection"] for entry in entries} == {"users"}
    assert len(users.json("log", "--limit", "2")) == 2
    assert users.json("log", "--collection", "nobody") == []
    assert [entry["document_id"] for entry in users.json("log", "--id", "2")] == [2]


def test_the_log_says_who(users: Cli) -> None:
    users.file("more.json", '{"_id": 4}')
    users.ok("import", "more.json", "--collection", "users", "--author", "ann")
    newest = users.json("log", "main", "-n", "1")[0]
    assert newest["author"] == "ann"
    line = users.ok("log", "--oneline", "-n", "1")
    assert line == f"{newest['lsn']} insert users 4 (ann)\n"


def test_ids_are_found_in_the_log_whatever_their_type(shop: Cli) -> None:
    hexadecimal = "5f5f5f5f5f5f5f5f5f5f5f5f"
    shop.file("ids.json", f'{{"_id": {{"$oid": "{hexadecimal}"}}}}{{"_id": "{hexadecimal}"}}{{"_id": "x"}}')
    shop.ok("import", "ids.json")
    assert [entry["document_id"] for entry in shop.json("log", "--id", hexadecimal)] == [
        {"$oid": hexadecimal}
    ]
    assert [entry["document_id"] for entry in shop.json("log", "--id", f'"{hexadecimal}"')] == [hexadecimal]
    assert [entry["document_id"] for entry in shop.json("log", "--id", "x")] == ["x"]


def test_a_reader_that_leaves_early_is_no_error(users: Cli) -> None:
    users.file("many.ndjson", "\n".join(f'{{"a": "{"x" * 500}"}}' for _ in range(3000)))
    users.ok("import", "many.ndjson")
    command = f"{sys.executable} -m argon_cli.main find many -o json | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, env=os.environ, check=False
    )
    assert (done.stdout, done.stderr) == ("[\n", "")

"""``argon history``, ``argon blame`` and ``argon bisect``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


@pytest.fixture
def counted(shop: Cli) -> Cli:
    """A branch whose commits each put one more document into users, and change the first."""
    from argon import Argon, WALDatabase

    with Argon() as argon:
        db = WALDatabase(argon.project("shop").branch("main"))
        for number in range(6):
            with db.commit(message=f"n = {number}", author="ann" if number % 2 else "bo") as group:
                group.users.update_one({"_id": 1}, {"$set": {"n": number, "at.x": 1}}, upsert=True)
                group.users.insert_one({"_id": 10 + number})
    return shop


def test_history_for_programs(counted: Cli) -> None:
    newest, *_, oldest = counted.json("history", "users", "1")
    assert newest["fields"] == [{"path": "n", "value_a": 4, "value_b": 5}]
    assert (newest["author"], newest["message"], newest["operation"]) == ("ann", "n = 5", "update")
    assert oldest["document"] == {"_id": 1, "at": {"x": 1}, "n": 0}
    assert "fields" not in oldest
    assert counted.json("history", "users", "1", "--limit", "1") == [newest]
    assert counted.json("history", "users", "1", "--at", f"main@{oldest['commit']}") == [oldest]


def test_history_for_people(counted: Cli) -> None:
    text = counted.ok("history", "users", "1", "-n", "2").splitlines()
    assert text[0].startswith("update at LSN ")
    assert text[1].endswith(" on main by ann")
    assert text[2:4] == ["  n = 5", "    n: 4 -> 5"]
    assert len(text) == 8
    assert '"_id": 1, "at"' in counted.ok("history", "users", "1")


def test_history_says_what_is_not_there(counted: Cli) -> None:
    assert 'the _id "1"' in counted.error(3, "history", "users", '"1"')
    assert "there are: users" in counted.error(3, "history", "nobody", "1")


def test_blame(counted: Cli) -> None:
    told = counted.json("blame", "users", "1")
    assert [(one["path"], one["value"], one["message"], one["author"]) for one in told] == [
        ("_id", 1, "n = 0", "bo"),
        ("at.x", 1, "n = 0", "bo"),
        ("n", 5, "n = 5", "ann"),
    ]
    assert "at.x" in counted.ok("blame", "users", "1", "--at", told[0]["commit"])
    assert "no document with the _id 99" in counted.error(3, "blame", "users", "99")


def test_a_query_finds_the_first_bad_commit(counted: Cli) -> None:
    good = counted.json("history", "users", "1")[-1]["commit"]
    options = ("--good", good, "-c", "users")
    found = counted.json("bisect", *options, "--filter", '{"n": {"$gte": 3}}')
    assert (found["message"], found["author"], found["branch"], found["commits"]) == (
        "n = 3",
        "ann",
        "main",
        5,
    )
    assert [(change["kind"], change["id"]) for change in found["changes"]] == [("modified", 1), ("added", 13)]
    assert len(found["steps"]) <= 5
    assert counted.json("bisect", *options, "--expect", "<5")["message"] == "n = 3"
    assert counted.json("bisect", *options, "--expect", "2")["message"] == "n = 1"
    assert (
        counted.json("bisect", *options, "--filter", '{"n": {"$lt": 2}}', "--expect", "some")["message"]
        == "n = 2"
    )
    text = counted.ok("bisect", *options, "--filter", '{"n": {"$gte": 3}}').splitlines()
    assert text[0] == f"first bad commit: LSN {found['lsn']}"
    assert text[2:] == ["  n = 3", "users", "  ~ 1 (1 field)", "      n: 2 -> 3", '  + {"_id": 13}']


def test_a_command_finds_the_first_bad_commit(counted: Cli) -> None:
    good = counted.json("history", "users", "1")[-1]["commit"]
    script = counted.file(
        "test.py",
        "import subprocess, sys\n"
        "code = 'from argon_cli.main import main; main()'\n"
        "asked = [sys.executable, '-c', code, 'count', 'users', '-o', 'json']\n"
        "said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout\n"
        "print('asked')\n"
        "sys.exit(int('4' in said or '5' in said or '6' in said or '7' in said))\n",
    )
    found = counted.ok("-o", "json", "bisect", "--good", good, "--", sys.executable, script)
    assert json.loads(found)["message"] == "n = 2"


def test_what_exit_codes_mean(counted: Cli) -> None:
    versions = [version["commit"] for version in reversed(counted.json("history", "users", "1"))]
    script = counted.file(
        "test.py",
        "import os, sys\n"
        "codes = dict(pair.split(':') for pair in sys.argv[1].split(','))\n"
        "sys.exit(int(codes[os.environ['ARGON_AT']]))\n",
    )

    def told(*codes: int) -> list[object]:
        pairs = ",".join(f"{lsn}:{code}" for lsn, code in zip(versions, codes, strict=True))
        return ["-o", "json", "bisect", "--good", versions[0], "--", sys.executable, script, pairs]

    for codes in ((0, 0, 0, 0, 127, 1), (0, 0, 125, 0, 2, 1)):
        assert json.loads(counted.ok(*told(*codes)))["lsn"] == versions[4]
    assert "given as good, and the test says bad" in counted.error(4, *told(1, 1, 1, 1, 1, 1))
    assert "given as bad, and the test says good" in counted.error(4, *told(0, 0, 0, 0, 0, 0))
    assert "ended with 128" in counted.error(1, *told(0, 128, 128, 128, 128, 128))
    hidden = f"one of LSN {versions[1]}, {versions[2]}, {versions[3]}"
    result = counted(*told(0, 125, 125, 1, 1, 1))
    assert (result.exit_code, json.loads(result.stdout)["candidates"]) == (1, versions[1:4])
    assert hidden in result.stderr


def test_a_bisection_needs_to_know_what_decides(counted: Cli) -> None:
    assert "what decides?" in counted.error(2, "bisect", "--good", "5")
    assert "what decides?" in counted.error(2, "bisect", "--good", "5", "-c", "users", "--", "true")
    assert "'--expect'" in counted.error(2, "bisect", "--good", "5", "-c", "users", "--expect", "lots")
    assert "does not lead to" in counted.error(2, "bisect", "--good", "9", "--bad", "5", "-c", "users")


def test_the_point_may_come_from_the_environment(counted: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    first = counted.json("history", "users", "1")[-1]["commit"]
    monkeypatch.setenv("ARGON_AT", str(first))
    assert counted.json("count", "users") == {"count": 2}
    assert counted.json("find", "users", '{"_id": 1}')[0]["n"] == 0
    assert len(counted.ok("export", "-c", "users").splitlines()) == 2
    assert len(counted.json("history", "users", "1")) == 1
    assert counted.json("count", "users", "--at", "0d") == {"count": 7}
    monkeypatch.setenv("ARGON_AT", "v 1@")
    assert "ARGON_AT" in counted.error(2, "count", "users")


def test_the_log_of_an_author_and_a_time(counted: Cli) -> None:
    commits = [version["commit"] for version in reversed(counted.json("history", "users", "1"))]
    mine = counted.json("log", "--author", "ann")
    assert {entry["author"] for entry in mine} == {"ann"}
    assert len(mine) == 6
    [first, second] = counted.json("log", "--since", commits[2], "--until", f"main@{commits[3]}")
    assert (first["lsn"], second["message"]) == (commits[3], "n = 3")
    entries = counted.json("log")
    assert counted.json("log", "--since", "900d") == entries
    assert counted.json("log", "--until", entries[2]["time"]) == entries[2:]
    assert "before the project began" in counted.error(3, "log", "--until", "900d")
    assert "says nothing" in counted.error(2, "log", "--since", "other@4")
    assert "nothing like that" in counted("log", "--author", "nobody").stderr

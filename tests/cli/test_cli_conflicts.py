"""Conflicts that are kept, listed and resolved on the command line, and merges that are planned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from argon import Argon, WALDatabase

if TYPE_CHECKING:
    from conftest import Cli


def load(cli: Cli, branch: str, *documents: str) -> None:
    path = cli.file("documents.ndjson", "\n".join(documents))
    cli.ok("import", path, "--collection", "users", "--upsert", "-p", f"shop@{branch}")


@pytest.fixture
def crossed(shop: Cli) -> Cli:
    """The branches main and feature, which changed the same two documents."""
    load(shop, "main", '{"_id": 1, "n": 0, "m": 0}', '{"_id": "b", "n": 0}')
    shop.ok("branch", "fork", "feature")
    load(shop, "main", '{"_id": 1, "n": 1, "m": 1}', '{"_id": "b", "n": 1}')
    load(shop, "feature", '{"_id": 1, "n": 2, "m": 2}', '{"_id": "b", "n": 2}')
    return shop


def test_conflicts_are_resolved_one_by_one(crossed: Cli) -> None:
    kept = crossed("merge", "feature", "--keep-conflicts", "-m", "why")
    assert kept.exit_code == 4
    assert "users 1 n" in kept.stdout
    assert "3 conflicts kept, and nothing else was written; 'argon conflicts resolve'" in kept.stderr
    assert "feature" in crossed.ok("status")
    assert "3 open conflicts" in crossed.ok("branch", "show")

    rows = crossed.ok("conflicts").splitlines()
    assert rows[0].split() == ["number", "collection", "id", "path", "base", "source", "target"]
    assert rows[2].split() == ["1", "users", "1", "n", "0", "2", "1"]
    assert [each["number"] for each in crossed.json("conflicts", "--id", '"b"')] == [3]
    assert crossed.json("conflict", "-p", "shop", "show", "2")["target_value"] == 1

    assert "1 conflict resolved, 2 open" in crossed("conflicts", "resolve", "2", "--theirs").stderr
    again = crossed("merge", "--continue")
    assert (again.exit_code, "nothing was written (2); 'argon" in again.stderr) == (4, True)
    assert crossed.json("conflicts", "resolve", "users", "1", "n", "--value", "7")["merge"]["open"] == 1
    assert "value 7" in crossed.ok("conflicts")
    assert "resolved: value 7" in crossed.ok("conflicts", "show", "1")
    last = crossed("conflicts", "resolve", "users", "b", "--delete")
    assert "none is open: 'argon merge --continue' finishes the merge" in last.stderr
    assert crossed.json("branch", "show")["pending_merge"] == {
        "source": crossed.json("status")["pending_merge"]["source"], "open": 0, "resolved": 3
    }  # fmt: skip
    done = crossed.json("merge", "--continue")
    assert (done["merged"], done["documents_applied"]) == (True, 2)
    assert crossed.json("find", "users", "--sort", "_id") == [{"_id": 1, "n": 7, "m": 2}, {"_id": "b"}]
    assert crossed.json("log", "-n", "1")[0]["message"] == "why"
    assert crossed.json("status")["pending_merge"] is None


def test_a_merge_is_given_up(crossed: Cli) -> None:
    assert crossed("merge", "feature", "--keep-conflicts", "-o", "json").exit_code == 4
    assert "pending" in crossed.error(4, "merge", "feature", "--keep-conflicts")
    assert "which is as it was" in crossed("merge", "--abort").stderr
    for arguments in (("conflicts",), ("merge", "--abort"), ("merge", "--continue")):
        assert "--keep-conflicts" in crossed.error(3, *arguments)


def test_all_are_resolved_at_once(crossed: Cli) -> None:
    crossed("merge", "main", "--into", "feature", "--keep-conflicts")
    crossed.ok("conflicts", "resolve", "--all", "--base", "-b", "feature")
    crossed.ok("merge", "--continue", "--into", "feature")
    assert crossed.json("find", "users", "-b", "feature", "--sort", "_id") == [
        {"_id": 1, "n": 0, "m": 0}, {"_id": "b", "n": 0}
    ]  # fmt: skip


WRONG = [
    (["merge"], 2, "SOURCE, --plan NAME, --continue or --abort"),
    (["merge", "feature", "--continue"], 2, "SOURCE, --plan NAME, --continue or --abort"),
    (["merge", "feature", "--save", "x"], 2, "--save stores the plan of a --preview"),
    (["merge", "feature", "--preview", "--keep-conflicts"], 2, "writes nothing"),
    (["merge", "feature", "--strategy", "users=newest"], 2, "'users=newest' is no strategy"),
    (["merge", "--plan", "friday"], 3, "there is: none"),
    (["merge", "--plan", "no.json"], 1, "no.json"),
    (["conflicts", "resolve", "--ours"], 2, "say which conflicts"),
    (["conflicts", "resolve", "1", "--all", "--ours"], 2, "say which conflicts"),
    (["conflicts", "resolve", "1"], 2, "say what shall become"),
    (["conflicts", "resolve", "1", "--ours", "--delete"], 2, "say what shall become"),
    (["conflicts", "resolve", "1", "--value", "{"], 2, "a value is JSON like"),
    (["conflicts", "resolve", "99", "--ours"], 3, "no conflict 99"),
    (["conflicts", "resolve", "users", "99", "--ours"], 3, "no open conflict is like that"),
    (["conflicts", "resolve", "users", "1", "n", "n", "--ours"], 2, "is too much"),
    (["conflicts", "show", "99"], 3, "no conflict 99"),
    (["conflicts", "solve"], 2, "did you mean 'resolve'"),
]


def test_what_is_typed_wrong(crossed: Cli) -> None:
    crossed("merge", "feature", "--keep-conflicts")
    for arguments, code, words in WRONG:
        assert words in crossed.error(code, *arguments), arguments
    assert len(crossed.json("conflicts", "--state", "open")) == 3


@pytest.mark.parametrize("where", ["friday", "friday.json"])
def test_a_plan_is_done_later(crossed: Cli, where: str) -> None:
    saved = crossed("merge", "feature", "--preview", "--strategy", "theirs", "--save", where)
    assert f"'argon merge --plan {where}' does it" in saved.stderr
    assert crossed.json("merge", "--plan", where)["documents_applied"] == 2
    assert crossed.json("diff", "main", "feature") == []


def test_plans_are_listed_shown_and_deleted(crossed: Cli) -> None:
    assert "no merge into main is planned" in crossed("plan", "list").stderr
    for name, strategy in (("monday", "ours"), ("friday", "theirs")):
        crossed.ok("merge", "feature", "--preview", "--strategy", strategy, "--save", name)
    listed = crossed.json("plans", "ls")
    assert [(each["name"], each["strategy"]) for each in listed] == [("friday", "theirs"), ("monday", "ours")]
    assert crossed.json("plan", "list", "-b", "feature") == []
    shown = crossed.json("plan", "show", "friday")
    assert shown == {**listed[0], "target_head": listed[0]["target_lsn"]}
    assert (shown["target"], shown["documents_applied"]) == ("main", 2)
    assert "'argon merge --plan friday' does it" in crossed("plan", "show", "friday").stderr
    load(crossed, "main", '{"_id": "moved"}')
    assert crossed.json("plan", "show", "friday")["target_head"] > shown["target_head"]
    assert crossed.json("plan", "delete", "friday") == listed[0]
    assert "there is: monday" in crossed.error(3, "plan", "show", "friday")
    assert "there is: monday" in crossed.error(3, "plan", "delete", "friday")
    assert "deleted the plan monday of a merge of feature@" in crossed("plan", "rm", "monday").stderr
    assert crossed.json("plan", "list") == []


def test_a_plan_that_the_target_has_moved_under(crossed: Cli) -> None:
    plan = crossed.json("merge", "feature", "--preview", "--strategy", "ours")
    crossed.file("plan.json", json.dumps(plan))
    load(crossed, "main", '{"_id": 1, "n": 0, "m": 1}')
    assert "plan it anew" in crossed.error(4, "merge", "--plan", "plan.json")
    crossed.file("plan.json", "[]")
    assert "holds no plan" in crossed.error(2, "merge", "--plan", "plan.json")


def test_strategies_by_collection_and_field(crossed: Cli) -> None:
    plan = crossed.json("merge", "feature", "--preview", "--strategy", "users:n=theirs")
    assert [(each["id"], each["path"]) for each in plan["conflicts"]] == [(1, "m")]
    choices = ("--strategy", "users:n=theirs", "--strategy", "users=ours", "--strategy", "last_writer_wins")
    crossed.ok("merge", "feature", *choices)
    assert crossed.json("find", "users", "--sort", "_id") == [
        {"_id": 1, "n": 2, "m": 1}, {"_id": "b", "n": 2}
    ]  # fmt: skip


def test_deletions_are_left_out(crossed: Cli) -> None:
    with Argon() as argon:
        WALDatabase(argon.project("shop").create_branch("clean")).users.delete_many({})
    assert crossed.json("merge", "clean", "--preview")["documents_deleted"] == 2
    for option in ("--keep-deleted", "--no-deletes"):
        assert crossed.json("merge", "clean", option, "--preview")["documents_deleted"] == 0

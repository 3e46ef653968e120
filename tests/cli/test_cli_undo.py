"""Undo, revert, cherry-pick and reset on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from argon import Argon, WALDatabase

if TYPE_CHECKING:
    from conftest import Cli


def load(cli: Cli, branch: str, *documents: str, author: str = "ann") -> int:
    """Commit documents, and return the commit's LSN."""
    path = cli.file("data.ndjson", "\n".join(documents))
    cli.ok("import", path, "--collection", "users", "-p", f"shop@{branch}", "--author", author)
    lsn: int = cli.json("log", branch, "-n", "1")[0]["lsn"]
    return lsn


def ids(cli: Cli, branch: str = "main") -> list[Any]:
    return sorted(document["_id"] for document in cli.json("find", "users", "-b", branch))


@pytest.fixture
def lsns(shop: Cli) -> list[int]:
    """Three commits on main."""
    return [load(shop, "main", f'{{"_id": {number}}}', author=author) for number, author in enumerate("aba")]


def test_undo_and_redo(shop: Cli, lsns: list[int]) -> None:
    preview = shop("undo", "--dry-run")
    assert "- {" in preview.stdout
    assert f"undo of LSN {lsns[2]} of main would apply 0 documents and delete 1" in preview.stderr
    assert ids(shop) == [0, 1, 2]
    result = shop("undo")
    assert result.stdout == ""
    assert f"undid LSN {lsns[2]} of main" in result.stderr
    assert f"main-before-undo-{lsns[2]} holds what was there before" in result.stderr
    assert ids(shop) == [0, 1]
    done = shop.json("undo", "-m", "because")
    assert (done["done"], done["operation"], done["backup"]) == (
        True,
        "undo",
        f"main-before-undo-{done['commits'][0]['lsn']}",
    )
    assert shop.json("log", "-n", "1")[0]["message"] == "because"
    assert ids(shop) == [0, 1, 2]
    assert ids(shop, f"main-before-undo-{lsns[2]}") == [0, 1, 2]


def test_several_commits(shop: Cli, lsns: list[int]) -> None:
    assert (
        "undo of 2 commits of main would apply 0 documents and delete 2"
        in shop("undo", "-n2", "--dry-run").stderr
    )
    assert "undid 2 commits of main" in shop("undo", "-n", "2").stderr
    assert ids(shop) == [0]
    assert len(shop.json("undo", "-n", 1)["commits"]) == 1
    assert ids(shop) == [0, 1, 2]
    assert "cannot undo 99 commits" in shop.error(1, "undo", "-n", 99)
    assert "x>=1" in shop.error(2, "undo", "-n", 0)
    assert ids(shop) == [0, 1, 2]


def test_revert(shop: Cli, lsns: list[int]) -> None:
    assert shop.json("revert", lsns[1])["documents_deleted"] == 1
    assert ids(shop) == [0, 2]
    assert "nothing to revert" in shop("revert", lsns[1]).stderr
    assert [commit["author"] for commit in shop.json("revert", "--by", "a", "--dry-run")["commits"]] == [
        "a",
        "a",
    ]
    assert "reverted 2 commits of main" in shop("revert", "--by", "a").stderr
    assert ids(shop) == []
    shop.ok("undo")
    shop.ok("revert", lsns[1], "--to-lsn", lsns[2])
    assert ids(shop) == [0]
    assert "'argon log main'" in shop.error(3, "revert", 2)
    assert "--by" in shop.error(2, "revert")
    assert "--to-lsn" in shop.error(2, "revert", "--by", "a", "--to-lsn", 9)


def test_conflicts_of_a_revert_are_listed(shop: Cli, lsns: list[int]) -> None:
    with Argon() as argon:
        WALDatabase(argon.project("shop").branch("main")).users.update_one({"_id": 2}, {"$set": {"n": 1}})
    people = shop("revert", lsns[2])
    assert people.exit_code == 4
    assert people.stdout.splitlines() == [
        "! users 2 (document)",
        '      as it was left: {"_id": 2}',
        "      before that: (none)",
        '      now: {"_id": 2, "n": 1}',
    ]
    assert "nothing was written" in people.stderr
    programs = shop("revert", lsns[2], "-o", "json")
    assert (programs.exit_code, '"done": false' in programs.stdout) == (4, True)
    assert "1 conflict settled" in shop("revert", lsns[2], "--strategy", "theirs").stderr
    assert ids(shop) == [0, 1]


def test_cherry_pick(shop: Cli, lsns: list[int]) -> None:
    shop.ok("branch", "fork", "feature")
    one, two = (load(shop, "feature", f'{{"_id": {number}}}') for number in (7, 8))
    assert "picked LSN" in shop("cherry-pick", "feature").stderr
    assert ids(shop) == [0, 1, 2, 8]
    assert shop.json("cherry-pick", f"feature@{one}")["source"] == f"feature@{one}"
    assert ids(shop) == [0, 1, 2, 7, 8]
    shop.ok("branch", "create", "third", "--at", lsns[0])
    shop.ok("cherry-pick", "feature", "--lsn", one, "--to-lsn", two, "--into", "third")
    assert ids(shop, "third") == [0, 7, 8]
    assert "nowhere" in shop.error(3, "cherry-pick", "nowhere")
    assert "--lsn" in shop.error(2, "cherry-pick", "feature@3", "--lsn", 3)


def test_reset_and_restore_in_place(shop: Cli, lsns: list[int]) -> None:
    assert (
        "would apply 0 documents and delete 2" in shop("branch", "reset", "--to", lsns[0], "--dry-run").stderr
    )
    result = shop("branch", "reset", "--to", lsns[0])
    assert f"reset main to main@{lsns[0]} at LSN" in result.stderr
    assert ids(shop) == [0]
    assert "nothing to reset" in shop("branch", "reset", "--to", "main").stderr
    shop.ok("branch", "restore", "--lsn", lsns[1], "--in-place")
    assert ids(shop) == [0, 1]
    shop.ok("branch", "fork", "feature")
    load(shop, "feature", '{"_id": 9}')
    shop.ok("branch", "reset", "feature", "--to-parent")
    assert ids(shop, "feature") == [0, 1]
    assert "--to-parent" in shop.error(2, "branch", "reset")
    assert "--name" in shop.error(2, "branch", "restore", "--lsn", 4, "--in-place", "--name", "x")
    assert "made from no other" in shop.error(3, "branch", "reset", "--to-parent")
    assert "outside the history" in shop.error(3, "branch", "reset", "--to", 10**9)

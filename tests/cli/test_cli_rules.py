"""Default, protected and expiring branches on the command line, and who wrote what and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


def test_a_protected_branch_takes_changes_by_force_only(shop: Cli) -> None:
    shop.ok("branch", "create", "release/1")
    file = shop.file("a.json", '{"_id": 1}')
    done = shop("branch", "protect", "release/*")
    assert done.stderr == "protected release/*: release/1\n"
    for command in (
        ("import", file, "-c", "users", "-b", "release/1"),
        ("merge", "main", "--into", "release/1"),
        ("branch", "rename", "release/1", "old"),
        ("branch", "delete", "release/1", "--yes"),
        ("branch", "edit", "release/1", "--ttl", "2h"),
        ("project", "delete", "shop", "--yes"),
    ):
        assert "protected" in shop.error(4, *command)
    shop.ok("import", file, "-c", "users", "-b", "release/1", "--force")
    shop.ok("merge", "main", "--into", "release/1", "--force")
    [_, release] = shop.json("branch", "list")
    assert release["protected"] == "release/*"
    assert "release/*" in shop.ok("branch", "list")
    assert shop.json("branch", "protected") == [{"pattern": "release/*", "branches": ["release/1"]}]
    shop.ok("branch", "rename", "release/1", "release/one", "--force")
    assert "it does by 'release/*'" in shop.error(3, "branch", "unprotect", "v*")
    shop.ok("branch", "unprotect", "release/*")
    assert "no branch is protected" in shop("branch", "protected").stderr
    shop.ok("branch", "delete", "release/one", "--yes")
    assert "a pattern of branches is" in shop.error(2, "branch", "protect", "a b")


def test_the_default_branch_is_used_where_none_is_named(shop: Cli) -> None:
    (shop.folder / ".argon").unlink()
    shop.ok("branch", "create", "trunk", "-p", "shop")
    shop.ok("branch", "set-default", "trunk", "-p", "shop")
    assert shop.json("branch", "show", "-p", "shop")["name"] == "trunk"
    assert shop.json("status", "-p", "shop")["branch"] == "trunk"
    assert shop.json("project", "show", "shop")["default_branch"] == "trunk"
    shop.ok("import", shop.file("a.json", '{"_id": 1}'), "-c", "users", "-p", "shop")
    assert shop.json("count", "users", "-p", "shop@trunk")["count"] == 1
    assert [each["default"] for each in shop.json("branch", "list", "-p", "shop")] == [False, True]
    shop.ok("use", "shop")
    assert (shop.folder / ".argon").read_text() == "shop@trunk\n"
    assert "is the default one" in shop.error(4, "branch", "delete", "trunk", "--yes", "--force")
    assert "nowhere" in shop.error(3, "branch", "set-default", "nowhere")


def test_branches_expire_at_a_time_that_can_be_changed(shop: Cli) -> None:
    shop.ok("branch", "create", "brief", "--expires-at", "2100-01-02T03:04:05Z")
    assert shop.json("branch", "show", "brief")["expires_at"] == "2100-01-02T03:04:05Z"
    assert "2100-01-02T03:04:05Z" in shop.ok("branch", "list")
    shop.ok("branch", "edit", "brief", "--ttl", "2h")
    assert shop.json("branch", "show", "brief")["expires_at"] < "2100"
    shop.ok("branch", "edit", "brief", "--clear-expiration")
    assert shop.json("branch", "show", "brief")["expires_at"] is None


def test_wrong_times_are_refused(shop: Cli) -> None:
    for said, given in (
        ("'soon' is no duration", ("--ttl", "soon")),
        ("not both", ("--ttl", "1h", "--expires-at", "2100-01-01T00:00:00Z")),
        ("not in the future", ("--expires-at", "2001-01-01T00:00:00Z")),
        ("no time zone", ("--expires-at", "2100-01-01T00:00:00")),
        ("cannot be read as a time", ("--expires-at", "tomorrow")),
    ):
        assert said in shop.error(2, "branch", "create", "brief", *given)
    assert len(shop.json("branch", "list")) == 1


def test_who_and_why_stand_in_the_log(shop: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGON_AUTHOR", "ann")
    shop.ok("import", shop.file("a.json", '{"_id": 1}'), "-c", "users", "-m", "first load")
    shop.ok("branch", "create", "feature", "-m", "try it")
    shop.ok("branch", "edit", "feature", "--description", "x", "-m", "said", "--author", "bo")
    shop.ok("branch", "rename", "feature", "better", "-m", "a better name")
    told = [
        (each["operation"], each["author"], each["message"])
        for branch in ("main", "better")
        for each in shop.json("log", branch, "--limit", "2")
    ]
    assert told[:2] == [("insert", "ann", "first load"), ("create_collection", "ann", "first load")]
    assert told[2:] == [("rename_branch", "ann", "a better name"), ("edit_branch", "bo", "said")]

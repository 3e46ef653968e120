"""Projects, branches and the context they are chosen by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


def names(listed: list[dict[str, object]]) -> list[object]:
    return [each["name"] for each in listed]


def test_projects_are_created_listed_shown_and_deleted(cli: Cli) -> None:
    assert cli.json("projects", "list") == []
    created = cli.json("project", "create", "shop")
    assert created["name"] == "shop"
    assert created["branches"] == 1
    cli.ok("project", "create", "other")
    assert names(cli.json("project", "list")) == ["shop", "other"]
    assert cli.json("project", "show", "shop")["id"] == created["id"]
    cli.ok("project", "delete", "shop", "--yes")
    assert names(cli.json("project", "list")) == ["other"]


def test_names_of_projects(shop: Cli) -> None:
    assert "project" in shop.error(4, "project", "create", "shop")
    assert "'argon project list'" in shop.error(3, "project", "show", "nope")
    assert "'argon project list'" in shop.error(3, "project", "delete", "nope", "--yes")
    assert "project name" in shop.error(2, "project", "create", "a@b")
    assert names(shop.json("project", "list")) == ["shop"]


def test_what_is_lost_for_good_is_asked_about(shop: Cli) -> None:
    assert "--yes" in shop.error(2, "project", "delete", "shop")
    assert "--yes" in shop.error(2, "branch", "delete", "main")
    assert names(shop.json("project", "list")) == ["shop"]


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("n\n", 1, ["shop"]), ("y\n", 0, []), ("", 2, ["shop"])]
)
def test_a_terminal_is_asked(
    shop: Cli, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: list[str]
) -> None:
    monkeypatch.setattr("argon_cli.context.is_terminal", lambda: True)
    result = shop("project", "delete", "shop", input=answer)
    assert "Delete project shop with 1 branch" in result.stderr
    assert result.stdout == ""
    assert result.exit_code == code
    assert names(shop.json("project", "list")) == left


def test_branches_are_created_listed_shown_renamed_and_deleted(shop: Cli) -> None:
    made = shop.json("branch", "create", "feature")
    assert (made["name"], made["parent"], made["status"]) == ("feature", "main", "active")
    assert names(shop.json("branches", "list")) == ["main", "feature"]
    assert shop.json("branch", "show")["name"] == "main"
    assert shop.json("branch", "show", "feature")["id"] == made["id"]
    shop.ok("branch", "rename", "feature", "idea")
    assert shop.json("branch", "show", "idea")["id"] == made["id"]
    shop.ok("branch", "delete", "idea", "--yes")
    assert names(shop.json("branch", "list")) == ["main"]
    shop.ok("branch", "undelete", "idea")
    assert shop.json("branch", "show", "idea")["id"] == made["id"]


def test_names_of_branches(shop: Cli) -> None:
    shop.ok("branch", "create", "feature")
    assert "feature" in shop.error(4, "branch", "create", "feature")
    assert "'nope'" in shop.error(3, "branch", "show", "nope")
    assert "'nope'" in shop.error(3, "branch", "create", "x", "--parent", "nope")
    assert "'nope'" in shop.error(3, "branch", "delete", "nope", "--yes")
    assert "'nope'" in shop.error(3, "branch", "undelete", "nope")
    assert "main" in shop.error(4, "branch", "delete", "main", "--yes")
    assert "branch name" in shop.error(2, "branch", "create", "a b")
    assert names(shop.json("branch", "list")) == ["main", "feature"]


def test_a_parent_is_deleted_only_by_force(shop: Cli) -> None:
    shop.ok("branch", "create", "parent")
    shop.ok("branch", "create", "child", "--parent", "parent")
    assert "--force" in shop.error(4, "branch", "delete", "parent", "--yes")
    shop.ok("branch", "delete", "parent", "--force", "--yes")
    assert names(shop.json("branch", "list")) == ["main", "child"]


def test_a_branch_starts_at_a_point_of_the_past(shop: Cli) -> None:
    for number in (1, 2):  # two commits, because no point lies inside one
        shop.ok("import", shop.file(f"{number}.json", f'{{"_id": {number}}}'), "--collection", "users")
    second, first = [entry["lsn"] for entry in shop.json("log") if entry["operation"] == "insert"]
    assert shop.json("branch", "create", "early", "--at", first)["base_lsn"] == first
    assert shop.json("branch", "create", "late", "--at", f"main@{second}")["base_lsn"] == second
    assert shop.json("count", "users", "-b", "early") == {"count": 1}
    assert shop.json("count", "users", "-b", "late") == {"count": 2}
    assert str(second) in shop.error(3, "branch", "create", "never", "--at", second + 1000)


def test_a_branch_starts_from_the_one_in_use(shop: Cli) -> None:
    shop.ok("branch", "create", "feature")
    assert shop.json("branch", "create", "child", "-b", "feature")["parent"] == "feature"


def test_use_keeps_its_choice_in_a_file_found_by_walking_up(
    shop: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ok("branch", "create", "feature")
    shop.ok("use", "shop@feature")
    assert (shop.folder / ".argon").read_text() == "shop@feature\n"
    below = shop.folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert shop.json("branch", "show")["name"] == "feature"
    shop.ok("use", "@main")
    assert (shop.folder / ".argon").read_text() == "shop@main\n"
    shop.ok("use", "shop@feature", "--here")
    assert (below / ".argon").read_text() == "shop@feature\n"


def test_use_takes_only_what_exists(shop: Cli) -> None:
    before = (shop.folder / ".argon").read_text()
    shop.error(3, "use", "nope")
    shop.error(3, "use", "shop@nope")
    assert (shop.folder / ".argon").read_text() == before


def test_a_flag_goes_before_the_environment_before_the_file(
    shop: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("by_file", "by_variable", "by_flag"):
        shop.ok("branch", "create", name)
    shop.ok("use", "shop@by_file")
    in_use = shop.json("use")
    assert (in_use["branch"], Path(in_use["branch_from"])) == ("by_file", shop.folder / ".argon")
    monkeypatch.setenv("ARGON_BRANCH", "by_variable")
    in_use = shop.json("use")
    assert (in_use["branch"], in_use["branch_from"]) == ("by_variable", "ARGON_BRANCH")
    in_use = shop.json("use", "-b", "by_flag")
    assert (in_use["branch"], in_use["branch_from"]) == ("by_flag", "-b/--branch")
    assert shop.json("branch", "show", "-b", "by_flag")["name"] == "by_flag"


def test_the_branch_of_the_file_counts_for_its_project_only(shop: Cli) -> None:
    shop.ok("branch", "create", "feature")
    shop.ok("use", "shop@feature")
    shop.ok("project", "create", "other")
    assert shop.json("branch", "show", "-p", "other")["name"] == "main"
    assert shop.json("branch", "show", "-p", "shop")["name"] == "feature"
    assert shop.json("branch", "show", "-p", "shop@main")["name"] == "main"


def test_global_options_stand_before_or_behind_the_command(shop: Cli) -> None:
    shop.ok("branch", "create", "feature")
    assert shop.ok("-o", "json", "-b", "feature", "branch", "show") == shop.ok(
        "branch", "show", "-b", "feature", "-o", "json"
    )


def test_restore_makes_a_branch(shop: Cli) -> None:
    for number in (1, 2):  # two commits, because no point lies inside one
        shop.ok("import", shop.file(f"{number}.json", f'{{"_id": {number}}}'), "--collection", "users")
    second, first = [entry for entry in shop.json("log") if entry["operation"] == "insert"]
    by_lsn = shop.json("branch", "restore", "main", "--lsn", first["lsn"])
    assert by_lsn["parent"] == "main"
    assert shop.json("count", "users", "-b", by_lsn["name"]) == {"count": 1}
    shop.json("branch", "restore", "--time", second["time"], "--name", "by-time")
    assert shop.json("count", "users", "-b", "by-time") == {"count": 2}
    assert shop.json("count", "users") == {"count": 2}


def test_restore_beyond_history(shop: Cli) -> None:
    before = names(shop.json("branch", "list"))
    shop.error(3, "branch", "restore", "--lsn", 10**6)
    shop.error(3, "branch", "restore", "--time", "2001-01-01T00:00:00Z")
    shop.error(3, "branch", "restore", "--time", "no-such-tag")
    assert names(shop.json("branch", "list")) == before


def test_a_classic_branch_is_migrated_into_the_log(shop: Cli) -> None:
    shop.ok("features", "set", "wal_create_branch", "false")
    assert shop.json("branch", "create", "old")["kind"] == "classic"
    shop.file("users.json", '{"_id": 1}{"_id": 2}')
    shop.ok("import", "users.json", "-b", "old")
    assert shop.ok("export", "-c", "users", "-p", "shop@old", "--relaxed") == '{"_id": 1}\n{"_id": 2}\n'
    assert "'argon branch migrate old'" in shop.error(1, "log", "old")
    assert shop.json("branch", "migrate", "old")["kind"] == "wal"
    assert shop.json("find", "users", "-b", "old") == [{"_id": 1}, {"_id": 2}]
    assert len(shop.json("log", "old", "--collection", "users")) >= 2
    assert "classic" in shop.error(1, "branch", "migrate", "main")

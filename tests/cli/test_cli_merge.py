"""Merging branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


def load(cli: Cli, branch: str, *documents: str) -> None:
    path = cli.file(f"{branch}.ndjson", "\n".join(documents))
    cli.ok("import", path, "--collection", "users", "-p", f"shop@{branch}")


@pytest.fixture
def forked(shop: Cli) -> Cli:
    """A branch with two documents that main has not."""
    load(shop, "main", '{"_id": 1}')
    shop.ok("branch", "fork", "feature")
    load(shop, "feature", '{"_id": 2, "n": 1}', '{"_id": 3, "n": 1}')
    return shop


def test_a_merge_and_another_one(forked: Cli) -> None:
    plan = forked.json("merge", "feature", "--preview")
    assert [change["id"] for change in plan["changes"]] == [2, 3]
    assert forked.json("count", "users") == {"count": 1}
    done = forked.json("merge", "feature", "-m", "because")
    assert (done["merged"], done["documents_applied"], done["documents_deleted"]) == (True, 2, 0)
    assert forked.json("log", "-n", "1")[0]["message"] == "because"
    assert forked.json("diff", "main", "feature") == []
    again = forked.json("merge", "feature")
    assert (again["documents_applied"], again["lsn"]) == (0, done["lsn"])


def test_conflicts_are_listed(forked: Cli) -> None:
    load(forked, "main", '{"_id": 2, "n": 2}')
    result = forked("merge", "feature", "-o", "json")
    assert result.exit_code == 4
    assert '"merged": false' in result.stdout
    assert '"target_value": {' in result.stdout
    people = forked("merge", "feature")
    assert people.exit_code == 4
    assert "users 2 (document)" in people.stdout
    assert "nothing was written" in people.stderr
    assert "1 conflict settled" in forked("merge", "feature", "--strategy", "theirs").stderr
    assert forked.json("diff", "main", "feature") == []


def test_into_another_branch(forked: Cli) -> None:
    load(forked, "main", '{"_id": 9}')
    assert "would apply 1 document" in forked("merge", "main", "--into", "feature", "--preview").stderr
    assert forked.json("merge", "main", "--into", "feature")["target"] == "feature"
    assert "nowhere" in forked.error(3, "merge", "nowhere")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody watches."""
    monkeypatch.setattr("argon_cli.progress.is_watched", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.usefixtures("terminal")
def test_progress_is_counted_on_a_terminal(forked: Cli) -> None:
    compared = "2 documents compared, 2 changed"
    for arguments in (["diff", "main", "feature"], ["diff", "main", "feature", "--base", "auto"]):
        shown = forked(*arguments)
        assert compared in shown.stderr, shown.stderr
        assert compared not in shown.stdout
    assert compared in forked("merge", "feature", "--preview").stderr
    assert f"{compared}, 2 changes written" in forked("merge", "feature").stderr


def test_progress_is_not_told_elsewhere(forked: Cli) -> None:
    assert forked("diff", "main", "feature", "--stat").stderr == ""
    assert forked("merge", "feature", "-o", "json").stderr == ""

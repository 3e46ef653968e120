"""``argon hook``, and merges that hooks judge."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


def test_a_stored_hook_judges_a_merge(shop: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.ok("import", shop.file("a.json", '{"_id": 1}'), "-c", "users")
    shop.ok("branch", "create", "feature")
    shop.ok("import", shop.file("b.json", '{"_id": 2}'), "-c", "users", "-b", "feature")
    script = shop.file(
        "check.py", "import sys; sys.exit('too many' if '\"id\": 2' in sys.stdin.read() else 0)"
    )
    assert "there are no hooks" in shop("hook", "list").stderr
    command = (sys.executable, str(script))
    made = shop("hook", "add", "pre-merge", "ma*", "--", *command, "--name-of-mine")
    assert "stored the hook pre-merge-1: pre-merge on ma* runs" in made.stderr
    [listed] = shop.json("hooks", "list")
    assert listed["command"] == [*command, "--name-of-mine"]
    assert "pre-merge-1" in shop.ok("hook", "list")

    assert "ARGON_RUN_HOOKS=1" in shop.error(4, "merge", "feature")
    assert "hook 'pre-merge-1': too many" in shop.error(4, "hook", "run", "feature")
    monkeypatch.setenv("ARGON_RUN_HOOKS", "1")
    assert "hook 'pre-merge-1': too many" in shop.error(4, "merge", "feature")
    assert shop.json("count", "users")["count"] == 1
    script.write_text("")
    assert "the hooks agree" in shop("hook", "run", "feature").stderr
    shop.ok("merge", "feature")
    shop.ok("hook", "remove", "pre-merge-1")
    assert "it has: none" in shop.error(3, "hook", "remove", "pre-merge-1")


def test_what_is_typed_wrong(shop: Cli) -> None:
    shop.error(2, "hook", "add", "post-merge", "main", "--", "true")
    shop.error(2, "hook", "add", "pre-merge", "main")
    shop.error(2, "hook", "add", "pre-merge", "a b", "--", "true")

"""Forking and comparing branches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


@pytest.fixture
def forked(shop: Cli) -> Cli:
    """Two branches that differ in one document of each kind."""
    shop.file("a.json", '[{"_id": 1, "n": 1, "d": {"x": 1}}, {"_id": 2}]')
    shop.ok("import", "a.json", "--collection", "users")
    assert shop.json("branch", "fork", "feature") == {
        "source": "main", "destination": "feature", "lsn": 5, "spaces": ["default"]
    }  # fmt: skip
    shop.file("b.json", '[{"_id": 3}]')
    shop.ok("import", "b.json", "--collection", "users", "-p", "shop@feature")
    return shop


def test_programs_get_the_differences_one_by_one(forked: Cli) -> None:
    expected = [
        {"kind": "added", "space": "default", "collection": "users", "id": 3, "value_b": {"_id": 3}},
    ]
    assert forked.json("diff", "main", "feature") == expected
    assert forked.json("diff", "main", "-p", "shop@feature") == expected
    assert forked.json("diff", "main", "feature", "--filter", '{"_id": 2}') == []
    removed = {"kind": "removed", "space": "default", "collection": "users"}
    assert forked.json("diff", "feature", "main") == [{**removed, "id": 3, "value_a": {"_id": 3}}]


def test_points_of_the_branch_in_use(forked: Cli) -> None:
    assert [change["kind"] for change in forked.json("diff", "main@2", "5")] == ["schema", "added", "added"]
    assert forked.json("diff", "2", "5") == forked.json("diff", "main@2", "main@5")
    assert "outside" in forked.error(3, "diff", "999999")


def test_people_read_it(forked: Cli) -> None:
    text = forked.ok("diff", "main", "feature")
    assert text.splitlines() == ["users", '  + {"_id": 3}']
    assert "users" in forked.ok("diff", "main", "feature", "--stat")
    [counts] = forked.json("diff", "main", "feature", "--stat")
    assert counts == {
        "space": "default", "collection": "users", "added": 1, "removed": 0, "modified": 0, "schema": 0
    }  # fmt: skip
    assert "nothing differs" in forked("diff", "main", "main").stderr
    assert "nowhere" in forked.error(3, "diff", "nowhere")


def test_one_document_a_line(forked: Cli) -> None:
    lines = forked.ok("diff", "main@2", "feature", "--ndjson").splitlines()
    assert [json.loads(line) for line in lines] == forked.json("diff", "main@2", "feature")
    assert len(lines) == 4
    assert forked.ok("diff", "main", "main", "--ndjson") == ""
    assert "--stat" in forked.error(2, "diff", "main", "feature", "--ndjson", "--stat")


def test_single_documents(forked: Cli) -> None:
    kinds = [
        (change["kind"], change["id"])
        for change in forked.json("diff", "main@2", "feature", "--id", "3", "--id", 1)
    ]
    assert kinds == [("added", 3), ("added", 1)]
    assert forked.json("diff", "main", "feature", "--id", '"3"') == []


def test_what_each_side_did(forked: Cli) -> None:
    forked.file("c.json", '[{"_id": 1, "n": 2, "d": {"x": 1}}]')
    forked.ok("import", "c.json", "--collection", "users", "--upsert")
    forked.file("d.json", '[{"_id": 1, "n": 3, "d": {"x": 2}}]')
    forked.ok("import", "d.json", "--collection", "users", "--upsert", "-p", "shop@feature")
    told = forked.json("diff", "main", "feature", "--base", "auto")
    about = {"kind": "document", "space": "default", "collection": "users"}
    assert told == [
        {
            **about, "side": "conflict", "id": 1,
            "base": {"_id": 1, "n": 1, "d": {"x": 1}},
            "ours": {"_id": 1, "n": 2, "d": {"x": 1}},
            "theirs": {"_id": 1, "n": 3, "d": {"x": 2}},
            "fields": [
                {"path": "n", "side": "conflict", "base": 1, "ours": 2, "theirs": 3},
                {"path": "d.x", "side": "theirs", "base": 1, "ours": 1, "theirs": 2},
            ],
        },
        {**about, "side": "theirs", "id": 3, "theirs": {"_id": 3}},
    ]  # fmt: skip
    lines = forked.ok("diff", "main", "feature", "--base", "main@5", "--ndjson").splitlines()
    assert [json.loads(line) for line in lines] == told
    assert forked.ok("diff", "main", "feature", "--base", "auto").splitlines() == [
        "users",
        "  ! 1 (conflict, 2 fields)",
        "      ! n: 1 -> ours 2, theirs 3",
        "      > d.x: 1 -> 2",
        "  > 3 (theirs)",
        "      base: (none)",
        '      theirs: {"_id": 3}',
    ]
    [counts] = forked.json("diff", "main", "feature", "--base", "auto", "--stat")
    assert counts == {
        "space": "default", "collection": "users",
        "ours": 0, "theirs": 1, "both": 0, "merged": 0, "conflict": 1, "schema": 0,
    }  # fmt: skip
    assert "outside" in forked.error(3, "diff", "main", "feature", "--base", "99999")


def test_progress_is_shown_beside_the_result(forked: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = forked.ok("diff", "main", "feature", "--ndjson")
    monkeypatch.setattr("argon_cli.progress.is_watched", lambda: True)
    assert forked.ok("diff", "main", "feature", "--ndjson") == quiet
    merged = forked("merge", "feature", "-o", "json")
    assert json.loads(merged.stdout)["documents_applied"] == 1

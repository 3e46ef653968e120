"""Forking and comparing branches."""

from __future__ import annotations

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

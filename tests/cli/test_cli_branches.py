"""What ``argon branch`` says about branches, and the tree that it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Cli


def test_a_branch_is_described_and_edited(shop: Cli) -> None:
    assert shop.json("branch", "create", "feature", "--description", "prices")["description"] == "prices"
    shop.ok("branch", "edit", "feature", "--description", "new prices", "--metadata", '{"ticket": 7}')
    shown = shop.json("branch", "show", "feature")
    assert (shown["description"], shown["metadata"]) == ("new prices", {"ticket": 7})
    assert "new prices" in shop.ok("branch", "list")
    assert "--description" in shop.error(2, "branch", "edit", "feature")
    assert "no document" in shop.error(2, "branch", "edit", "feature", "--metadata", "7")
    shop.error(3, "branch", "edit", "nope", "--description", "x")


def test_the_branches_are_drawn_as_a_tree(shop: Cli) -> None:
    shop.ok("branch", "create", "a")
    shop.ok("branch", "create", "b")
    shop.ok("branch", "create", "a1", "--parent", "a")
    drawn = shop.ok("branch", "list", "--tree")
    positions = [drawn.index(text) for text in ("main", "├─ a", "│  └─ a1", "└─ b")]
    assert positions == sorted(positions)
    tree = shop.json("branch", "list", "--tree")
    assert [child["name"] for child in tree["children"]] == ["a", "b"]
    assert tree["children"][0]["children"][0]["name"] == "a1"
    shop.error(2, "branch", "list", "--tree", "--deleted")

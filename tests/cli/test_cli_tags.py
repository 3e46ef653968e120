"""``argon tag``, and tags where a POINT is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Cli


def _lines(text: str) -> list[str]:
    return text.splitlines()


def test_tags_are_created_listed_shown_used_and_deleted(shop: Cli) -> None:
    assert shop.json("tags", "list") == []
    shop.ok("import", shop.file("a.json", '{"_id": 1}'), "--collection", "users")
    made = shop.json("--author", "ann", "tag", "create", "v1", "-m", "first")
    assert (made["branch"], made["tagger"], made["message"]) == ("main", "ann", "first")
    shop.ok("import", shop.file("b.json", '{"_id": 2}'), "--collection", "users")
    assert shop.json("tag", "create", "same", "--at", "v1")["lsn"] == made["lsn"]
    assert shop.json("tag", "create", "third", "--at", "main@v1")["lsn"] == made["lsn"]
    assert [each["name"] for each in shop.json("tag", "list")] == ["v1", "same", "third"]
    assert "first" in shop.ok("tag", "list")
    assert "name: v1" in shop.ok("tag", "show", "v1", "-o", "yaml")
    assert len(_lines(shop.ok("find", "users", "--at", "v1", "-o", "json"))) < len(
        _lines(shop.ok("find", "users", "-o", "json"))
    )
    assert shop.json("count", "users", "--at", "main@v1") == shop.json("count", "users", "--at", made["lsn"])
    assert shop.json("branch", "create", "b", "--at", "v1")["base_lsn"] == made["lsn"]
    assert shop.json("branch", "restore", "--time", "v1")["base_lsn"] == made["lsn"]
    assert "v1" in shop.error(4, "tag", "create", "v1")
    assert "LSN" in shop.error(2, "tag", "create", "42")
    shop.ok("tag", "delete", "v1")
    assert "same" in shop.error(3, "tag", "show", "v1")
    shop.error(3, "find", "users", "--at", "v1")
    shop.error(3, "tag", "delete", "v1")

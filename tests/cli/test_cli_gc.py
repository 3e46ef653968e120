"""``argon gc``, ``argon size`` and how long history is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cli


@pytest.fixture
def stocked(shop: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The project shop with a document and two past versions of it."""
    monkeypatch.setenv("ARGON_GC_GRACE", "2s")
    for number in range(3):
        shop.ok("import", shop.file("a.json", f'{{"_id": 1, "n": {number}}}'), "-c", "users", "--upsert")
    return shop


def test_what_has_expired_goes_and_is_told_of(stocked: Cli) -> None:
    assert stocked.json("gc", "--dry-run")["rows"] == 0
    assert stocked.json("project", "edit", "--retention", "0s")["retention"] == "0s"
    foretold = stocked("gc", "--dry-run")
    assert foretold.stdout == ""
    assert foretold.stderr.startswith("shop: would let go of 2 versions of documents (")
    assert stocked.json("gc")["rows"] == 2
    assert stocked("gc", "shop", "--dry-run").stderr == "shop: there is nothing to let go of\n"
    assert "has expired, except" in stocked("log").stderr
    assert "has expired" in stocked.error(3, "find", "users", "--at", "4")
    assert stocked.json("branch", "edit", "--retention", "forever")["retention"] == "forever"
    assert stocked.json("branch", "edit", "--retention", "default")["retention"] is None
    assert stocked.json("verify")["ok"]


def test_what_things_take_is_shown(stocked: Cli) -> None:
    stocked.ok("branch", "fork", "child")
    whole = stocked.json("size")
    assert [each["branch"] for each in whole["branches"]] == ["main", "child"]
    assert whole["branches"][0]["own"]["count"] == whole["branches"][1]["inherited"]["count"] == 1
    one = stocked.json("size", "main")
    assert one == whole["branches"][0]
    assert {each["collection"] for each in one["collections"]} == {"users", "(definitions)"}
    assert "child" in stocked.ok("size")
    assert "users" in stocked.ok("size", "--collections")


def test_mistakes_are_explained(shop: Cli) -> None:
    assert "'soon' is no period" in shop.error(2, "project", "edit", "--retention", "soon")
    assert "--retention" in shop.error(2, "project", "edit")
    assert "'soon' is no period" in shop.error(2, "gc", "--watch", "--every", "soon")
    shop.error(2, "gc", "--every", "1h")
    shop.error(2, "gc", "--watch", "--dry-run")
    shop.error(2, "gc", "shop", "--all")
    shop.error(3, "gc", "nope")
    shop.error(3, "size", "nope")

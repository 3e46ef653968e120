"""``argon space``, and ``--space`` where data is read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Cli

DOCUMENTS = '{"_id": 1, "n": 1}\n{"_id": 2, "n": 2}\n'


def _filled(shop: Cli) -> None:
    shop.ok("import", shop.file("runs.ndjson", DOCUMENTS), "--space", "tools")
    shop.ok("import", shop.file("users.ndjson", '{"_id": "u"}'))


def test_spaces_are_listed_shown_and_deleted(shop: Cli) -> None:
    default = {"space": "default", "collections": 0}
    assert shop.json("space", "list") == [default]
    _filled(shop)
    full = [{**default, "collections": 1}, {"space": "tools", "collections": 1}]
    assert shop.json("spaces", "ls") == full
    lsn = shop.json("log", "-n", 1)[0]["lsn"]
    shown = shop.json("space", "show", "tools")
    assert (shown["space"], shown["collections"], shown["documents"]) == ("tools", ["runs"], 2)
    assert "default" in shop.error(3, "space", "show", "nope")
    assert "--force" in shop.error(4, "space", "delete", "tools")
    gone = {"space": "tools", "branch": "main", "collections": 1}
    assert shop.json("space", "delete", "tools", "--force", "-m", "done with") == gone
    assert shop.json("log", "-n", 1)[0]["message"] == "done with"
    assert shop.json("space", "list") == [{**default, "collections": 1}]
    assert shop.json("space", "list", "--at", lsn) == full
    assert shop.json("count", "runs", "--space", "tools", "--at", lsn) == {"count": 2}
    shop.error(3, "space", "delete", "tools")
    shop.error(4, "space", "delete", "default")
    assert "a-z" in shop.error(2, "space", "delete", "Tools")


def test_data_goes_into_a_space_and_comes_out_of_it(shop: Cli) -> None:
    result = shop.json("import", shop.file("runs.ndjson", DOCUMENTS), "--space", "tools")
    assert (result["space"], result["collection"], result["imported"]) == ("tools", "runs", 2)
    shop.ok("import", shop.file("more.ndjson", '{"_id": 3}'), "--collection", "runs")
    assert shop.json("count", "runs", "--space", "tools") == {"count": 2}
    assert shop.json("count", "runs") == shop.json("count", "runs", "--space", "default") == {"count": 1}
    assert shop.json("find", "runs", '{"n": 2}', "--space", "tools") == [{"_id": 2, "n": 2}]
    out = shop.folder / "out.ndjson"
    assert shop.json("export", out, "-c", "runs", "--space", "tools")["space"] == "tools"
    assert out.read_text().count("\n") == 2
    assert "tools/runs" in shop("export", "-c", "runs", "--space", "tools").stderr
    assert "a-z" in shop.error(2, "find", "runs", "--space", "Tools")
    shop.error(2, "project", "list", "--space", "tools")


def test_what_is_not_there_is_looked_for_in_other_spaces(shop: Cli) -> None:
    _filled(shop)
    assert "--space tools" in shop("find", "runs").stderr
    assert "did you mean 'runs'" in shop("find", "run", "--space", "tools").stderr
    assert "did you mean 'tools'" in shop("find", "runs", "--space", "tool").stderr


def test_the_log_and_differences_tell_spaces_apart(shop: Cli) -> None:
    _filled(shop)
    assert {entry["space"] for entry in shop.json("log", "--space", "tools")} == {"tools"}
    assert [entry["document_id"] for entry in shop.json("log", "--space", "default", "-n", 1)] == ["u"]
    table = shop.ok("log")
    assert ("tools" in table, "default" in table) == (True, False)
    assert "insert tools/runs 1" in shop.ok("log", "--oneline")
    shop.ok("branch", "fork", "feature")
    for space in ("tools", "default"):
        shop.ok("import", shop.file("x.ndjson", "{}"), "-b", "feature", "--space", space)
    assert [change["space"] for change in shop.json("diff", "main", "feature", "--space", "tools")] == [
        "tools",
        "tools",
    ]
    assert "tools/x" in shop.ok("diff", "main", "feature")
    shop.ok("merge", "feature")
    assert shop.json("count", "x", "--space", "tools") == {"count": 1}

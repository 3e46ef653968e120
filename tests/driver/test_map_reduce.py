"""``mapReduce``, compared with the server's own."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Code

from argon.errors import UnsupportedOperation

from .parity import Faces

TAGS = Code("function() { this.tags.forEach(function(tag) { emit(tag, 1); }); }")
SUM = Code("function(key, values) { return Array.sum(values); }")
COUNT = "function(key, values) { return values.length; }"
INLINE = {"inline": 1}
WHICH = {"query": {"age": {"$gt": 22}}, "sort": {"_id": -1}, "limit": 5}

REPLIES: list[dict[str, Any]] = [
    {"map": TAGS, "reduce": SUM, "out": INLINE},
    {"map": str(TAGS), "reduce": str(SUM), "out": INLINE},
    {
        "map": TAGS,
        "reduce": SUM,
        "out": INLINE,
        "query": {"age": {"$gt": 22}},
        "sort": {"_id": -1},
        "limit": 5,
    },
    {
        "map": TAGS,
        "reduce": SUM,
        "out": INLINE,
        "finalize": "function(key, value) { return {key: key, value: value * factor}; }",
        "scope": {"factor": 3},
    },
    {
        "map": "function() { emit(this._id, null); }",
        "reduce": "function(k, v) { return v.length; }",
        "out": INLINE,
    },
    {"map": "function() { emit(null, undefined); }", "reduce": COUNT, "out": INLINE},
    {"map": "function() { emit({c: this.address.city}, this.age); }", "reduce": SUM, "out": INLINE},
    {
        "map": TAGS,
        "reduce": SUM,
        "out": INLINE,
        "collation": {"locale": "en"},
        "jsMode": True,
        "verbose": True,
    },
    {"map": TAGS, "reduce": SUM},
    {"map": TAGS, "out": INLINE},
    {"map": 1, "reduce": SUM, "out": INLINE},
    {"map": Code("function() { emit(1, x); }", {"x": 1}), "reduce": SUM, "out": INLINE},
    {"map": TAGS, "reduce": SUM, "out": {"elsewhere": 1}},
    {"map": TAGS, "reduce": SUM, "out": INLINE, "bogus": 1},
]
WRONG = [
    {"map": "function() { emit(1, 1 }", "reduce": SUM, "out": INLINE},
    {"map": "function() { emit(); }", "reduce": SUM, "out": INLINE},
    {"map": "function() { this.no.such() }", "reduce": SUM, "out": INLINE},
]


def _results(db: Any, command: dict[str, Any]) -> Any:
    reply = db.command("mapReduce", "users", **command)
    return sorted(reply["results"], key=lambda result: repr(result["_id"]))


@pytest.mark.parametrize("command", REPLIES, ids=repr)
def test_replies(reading: Faces, command: dict[str, Any]) -> None:
    reading.same(lambda db: _results(db, command))


@pytest.mark.parametrize("command", WRONG, ids=repr)
def test_functions_that_fail(reading: Faces, command: dict[str, Any]) -> None:
    reading.same(lambda db: _results(db, command), errors="class")


def test_a_missing_collection(reading: Faces) -> None:
    reading.same(lambda db: db.command("mapReduce", "none", map=TAGS, reduce=SUM, out=INLINE)["results"])


@pytest.mark.parametrize("action", ["name", "replace", "merge", "reduce"])
def test_results_in_a_collection(writing: Faces, action: str) -> None:
    def run(db: Any) -> Any:
        db.counted.drop()
        db.counted.insert_many([{"_id": "a", "value": 100.0}, {"_id": "z", "value": 1.0}])
        out = "counted" if action == "name" else {action: "counted"}
        reply = db.command("mapReduce", "users", map=TAGS, reduce=SUM, out=out)
        return [reply["result"], reply["ok"], list(db.counted.find(sort=[("_id", 1)]))]

    writing.same(run)


def test_what_it_writes_is_in_the_log(writing: Faces) -> None:
    for db in writing.views.values():
        head = db.branch.head_lsn
        db.command("mapReduce", "users", map=TAGS, reduce=SUM, out={"merge": "logged"})
        assert {entry.collection for entry in db.branch.log(limit=4)} == {"logged"}
        assert db.at(lsn=head).logged.count_documents({}) == 0
        out = {"merge": "logged", "db": db.name}
        result = db.command("mapReduce", "users", map=TAGS, reduce=SUM, out=out)["result"]
        assert result == {"db": db.name, "collection": "logged"}
        with pytest.raises(UnsupportedOperation, match="elsewhere"):
            db.command("mapReduce", "users", map=TAGS, reduce=SUM, out={"merge": "x", "db": "elsewhere"})

"""The cursor itself: PyMongo's, whatever fills it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from bson import SON
from pymongo import CursorType

from argon.errors import UnsupportedOperation

from .parity import Faces


def ids(cursor: Any) -> list[Any]:
    return [document["_id"] for document in cursor]


def test_chaining_gives_what_arguments_give(reading: Faces) -> None:
    reading.same(
        lambda db: db.users.find({"age": {"$gt": 21}}).sort("_id", -1).skip(2).limit(4).batch_size(2)
    )
    reading.same(
        lambda db: db.users.find({"age": 22}).hint("age_1").comment("x").max_time_ms(9000).sort("_id")
    )
    reading.same(lambda db: db.users.find({"name": "ANN0"}).collation({"locale": "en", "strength": 2}))
    reading.same(lambda db: db.users.find().where("this.age == 22").sort("_id", 1))
    reading.same(lambda db: db.users.find().allow_disk_use(True).sort("_id", 1))


@pytest.mark.parametrize("size", [0, 1, 2, 5, 100])
@pytest.mark.parametrize("sort", [None, [("_id", 1)]])
def test_batches_have_the_size_that_was_asked_for(reading: Faces, size: int, sort: Any) -> None:
    def sizes(db: Any) -> list[int]:
        cursor, found = db.users.find(sort=sort).batch_size(size), []
        while cursor.alive:
            cursor.next()
            found.append(len(cursor._data))
        return found

    reading.same(sizes)


def test_rewinding_begins_anew(reading: Faces) -> None:
    def read_twice(db: Any) -> Any:
        cursor = db.users.find({"age": 22}, batch_size=2).sort("_id", 1)
        first = next(cursor)
        cursor.rewind()
        return [first, *cursor, cursor.alive, cursor.retrieved]

    reading.same(read_twice)


def test_a_clone_has_not_been_read(reading: Faces) -> None:
    def clone(db: Any) -> Any:
        cursor = db.users.find({"age": 22}).sort("_id", 1).limit(3)
        used = ids(cursor)
        return [used, ids(cursor.clone()), ids(cursor)]

    reading.same(clone)


def test_indexing_and_slicing(reading: Faces) -> None:
    reading.same(lambda db: db.users.find().sort("_id", 1)[3])
    reading.same(lambda db: db.users.find().sort("_id", 1)[3:6])
    reading.same(lambda db: db.users.find().sort("_id", 1)[20:])
    reading.same(lambda db: db.users.find().sort("_id", 1).skip(3)[2])
    reading.same(lambda db: db.users.find().sort("_id", 1)[99])
    reading.same(lambda db: db.users.find()[-1])
    reading.same(lambda db: db.users.find()[:-1])
    reading.same(lambda db: db.users.find()[0:4:2])
    reading.same(lambda db: db.users.find()["x"])


def test_liveness_and_closing(reading: Faces) -> None:
    def live(db: Any) -> Any:
        cursor = db.users.find(batch_size=3).sort("_id", 1)
        states = [cursor.alive, cursor.retrieved, cursor.cursor_id]
        next(cursor)
        states += [cursor.alive, cursor.retrieved, bool(cursor.cursor_id)]
        cursor.close()
        states += [cursor.alive, ids(cursor)]
        return states

    reading.same(live)
    reading.same(
        lambda db: [ids(cursor) and cursor.alive for cursor in [db.users.find().limit(2).sort("_id", 1)]]
    )
    reading.same(lambda db: db.users.find().limit(0).sort("_id", 1).to_list())
    reading.same(lambda db: db.users.find().sort("_id", 1).to_list(3))
    reading.same(lambda db: db.users.find().sort("_id", 1).to_list(0))
    with reading.views["child"].users.find() as cursor:
        next(cursor)
    assert len(list(cursor)) == 23, "what was fetched already is still handed out"


def test_an_open_cursor_cannot_be_changed(reading: Faces) -> None:
    for change in (
        lambda cursor: cursor.sort("a"),
        lambda cursor: cursor.limit(1),
        lambda cursor: cursor.skip(1),
        lambda cursor: cursor[2],
        lambda cursor: cursor.hint("_id_"),
    ):

        def late(db: Any, change: Any = change) -> Any:
            cursor = db.users.find()
            next(cursor)
            return change(cursor)

        reading.same(late)


def test_misuse(reading: Faces) -> None:
    for view in reading.views.values():
        with pytest.raises(TypeError, match="has no len"):
            len(view.users.find())
        with pytest.raises(TypeError, match="'count' method"):
            view.users.count()
        with pytest.raises(TypeError, match="'thing' method"):
            view.users.sub.thing()
    reading.same(lambda db: bool(db.users.find()))
    reading.same(lambda db: db.users.find().sort("a", 5))
    reading.same(lambda db: db.users.find().limit("1"))
    reading.same(lambda db: db.users.find().skip(-1))
    reading.same(lambda db: db.users.find().batch_size(-1))
    reading.same(lambda db: db.users.find().where(5))
    reading.same(lambda db: db.users.find().max_await_time_ms("x"))
    reading.same(lambda db: bool(db.users))
    reading.same(lambda db: list(db.users))
    reading.same(lambda db: bool(db))


def test_distinct_of_a_cursor(reading: Faces) -> None:
    reading.same(lambda db: sorted(db.users.find({"age": 22}).distinct("address.city")))
    reading.same(lambda db: sorted(db.users.find().hint("age_1").distinct("age")))


def test_a_cursor_reads_batch_by_batch(reading: Faces) -> None:
    for view in reading.views.values():
        cursor = view.users.find(batch_size=5)
        next(cursor)
        assert cursor.retrieved == 5
        assert cursor.cursor_id
        assert len(list(cursor)) == 23
        assert cursor.retrieved == 24


def test_explain_tells_the_physical_plan(reading: Faces) -> None:
    for view in reading.views.values():
        for cursor in (view.users.find({"age": 22}), view.users.find(), view.users.find({}, {"x": "$age"})):
            assert "queryPlanner" in str(cursor.explain())


def test_explain_names_what_its_user_knows(reading: Faces) -> None:
    """As MongoDB does, it says which collection and which index are read."""
    for view in reading.views.values():
        users = view.users
        piped = {"aggregate": "users", "pipeline": [{"$match": {"age": 22}}], "hint": "age_1", "cursor": {}}
        for plan in (users.find({"age": 22}).hint("age_1").explain(), view.command("explain", piped)):
            assert _of(plan, "namespace") == {f"{view.name}.users"}
            assert not {name for name in _of(plan, "indexName") if name.startswith("ix_")}
        assert _of(users.find({"age": 22}).hint("age_1").explain(), "indexName") == {"age_1"}


def _of(plan: Any, field: str) -> set[str]:
    """Return the values of a field, wherever it stands in a plan."""
    if isinstance(plan, list):
        return set().union(*(_of(one, field) for one in plan))
    if not isinstance(plan, Mapping):
        return set()
    found = {plan[field]} if isinstance(plan.get(field), str) else set()
    return found.union(*(_of(one, field) for one in plan.values()))


@pytest.mark.parametrize(
    "arguments",
    [
        {"filter": {"age": {"$gte": 22}}, "sort": [("age", 1)]},
        {"filter": {"age": 22, "name": {"$gt": "B"}}, "projection": {"name": 1}, "hint": "age_1"},
        {"sort": [("_id", -1)], "limit": 3},
        {"hint": "age_1", "min": {"age": 21}, "max": {"age": 23}, "skip": 1, "sort": [("age", 1)]},
        {"filter": {"$query": {"_id": {"$lt": 3}}, "$orderby": {"_id": 1}, "$returnKey": True}},
    ],
    ids=repr,
)
def test_keys_of_an_index_are_shown_in_terms_of_documents(reading: Faces, arguments: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.find(**arguments, return_key=True))


def test_places_are_shown_beside_documents(reading: Faces) -> None:
    def shown(db: Any) -> Any:
        found = list(db.users.find({}, {"age": 1}, show_record_id=True, sort=[("_id", 1)]))
        places = {repr(document.pop("$recordId")) for document in found}
        return len(places), found, db.users.find_one({}, show_record_id=True).keys() >= {"_id", "$recordId"}

    reading.same(shown)


def test_what_an_aggregation_answers_has_no_places(reading: Faces) -> None:
    for view in reading.views.values():
        with pytest.raises(UnsupportedOperation, match="show_record_id"):
            list(view.users.find({}, {"older": {"$add": ["$age", 1]}}, show_record_id=True))


def test_an_exhaust_cursor_reads_everything(reading: Faces) -> None:
    reading.same(lambda db: db.users.find({"age": 22}, cursor_type=CursorType.EXHAUST).sort("_id", 1))


@pytest.mark.parametrize("kind", [CursorType.TAILABLE, CursorType.TAILABLE_AWAIT])
def test_a_tailable_cursor_needs_a_capped_collection_as_on_the_server(reading: Faces, kind: int) -> None:
    reading.same(lambda db: list(db.users.find(cursor_type=kind)), errors="code")


@pytest.mark.parametrize(
    "modifiers",
    [
        {"$orderby": {"_id": -1}},
        {"$orderby": SON([("name", 1), ("_id", -1)]), "$comment": "x", "$maxTimeMS": 9000},
        {"$hint": {"age": 1}, "$orderby": {"_id": 1}},
        {"$hint": {"no": 1}},
        {"$orderby": True},
        {"$query": 5},
        {"$unheard": 1},
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["users", "nothing"])
def test_modifiers_in_the_filter(reading: Faces, modifiers: dict[str, Any], name: str) -> None:
    asked = {"$query": {"age": {"$gt": 21}}, **modifiers}
    reading.same(lambda db: list(db[name].find(asked)), errors="code")
    reading.same(lambda db: list(db[name].find({**asked, **modifiers}, sort=[("_id", 1)])), errors="code")

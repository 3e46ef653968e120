"""Index definitions: what is taken, what is refused, how they are described, and that they serve."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING, GEO2D, GEOSPHERE, HASHED, TEXT, IndexModel
from pymongo.collation import Collation
from pymongo.errors import OperationFailure

from argon import WALDatabase
from argon.errors import UnsupportedOperation

from .parity import Document, Faces
from .shop import USERS

DEFINITIONS: list[dict[str, Any]] = [
    {"keys": "name"},
    {"keys": [("name", DESCENDING)]},
    {"keys": ["name", "boss"]},
    {"keys": {"name": 1, "boss": -1}},
    {"keys": [("name", ASCENDING), ("boss", DESCENDING)], "name": "mine"},
    {"keys": "address.city", "sparse": True},
    {"keys": "tags"},
    {"keys": [("tags", 1), ("boss", 1)]},
    {"keys": "name", "unique": True},
    {"keys": "name", "partialFilterExpression": {"age": {"$gt": 22}}},
    {"keys": "name", "collation": Collation("en", strength=2)},
    {"keys": "joined", "expireAfterSeconds": 10**8},
    {"keys": [("name", HASHED)]},
    {"keys": [("home", GEOSPHERE)]},
    {"keys": [("flat", GEO2D)], "min": -500, "max": 500},
    {"keys": [("home", GEOSPHERE), ("boss", 1)]},
    {"keys": "$**"},
    {"keys": [("$**", 1)], "wildcardProjection": {"address": 1}},
    {"keys": "address.$**"},
    {"keys": "name", "hidden": True},
    {"keys": "name", "background": True},
    {"keys": "_id"},
    {"keys": "_id", "name": "other"},
    {"keys": [("_id", -1)]},
    {"keys": "age"},
    {"keys": "age", "name": "other"},
    {"keys": "age", "unique": True},
    {"keys": "boss", "name": "age_1"},
    {"keys": "boss", "name": "_id_"},
    {"keys": "boss", "name": ""},
    {"keys": []},
    {"keys": 5},
    {"keys": [("name", 0)]},
    {"keys": [("name", "foo")]},
    {"keys": [("", 1)]},
    {"keys": [("a..b", 1)]},
    {"keys": [("$a", 1)]},
    {"keys": [("name", HASHED)], "unique": True},
    {"keys": "age", "unknown": 1},
    {"keys": "name", "partialFilterExpression": {"age": {"$foo": 1}}},
    {"keys": "name", "partialFilterExpression": {"age": {"$ne": 1}}},
    {"keys": "name", "partialFilterExpression": 5},
    {"keys": "name", "partialFilterExpression": {"age": 1}, "sparse": True},
    {"keys": [("$**", 1)], "unique": True},
    {"keys": [("name", 1), ("name", -1)]},
    {"keys": "name", "collation": {"locale": "nowhere"}},
    {"keys": "name", "unique": "yes"},
]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=repr)
def test_a_definition(writing: Faces, definition: dict[str, Any]) -> None:
    writing.same(lambda db: db.users.create_index(**definition), errors="code")
    writing.same(lambda db: db.users.index_information())
    writing.same(lambda db: db.users.list_indexes())
    writing.same(lambda db: db.users.create_index(**definition), errors="code")


@pytest.mark.parametrize("definition", DEFINITIONS[:21], ids=repr)
def test_a_definition_on_nothing_makes_the_collection(writing: Faces, definition: dict[str, Any]) -> None:
    writing.same(lambda db: db.fresh.create_index(**definition), errors="code")
    writing.same(lambda db: db.fresh.index_information())
    writing.same(lambda db: sorted(db.list_collection_names()))


@pytest.mark.parametrize(
    "definition",
    [
        {"keys": [("about", TEXT)], "default_language": "english"},
        {"keys": [("about", TEXT), ("name", TEXT)], "weights": {"name": 5}},
        {"keys": [("boss", 1), ("about", TEXT), ("name", -1)]},
        {"keys": [("$**", TEXT)], "default_language": "none"},
        {"keys": [("about", TEXT)], "language_override": "tongue"},
        {"keys": [("about", TEXT)], "default_language": "klingon"},
    ],
    ids=repr,
)
def test_a_text_index(empty: Faces, definition: dict[str, Any]) -> None:
    empty.same(lambda db: len(db.texts.insert_many([{**user} for user in USERS]).inserted_ids))
    empty.same(lambda db: db.texts.create_index(**definition), errors="code")
    empty.same(lambda db: db.texts.index_information())
    score = {"score": {"$meta": "textScore"}}
    for query in ({"$text": {"$search": "cats"}}, {"boss": 1, "$text": {"$search": "likes -dogs"}}):
        empty.same(lambda db, query=query: db.texts.find(query, score).sort("_id", 1), errors="code")
    empty.same(lambda db: db.texts.create_index([("other", TEXT)]), errors="code")


def test_branches_share_the_one_text_index_that_there_can_be(empty: Faces) -> None:
    main = empty.views["main"]
    main.users.insert_many([{**user} for user in USERS])
    child = WALDatabase(empty.project.create_branch("another"))
    child.users.create_index([("about", TEXT)])
    main.users.create_index([("about", TEXT)])
    main.users.drop_index("about_text")
    with pytest.raises(OperationFailure, match="over all branches"):
        main.users.create_index([("name", TEXT)])
    child.users.drop_index("about_text")
    main.users.create_index([("name", TEXT)])
    assert main.users.count_documents({"$text": {"$search": "Ann6"}}) == 1


def test_a_dropped_index_still_serves_the_past(writing: Faces) -> None:
    for view in writing.views.values():
        lsn = view.branch.head_lsn
        view.users.drop_index("age_1")
        past = view.at(lsn=lsn)
        assert "age_1" in past.users.index_information()
        assert len(list(past.users.find({"age": 22}).hint("age_1"))) == view.users.count_documents(
            {"age": 22}
        )
        with pytest.raises(OperationFailure, match="hint"):
            view.users.find_one({"age": 22}, hint="age_1")


def test_several_at_once(writing: Faces) -> None:
    writing.same(
        lambda db: db.users.create_indexes([IndexModel("name"), IndexModel([("boss", -1)], name="b")])
    )
    writing.same(
        lambda db: db.users.create_indexes([IndexModel("tags"), IndexModel("flat", name="b")]), errors="code"
    )
    writing.same(lambda db: db.users.create_indexes([IndexModel("age", unique=True)]), errors="code")
    writing.same(lambda db: db.users.create_indexes([]))
    writing.same(lambda db: db.users.create_indexes({}))
    writing.same(lambda db: db.users.create_indexes(["name"]))
    writing.same(lambda db: db.users.create_indexes([IndexModel("x"), IndexModel("x")]), errors="class")
    writing.same(lambda db: db.users.index_information())


def test_dropping(writing: Faces) -> None:
    writing.same(
        lambda db: db.users.create_indexes([IndexModel("name"), IndexModel([("boss", -1)], name="b")])
    )
    writing.same(lambda db: db.users.drop_index("none"), errors="code")
    writing.same(lambda db: db.users.drop_index("_id_"), errors="code")
    writing.same(lambda db: db.users.drop_index([("_id", 1)]), errors="code")
    writing.same(lambda db: db.users.drop_index([("none", 1)]), errors="code")
    writing.same(lambda db: db.users.drop_index("b"))
    writing.same(lambda db: db.users.drop_index([("name", 1)]))
    writing.same(lambda db: db.users.index_information())
    writing.same(lambda db: db.none.drop_index("x"), errors="code")
    writing.same(lambda db: db.none.drop_indexes())
    writing.same(lambda db: db.users.drop_indexes())
    writing.same(lambda db: db.users.index_information())
    writing.same(lambda db: db.users.create_index("age"))


def test_indexes_are_a_branchs_own(writing: Faces) -> None:
    main, child = writing.views["main"], writing.views["child"]
    lsn = main.branch.head_lsn
    child.users.create_index("name")
    child.users.drop_index("age_1")
    assert set(main.users.index_information()) == {"_id_", "age_1"}
    assert set(child.users.index_information()) == {"_id_", "name_1"}
    assert set(main.at(lsn=lsn).users.index_information()) == {"_id_", "age_1"}
    assert len(list(main.users.find({"age": 22}, hint="age_1"))) == len(list(child.users.find({"age": 22})))
    main.users.drop_index("age_1")
    assert main.users.count_documents({"age": 22}) == main.at(lsn=lsn).users.count_documents({"age": 22})
    main.users.create_index("age")


@pytest.mark.parametrize(
    ("definition", "query"),
    [
        ({"keys": "tags"}, {"tags": "a"}),
        ({"keys": "marks.n"}, {"marks.n": {"$gt": 40}}),
        ({"keys": [("name", HASHED)]}, {"name": "Ann6"}),
        ({"keys": "$**"}, {"address.city": "Graz"}),
        ({"keys": "boss", "sparse": True}, {"boss": {"$gt": 3}}),
        ({"keys": "boss", "sparse": True}, {"boss": None}),
        (
            {"keys": "name", "partialFilterExpression": {"age": {"$gt": 22}}},
            {"name": {"$gt": "a"}, "age": {"$gt": 23}},
        ),
        ({"keys": "name", "partialFilterExpression": {"age": {"$gt": 22}}}, {"name": {"$gt": "a"}}),
        ({"keys": [("home", GEOSPHERE)]}, {"home": {"$geoWithin": {"$centerSphere": [[0.5, 48.2], 0.01]}}}),
        ({"keys": [("flat", GEO2D)]}, {"flat": {"$near": [1, 48]}}),
        ({"keys": "name", "hidden": True}, {"name": "Ann6"}),
    ],
    ids=repr,
)
def test_an_index_changes_no_answer(writing: Faces, definition: dict[str, Any], query: Document) -> None:
    writing.same(lambda db: db.users.create_index(**definition))
    writing.same(lambda db: db.users.find(query), ordered=False)
    writing.same(lambda db: db.users.find(query).sort([("name", 1), ("_id", 1)]))
    writing.same(lambda db: db.users.count_documents({"age": 22, **query}), errors="code")


def test_an_index_with_a_collation_serves_queries_with_it(writing: Faces) -> None:
    english = {"locale": "en", "strength": 2}
    writing.same(lambda db: db.users.create_index("name", collation=english))
    writing.same(lambda db: db.users.find({"name": "ANN6"}).collation(english))
    writing.same(lambda db: db.users.find({"name": {"$gt": "c"}}).collation(english).sort("name", 1))
    writing.same(lambda db: db.users.find({"name": "ANN6"}))


def test_a_field_of_rows_cannot_name_the_language(empty: Faces) -> None:
    for view in empty.views.values():
        with pytest.raises(UnsupportedOperation, match="another name"):
            view.texts.create_index([("a", TEXT)], language_override="s")

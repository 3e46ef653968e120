"""Views: stored pipelines that are read as collections are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Make
from .parity import Document, Faces, with_past
from .shop import ORDERS, USERS

BY_ID: Document = {"$sort": {"_id": 1}}
ORDER: Document = {"$set": {"o": {"$sortArray": {"input": "$o._id", "sortBy": 1}}}}
# Where a join does not sort, the order in the array is not defined.
ARRAYS: Document = {
    "$set": {name: {"$sortArray": {"input": f"${name}", "sortBy": {"_id": 1, "n": 1}}} for name in ("y", "g")}
}
YOUNG: list[Document] = [
    {"$match": {"age": {"$lt": 23}}},
    {"$project": {"name": 1, "age": 1, "boss": 1, "marks": 1}},
]


@pytest.fixture(scope="module")
def views(make_faces: Make) -> Faces:
    faces = make_faces(users=USERS, orders=ORDERS)
    for database in (faces.plain, *faces.views.values()):
        database.create_collection("young", viewOn="users", pipeline=YOUNG)
        database.create_collection("youngest", viewOn="young", pipeline=[{"$match": {"age": 20}}])
        database.create_collection(
            "buyers",
            viewOn="users",
            pipeline=[
                {"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "orders"}},
                {"$match": {"orders.0": {"$exists": True}}},
                {"$project": {"n": {"$size": "$orders"}}},
            ],
        )
        database.create_collection("english", viewOn="users", collation={"locale": "en", "strength": 2})
        database.create_collection("all", viewOn="users")
        database.create_collection("ghost", viewOn="nothing", pipeline=[{"$match": {}}])
        database.create_collection(
            "flat", viewOn="orders", pipeline=[{"$unwind": "$items"}, {"$set": {"n": "$items.n"}}]
        )
    return with_past(faces)


FINDS: list[dict[str, Any]] = [
    {},
    {"filter": {"age": 21}},
    {"filter": {"_id": 7}},
    {"filter": {"age": {"$gt": 20}}, "projection": {"name": 1}, "skip": 1, "limit": 3},
    {"filter": {"marks.s": "y"}, "projection": {"twice": {"$multiply": ["$age", 2]}}},
    {"projection": {"marks": {"$slice": 1}}},
    {"projection": {"marks": {"$elemMatch": {"s": "y"}}}},
    {"filter": {"marks.s": "y"}, "projection": {"marks.$": 1}},
    {"filter": {"$where": "true"}},
    {"filter": {"age": {"$foo": 1}}},
    {"hint": "_id_"},
    {"collation": {"locale": "en", "strength": 2}, "filter": {"name": "ANN0"}},
    {"batch_size": 2, "max_time_ms": 10_000, "comment": "x"},
]

PIPELINES: list[tuple[str, list[Document]]] = [
    ("young", [{"$match": {"age": 21}}, {"$count": "n"}]),
    ("young", [{"$group": {"_id": "$age", "n": {"$sum": 1}}}, BY_ID]),
    (
        "young",
        [
            {"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "o"}},
            BY_ID,
            ORDER,
        ],
    ),
    (
        "users",
        [
            {"$lookup": {"from": "young", "localField": "boss", "foreignField": "_id", "as": "y"}},
            BY_ID,
            ARRAYS,
        ],
    ),
    (
        "users",
        [
            {"$lookup": {"from": "young", "localField": "none", "foreignField": "boss", "as": "y"}},
            BY_ID,
            ARRAYS,
        ],
    ),
    (
        "users",
        [
            {"$lookup": {"from": "young", "localField": "tags", "foreignField": "name", "as": "y"}},
            BY_ID,
            ARRAYS,
        ],
    ),
    (
        "users",
        [
            {"$lookup": {"from": "young", "localField": "marks.n", "foreignField": "marks.n", "as": "y"}},
            BY_ID,
            ARRAYS,
        ],
    ),
    (
        "users",
        [{"$lookup": {"from": "flat", "localField": "_id", "foreignField": "n", "as": "y"}}, BY_ID, ARRAYS],
    ),
    (
        "users",
        [{"$lookup": {"from": "youngest", "pipeline": [BY_ID, {"$limit": 2}], "as": "y"}}, BY_ID, ARRAYS],
    ),
    (
        "users",
        [
            {
                "$lookup": {
                    "from": "buyers",
                    "localField": "_id",
                    "foreignField": "_id",
                    "let": {"least": "$age"},
                    "pipeline": [{"$match": {"$expr": {"$lt": ["$n", "$$least"]}}}],
                    "as": "b",
                }
            },
            BY_ID,
        ],
    ),
    ("users", [{"$match": {"age": 22}}, {"$unionWith": "youngest"}, {"$sort": {"_id": 1, "age": 1}}]),
    (
        "users",
        [
            {"$match": {"age": 22}},
            {"$unionWith": {"coll": "buyers", "pipeline": [{"$match": {"n": 3}}]}},
            BY_ID,
        ],
    ),
    ("young", [{"$unionWith": "young"}, {"$group": {"_id": "$_id", "n": {"$sum": 1}}}, BY_ID]),
    (
        "users",
        [
            {
                "$facet": {
                    "a": [{"$lookup": {"from": "youngest", "pipeline": [BY_ID], "as": "y"}}, {"$count": "n"}]
                }
            }
        ],
    ),
    ("ghost", [{"$count": "n"}]),
    (
        "users",
        [
            {"$lookup": {"from": "ghost", "localField": "_id", "foreignField": "_id", "as": "g"}},
            BY_ID,
            ARRAYS,
        ],
    ),
    ("young", [{"$indexStats": {}}]),
    ("young", [{"$foo": 1}]),
    ("young", [{"$geoNear": {"near": [1, 1], "distanceField": "x"}}]),
]

WRITES: list[Callable[[Any], Any]] = [
    lambda view: view.insert_one({"_id": "x"}),
    lambda view: view.insert_many([{"_id": "x"}, {"_id": "y"}]),
    lambda view: view.insert_many([{"_id": "x"}, {"_id": "y"}], ordered=False),
    lambda view: view.update_one({"_id": 0}, {"$set": {"x": 1}}),
    lambda view: view.update_many({}, {"$set": {"x": 1}}),
    lambda view: view.replace_one({"_id": 0}, {"x": 1}, upsert=True),
    lambda view: view.delete_one({"_id": 0}),
    lambda view: view.delete_many({}),
    lambda view: view.find_one_and_update({"_id": 0}, {"$set": {"x": 1}}),
    lambda view: view.find_one_and_delete({"_id": 0}),
    lambda view: view.update_one({}, {"$set": {"x": 1}, "$inc": {"x": 1}}),
    lambda view: view.delete_one({"$unknown": 1}),
    lambda view: view.find_one_and_update({}, {"$set": {"x": 1}, "$inc": {"x": 1}}),
    lambda view: view.find_one_and_update({"$unknown": 1}, {"$set": {"x": 1}}),
    lambda view: view.find_one_and_replace({}, {"x": 1}, projection={"a": 1, "b": 0}),
    lambda view: view.find_one_and_delete({"$unknown": 1}),
    lambda view: view.find_one_and_delete({}, projection={"a": 1, "b": 0}),
    lambda view: view.create_index("x"),
    lambda view: view.drop_index("x_1"),
    lambda view: view.rename("else"),
]


@pytest.mark.parametrize("arguments", FINDS, ids=repr)
def test_finding_in_a_view(views: Faces, arguments: dict[str, Any]) -> None:
    for name in ("young", "youngest", "english", "all", "ghost"):
        views.same(lambda db, name=name: db[name].find(**arguments).sort("_id", 1), errors="code")


@pytest.mark.parametrize(("name", "pipeline"), PIPELINES, ids=repr)
def test_aggregating_views(views: Faces, name: str, pipeline: list[Document]) -> None:
    views.same(lambda db: db[name].aggregate(pipeline), errors="code")


def test_counting_and_distinct(views: Faces) -> None:
    for name in ("young", "buyers", "english", "ghost"):
        views.same(lambda db, name=name: db[name].count_documents({}))
        views.same(lambda db, name=name: db[name].count_documents({"age": 21}, limit=1))
        views.same(lambda db, name=name: db[name].estimated_document_count())
        views.same(lambda db, name=name: db[name].distinct("age"), ordered=False)
        views.same(lambda db, name=name: db[name].distinct("marks.s", {"age": 21}), ordered=False)
    views.same(lambda db: db.buyers.distinct("n"), ordered=False)


def test_a_default_collation_of_a_view(views: Faces) -> None:
    views.same(lambda db: db.english.find({"name": "ANN0"}))
    views.same(lambda db: db.english.count_documents({"name": "ANN0"}))


@pytest.mark.parametrize("write", WRITES)
def test_a_view_is_not_written_to(views: Faces, write: Callable[[Any], Any]) -> None:
    views.same(lambda db: write(db.young), among=["main", "child"])


def test_views_are_described_and_dropped(writing: Faces) -> None:
    def kinds(db: Any) -> Any:
        infos = [info for info in db.list_collections() if info["name"] != "system.views"]
        return sorted(
            (info["name"], info["type"], info["options"], info["info"]["readOnly"]) for info in infos
        )

    writing.same(lambda db: db.create_collection("seen", viewOn="users", pipeline=YOUNG))
    writing.same(kinds)
    writing.same(lambda db: db.seen.options())
    writing.same(lambda db: db.seen.list_indexes(), errors="code")
    writing.same(lambda db: db.create_collection("seen", viewOn="users"))
    writing.same(lambda db: db.create_collection("loop", viewOn="loop"), errors="code")
    writing.same(
        lambda db: db.create_collection("bad", viewOn="users", pipeline=[{"$foo": 1}]), errors="code"
    )
    writing.same(
        lambda db: db.create_collection("bad", viewOn="users", pipeline=[{"$out": "x"}]), errors="code"
    )
    writing.same(lambda db: db.create_collection("bad", viewOn="users", pipeline=1), errors="code")
    writing.same(lambda db: db.create_collection("bad", pipeline=[]), errors="code")
    writing.same(lambda db: db.seen.drop())
    writing.same(kinds)


def test_a_view_follows_its_collection(writing: Faces) -> None:
    writing.same(lambda db: db.create_collection("seen", viewOn="users", pipeline=YOUNG))
    writing.same(lambda db: db.users.insert_one({"_id": "new", "age": 20}))
    writing.same(lambda db: db.seen.find({"age": 20}), ordered=False)
    child = writing.views["child"]
    grandchild = writing.project.create_branch(f"of-{child.branch.name}", parent=child.branch)
    from argon import WALDatabase

    assert WALDatabase(grandchild).seen.count_documents({}) == child.seen.count_documents({})

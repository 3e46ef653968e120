"""Unique indexes hold over a branch's own and its inherited documents together."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import IndexModel, InsertOne, UpdateMany, UpdateOne
from pymongo.errors import DuplicateKeyError

from .conftest import Make
from .parity import Document, Faces

PEOPLE: list[Document] = [
    {"_id": n, "mail": f"m{n}", "team": n % 2, "rank": n, "tags": [f"t{n}", f"u{n}"], "nick": f"N{n}"}
    for n in range(8)
]
INDEXES = [
    IndexModel("mail", unique=True),
    IndexModel([("team", 1), ("rank", 1)], unique=True, name="place"),
    IndexModel("tags", unique=True),
    IndexModel("phone", unique=True, sparse=True),
    IndexModel("desk", unique=True, partialFilterExpression={"desk": {"$gt": 0}}),
    IndexModel("nick", unique=True, collation={"locale": "en", "strength": 2}),
]


@pytest.fixture(scope="module")
def _people(make_faces: Make) -> Faces:
    return make_faces({"people": INDEXES}, people=PEOPLE)


@pytest.fixture
def people(_people: Faces) -> Faces:
    _people.restore("people", PEOPLE)
    return _people


def person(number: int, **fields: Any) -> Document:
    return {
        "_id": number,
        "mail": f"m{number}",
        "rank": number,
        "tags": [f"t{number}"],
        "nick": f"N{number}",
        **fields,
    }


WRITES: list[Any] = [
    lambda c: c.insert_one(person(20, mail="m0")),
    lambda c: c.insert_one(person(20, mail="m3")),
    lambda c: c.insert_one(person(20, team=0, rank=4)),
    lambda c: c.insert_one(person(20, team=1, rank=4)),
    lambda c: c.insert_one(person(20, tags=["new", "u2"])),
    lambda c: c.insert_one(person(20, tags=["twice", "twice"])),
    lambda c: c.insert_one({"_id": 20, "tags": [], "nick": "x", "rank": 99}),
    lambda c: (c.insert_one({"_id": 20}), c.insert_one({"_id": 21})),
    lambda c: (c.insert_one(person(20)), c.insert_one(person(21))),
    lambda c: (c.insert_one(person(20, phone=1)), c.insert_one(person(21, phone=1.0))),
    lambda c: (c.insert_one(person(20, phone=Int64(1))), c.insert_one(person(21, phone=Decimal128("1")))),
    lambda c: (c.insert_one(person(20, phone=None)), c.insert_one(person(21, phone=None))),
    lambda c: (c.insert_one(person(20, desk=5)), c.insert_one(person(21, desk=5))),
    lambda c: (c.insert_one(person(20, desk=-5)), c.insert_one(person(21, desk=-5))),
    lambda c: c.insert_many([person(20), person(21, mail="m1"), person(22)]),
    lambda c: c.insert_many([person(20), person(21, mail="m1"), person(22)], ordered=False),
    lambda c: c.insert_many([person(20), person(21, mail="m20"), person(22)], ordered=False),
    lambda c: c.update_one({"_id": 2}, {"$set": {"mail": "m0"}}),
    lambda c: c.update_one({"_id": 2}, {"$set": {"mail": "m2"}}),
    lambda c: c.update_one({"_id": 3}, {"$set": {"mail": "m6"}}),
    lambda c: c.update_one({"_id": 2}, {"$set": {"rank": 6}}),
    lambda c: c.update_one({"_id": 2}, {"$push": {"tags": "t5"}}),
    lambda c: c.update_one({"_id": 2}, [{"$set": {"mail": {"$concat": ["m", "0"]}}}]),
    lambda c: c.update_one({"_id": 2}, {"$unset": {"mail": 1}}),
    lambda c: c.update_many({"_id": {"$in": [2]}}, {"$set": {"mail": "m0"}}),
    lambda c: c.update_many({"_id": {"$gt": 1}}, {"$set": {"mail": "same"}}),
    lambda c: c.update_many({"_id": {"$gt": 1}}, {"$set": {"mail": "m0"}}),
    lambda c: c.update_many({"_id": 30}, {"$set": {"mail": "m0"}}, upsert=True),
    lambda c: c.update_many({}, {"$unset": {"nothing": 1}}),
    lambda c: c.update_many({}, {"$inc": {"rank": 100}}),
    lambda c: c.update_one({"_id": 30}, {"$set": {"mail": "m0"}}, upsert=True),
    lambda c: c.update_one({"mail": "m0", "x": 1}, {"$set": {"y": 1}}, upsert=True),
    lambda c: c.update_one({"mail": "m0"}, {"$set": {"y": 1}}, upsert=True),
    lambda c: c.replace_one({"_id": 2}, {"mail": "m0", "tags": ["q"], "nick": "q"}),
    lambda c: c.replace_one({"_id": 30}, {"mail": "m0"}, upsert=True),
    lambda c: c.find_one_and_update({"_id": 2}, {"$set": {"mail": "m0"}}),
    lambda c: c.find_one_and_replace({"_id": 2}, {"mail": "m5", "nick": "q"}),
    lambda c: c.bulk_write([InsertOne(person(20)), UpdateOne({"_id": 2}, {"$set": {"mail": "m20"}})]),
    lambda c: c.bulk_write(
        [UpdateOne({"_id": n}, {"$set": {"mail": "same"}}) for n in (1, 2, 3)], ordered=False
    ),
    lambda c: c.bulk_write(
        [UpdateOne({"_id": 1}, {"$set": {"mail": "x"}}), UpdateOne({"_id": 2}, {"$set": {"mail": "m1"}})]
    ),
    lambda c: c.bulk_write([UpdateMany({"team": 1}, {"$set": {"mail": "same"}}), InsertOne(person(20))]),
    lambda c: c.bulk_write(
        [UpdateMany({"team": 1}, {"$set": {"mail": "same"}}), InsertOne(person(20))], ordered=False
    ),
    lambda c: (c.delete_one({"_id": 2}), c.insert_one(person(20, mail="m2"))),
    lambda c: (c.delete_one({"_id": 3}), c.update_one({"_id": 4}, {"$set": {"mail": "m3"}})),
    lambda c: (c.update_one({"_id": 2}, {"$set": {"mail": "free"}}), c.insert_one(person(20, mail="m2"))),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_against_unique_indexes(people: Faces, write: Any) -> None:
    people.same(lambda db: write(db.people))
    people.same_documents("people")


def test_a_key_that_a_collation_makes_equal(people: Faces) -> None:
    people.same(lambda db: db.people.insert_one(person(20, nick="n3")), errors="code")
    people.same(lambda db: db.people.update_one({"_id": 2}, {"$set": {"nick": "n3"}}), errors="code")
    people.same(lambda db: db.people.update_one({"_id": 2}, {"$set": {"nick": "n2"}}), errors="code")
    people.same_documents("people")


def test_an_index_over_documents_that_are_alike_is_refused(people: Faces) -> None:
    for keys, options in (
        ("team", {}),
        ([("team", 1), ("x", 1)], {}),
        ("missing", {}),
        ("missing", {"sparse": True}),
        ("team", {"partialFilterExpression": {"rank": {"$gt": 6}}}),
        ("team", {"partialFilterExpression": {"rank": {"$gt": 4}}}),
    ):
        people.same(
            lambda db, keys=keys, options=options: db.people.create_index(
                keys, unique=True, name="new", **options
            ),
            errors="code",
        )
        for database in (people.plain, *people.views.values()):
            if "new" in database.people.index_information():
                database.people.drop_index("new")


def test_branches_do_not_disturb_one_another(people: Faces) -> None:
    main, child = people.views["main"], people.views["child"]
    main.people.insert_one(person(40, mail="both"))
    child.people.insert_one(person(40, mail="both"))
    main.people.update_one({"_id": 2}, {"$set": {"mail": "taken"}})
    child.people.update_one({"_id": 3}, {"$set": {"mail": "taken"}})
    main.people.delete_one({"_id": 4})
    with pytest.raises(DuplicateKeyError):
        child.people.insert_one(person(41, mail="m4"))
    main.people.insert_one(person(41, mail="m4"))


def test_a_key_of_the_past_is_free(people: Faces) -> None:
    for view in people.views.values():
        lsn = view.branch.head_lsn
        view.people.delete_one({"_id": 2})
        view.people.insert_one(person(2, mail="m2", team=0, rank=2))
        assert view.at(lsn=lsn).people.find_one({"mail": "m2"})["team"] == 0
        view.people.insert_one(person(50, mail="fifty"))
        with pytest.raises(DuplicateKeyError) as caught:
            view.people.insert_one(person(51, mail="fifty"))
        assert caught.value.details["keyValue"] == {"mail": "fifty"}


def test_a_group_is_checked_as_a_whole(people: Faces) -> None:
    for view in people.views.values():
        with view.commit("swap two") as group:
            group.people.update_one({"_id": 1}, {"$set": {"mail": "between"}})
            group.people.update_one({"_id": 2}, {"$set": {"mail": "m1"}})
            group.people.update_one({"_id": 1}, {"$set": {"mail": "m2"}})
        assert [view.people.find_one(n)["mail"] for n in (1, 2)] == ["m2", "m1"]
        before = view.branch.head_lsn
        with pytest.raises(DuplicateKeyError), view.commit() as group:
            group.people.insert_one(person(60, mail="sixty"))
            group.people.insert_one(person(61, mail="sixty"))
        assert view.branch.head_lsn == before

"""All cases of the three-way table on a server, by every strategy, with and without deletions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bson
from bson import Decimal128, Int64, ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne

from argon import Branch, Project, WALDatabase
from argon.merging.plan import MergePlan
from argon.merging.results import ConflictEntry, MergeInfo

from .three_way import DEFINITIONS, DOCUMENTS, FIELDS, GONE, Again, Collide, Defined, Row

Database = WALDatabase[dict[str, Any]]
CASES = [*DOCUMENTS, *FIELDS]
OUTCOMES = [(strategy, deletes) for strategy in ("ours", "theirs") for deletes in (True, False)]


def expected(row: Row, strategy: str, *, deletes: bool) -> Any:
    becomes = row.becomes if deletes or row.undeleted == "the same" else row.undeleted
    return getattr(becomes, strategy) if isinstance(becomes, Collide) else becomes


def collisions(rows: list[Row], *, deletes: bool) -> set[tuple[int, str]]:
    found = set()
    for number, row in enumerate(rows):
        becomes = row.becomes if deletes or row.undeleted == "the same" else row.undeleted
        if isinstance(becomes, Collide):
            found |= {(number, path) for path in becomes.paths}
    return found


def conflicts_of(target: Branch, *, deletes: bool) -> list[ConflictEntry]:
    plan = target.merge("feature", preview=True, propagate_deletes=deletes)
    assert isinstance(plan, MergePlan)
    return plan.conflicts


def steps(number: int, before: Any, after: Any) -> list[Any]:
    """Return what makes a document of one state be in another."""
    found: list[Any] = []
    if isinstance(after, Again):
        if before is not GONE:
            found.append(DeleteOne({"_id": number}))
        found.append(InsertOne({"_id": number, **(after.fields or {"while": 1})}))
        return found if after.fields is not None else [*found, DeleteOne({"_id": number})]
    if after is GONE:
        return [] if before is GONE else [DeleteOne({"_id": number})]
    if before is GONE:
        return [InsertOne({"_id": number, **after})]
    return [] if bson.encode(before) == bson.encode(after) else [ReplaceOne({"_id": number}, after)]


def test_documents_and_their_fields(project: Project, main: Branch, db: Database) -> None:
    db.docs.insert_many([{"_id": n, **row.base} for n, row in enumerate(CASES) if row.base is not GONE])
    main.fork("feature")
    theirs: Database = WALDatabase(project.branch("feature"))
    db.docs.bulk_write([step for n, row in enumerate(CASES) for step in steps(n, row.base, row.ours)])
    theirs.docs.bulk_write([step for n, row in enumerate(CASES) for step in steps(n, row.base, row.theirs)])
    for deletes in (True, False):
        conflicts = conflicts_of(main, deletes=deletes)
        assert {(each.id, each.path) for each in conflicts} == collisions(CASES, deletes=deletes)
    for strategy, deletes in OUTCOMES:
        name = f"{strategy}-{deletes}"
        main.fork(name)
        target = project.branch(name)
        info = target.merge("feature", strategy, propagate_deletes=deletes)
        assert isinstance(info, MergeInfo)
        assert len(info.resolved) == len(collisions(CASES, deletes=deletes))
        found = {document["_id"]: document for document in WALDatabase(target).docs.find()}
        for number, row in enumerate(CASES):
            fields = expected(row, strategy, deletes=deletes)
            document = found.get(number)
            # As bytes, which tell types and the order of fields.
            told = None if document is None else bson.encode(document)
            assert told == (None if fields is GONE else bson.encode({"_id": number, **fields})), (name, row)
    assert project.verify().ok


IDS = [1, Int64(2), "x", ObjectId(), None, {"b": 1, "a": {"x": Int64(1)}}, 2.5, Decimal128("7"), b"raw", True]


def encoded(values: Iterable[Any]) -> list[bytes]:
    return sorted(bson.encode({"": value}) for value in values)


def test_ids_of_every_type(project: Project, main: Branch, db: Database) -> None:
    db.docs.insert_many([{"_id": each, "n": 0, "m": 0} for each in IDS])
    main.fork("feature")
    theirs: Database = WALDatabase(project.branch("feature"))
    db.docs.update_many({}, {"$set": {"n": 1}})
    theirs.docs.update_many({}, {"$set": {"m": 2}})
    main.merge("feature")
    assert encoded(document["_id"] for document in db.docs.find({"n": 1, "m": 2})) == encoded(IDS)
    db.docs.update_many({}, {"$set": {"n": 3}})
    theirs.docs.update_many({}, {"$set": {"n": 4}})
    assert encoded(each.id for each in conflicts_of(main, deletes=True)) == encoded(IDS)
    # An _id of another type that equals the old one is the same document's.
    for database, identity in ((db, 2.0), (theirs, 1.0)):
        database.docs.delete_one({"_id": identity})
        database.docs.insert_one({"_id": identity, "n": 5, "m": 2})
    main.merge("feature", "theirs")
    for identity in (1, 2):
        [document] = db.docs.find({"_id": identity})
        assert (type(document["_id"]), document["n"]) == (float, 5 if identity == 1 else 4)
    assert db.docs.count_documents({}) == len(IDS)
    assert project.verify().ok


def shape(database: Database, number: int, before: Defined | None, after: Defined | None) -> None:
    """Make a collection of one state be in another."""
    name = f"c{number}"
    if before == after:
        return
    if after is None:
        database.drop_collection(name)
        return
    if before is None:
        database.create_collection(name)
        before = Defined(ids=())
    collection = database[name]
    if after.bound != before.bound:
        database.command("collMod", name, validator={"a": {"$not": {"$gt": after.bound}}})
    for index in before.indexes:
        if after.indexes.get(index) != before.indexes[index]:
            collection.drop_index(index)
    for index, key in after.indexes.items():
        if before.indexes.get(index) != key:
            collection.create_index(key, name=index)
    new = [{"_id": each} for each in after.ids if each not in before.ids]
    if new:
        collection.insert_many(new)


def shapes(database: Database) -> dict[int, Defined]:
    found = {}
    for info in list(database.list_collections()):
        collection = database[info["name"]]
        rule = info["options"].get("validator")
        found[int(info["name"][1:])] = Defined(
            {
                name: index["key"][0][0]
                for name, index in collection.index_information().items()
                if name != "_id_"
            },
            rule and rule["a"]["$not"]["$gt"],
            tuple(sorted(document["_id"] for document in collection.find())),
        )
    return found


def test_definitions(project: Project, main: Branch, db: Database) -> None:
    for number, row in enumerate(DEFINITIONS):
        shape(db, number, None, row.base)
    main.fork("feature")
    theirs: Database = WALDatabase(project.branch("feature"))
    for number, row in enumerate(DEFINITIONS):
        shape(db, number, row.base, row.ours)
        shape(theirs, number, row.base, row.theirs)
    for deletes in (True, False):
        conflicts = conflicts_of(main, deletes=deletes)
        assert all(each.definition for each in conflicts)
        told = {(int(each.collection[1:]), each.path) for each in conflicts}
        assert told == collisions(DEFINITIONS, deletes=deletes)
    for strategy, deletes in OUTCOMES:
        name = f"{strategy}-{deletes}"
        main.fork(name)
        target = project.branch(name)
        target.merge("feature", strategy, propagate_deletes=deletes)
        found = shapes(WALDatabase(target))
        for number, row in enumerate(DEFINITIONS):
            assert found.get(number) == expected(row, strategy, deletes=deletes), (name, row)
    assert project.verify().ok

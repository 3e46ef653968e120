"""What applications do with a database, as data: each runs on plain MongoDB and on every face."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bson import CodecOptions, Int64
from bson.raw_bson import RawBSONDocument
from pymongo import (
    ASCENDING,
    DESCENDING,
    DeleteMany,
    IndexModel,
    InsertOne,
    ReplaceOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
    WriteConcern,
)
from pymongo.collation import Collation

from .faces import do

Scenario = Callable[[Any], Awaitable[Any]]
SCENARIOS: dict[str, Scenario] = {}
PEOPLE = [
    {"_id": 1, "name": "Ann", "age": 31, "tags": ["a", "b"], "at": {"city": "Oslo"}},
    {"_id": 2, "name": "bob", "age": 25, "tags": [], "at": {"city": "Rome"}},
    {"_id": 3, "name": "Cid", "age": 31, "tags": ["b", "c"], "at": {"city": "Oslo"}},
    {"_id": 4, "name": "dee", "age": 47, "at": {"city": "Bern"}},
]


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function


async def people(db: Any) -> Any:
    await do(db.people.insert_many(PEOPLE))
    return db.people


async def everything(collection: Any) -> Any:
    return await do(collection.find().sort("_id", ASCENDING))


@scenario
async def inserting_one(db: Any) -> Any:
    return [await do(db.people.insert_one({"_id": 1, "a": Int64(1)})), await everything(db.people)]


@scenario
async def inserting_what_is_there(db: Any) -> Any:
    await do(db.people.insert_one({"_id": 1}))
    return await do(db.people.insert_one({"_id": 1}))


@scenario
async def inserting_many_in_order(db: Any) -> Any:
    return await do(db.people.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 1}, {"_id": 3}]))


@scenario
async def inserting_many_in_any_order(db: Any) -> Any:
    return await do(db.people.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 3}], ordered=False))


@scenario
async def inserting_what_is_no_document(db: Any) -> Any:
    return await do(db.people.insert_one([]))


@scenario
async def inserting_unacknowledged(db: Any) -> Any:
    quiet = db.get_collection("people", write_concern=WriteConcern(w=0))
    result = await do(quiet.insert_one({"_id": 1}))
    return [result.acknowledged, result.inserted_id]


@scenario
async def finding(db: Any) -> Any:
    found = await people(db)
    query = {"age": {"$gt": 25}}
    return [
        await do(found.find(query).sort([("age", DESCENDING), ("_id", ASCENDING)])),
        await do(found.find(query, {"name": 1}).sort("_id").skip(1).limit(1)),
        await do(found.find(filter={"tags": "b"}, sort=[("_id", -1)], batch_size=1)),
        await do(found.find({"name": "BOB"}, collation=Collation("en", strength=2))),
        await do(found.find({"tags": {"$elemMatch": {"$eq": "c"}}}, {"tags.$": 1})),
        await do(found.find_one({"_id": 3})),
        await do(found.find_one(3, {"_id": 0, "name": 1})),
        await do(found.find_one({"age": 31}, sort=[("_id", -1)])),
        await do(found.find_one({"_id": 99})),
    ]


@scenario
async def finding_again(db: Any) -> Any:
    cursor = (await people(db)).find({"age": 31}).sort("_id")
    first = await do(cursor)
    copy = await do(cursor.clone())
    return [first, copy, cursor.alive, await do(cursor.distinct("at.city"))]


@scenario
async def finding_with_a_wrong_filter(db: Any) -> Any:
    return await do((await people(db)).find({"a": {"$nope": 1}}))


@scenario
async def finding_as_raw_bson(db: Any) -> Any:
    raw = (await people(db)).with_options(CodecOptions(RawBSONDocument))
    return [dict(one) for one in await do(raw.find().sort("_id"))]


@scenario
async def updating(db: Any) -> Any:
    found = await people(db)
    return [
        await do(found.update_one({"_id": 1}, {"$set": {"age": 32}, "$push": {"tags": "z"}})),
        await do(found.update_one({"_id": 1}, {"$set": {"age": 32}})),
        await do(found.update_many({"age": {"$lt": 40}}, {"$inc": {"age": 1}})),
        await do(found.update_one({"_id": 9}, {"$set": {"x": 1}}, upsert=True)),
        await do(found.update_one({"_id": 3}, [{"$set": {"twice": {"$multiply": ["$age", 2]}}}])),
        await do(
            found.update_many({"tags": "b"}, {"$set": {"tags.$[one]": "B"}}, array_filters=[{"one": "b"}])
        ),
        await do(found.replace_one({"_id": 2}, {"name": "Bob"})),
        await do(found.replace_one({"_id": 77}, {"name": "new"}, upsert=True)),
        await everything(found),
    ]


@scenario
async def updating_wrongly(db: Any) -> Any:
    return await do((await people(db)).update_one({"_id": 1}, {"$inc": {"name": 1}}))


@scenario
async def updating_without_operators(db: Any) -> Any:
    return await do((await people(db)).update_one({"_id": 1}, {"name": "x"}))


@scenario
async def finding_and_changing(db: Any) -> Any:
    found = await people(db)
    after = ReturnDocument.AFTER
    return [
        await do(found.find_one_and_update({"_id": 1}, {"$inc": {"age": 1}})),
        await do(found.find_one_and_update({"_id": 1}, {"$inc": {"age": 1}}, return_document=after)),
        await do(found.find_one_and_replace({"age": 31}, {"age": 0}, {"_id": 1}, sort=[("_id", -1)])),
        await do(
            found.find_one_and_update({"_id": 8}, {"$set": {"a": 1}}, upsert=True, return_document=after)
        ),
        await do(found.find_one_and_delete({"_id": 2}, projection={"name": 1})),
        await do(found.find_one_and_delete({"_id": 2})),
        await everything(found),
    ]


@scenario
async def deleting(db: Any) -> Any:
    found = await people(db)
    return [
        await do(found.delete_one({"age": {"$gt": 40}})),
        await do(found.delete_one({"_id": 99})),
        await do(found.delete_many({"at.city": "Oslo"})),
        await everything(found),
    ]


@scenario
async def writing_in_bulk(db: Any) -> Any:
    found = await people(db)
    requests = [
        InsertOne({"_id": 10}),
        UpdateOne({"_id": 1}, {"$set": {"x": 1}}),
        UpdateMany({"age": 31}, {"$set": {"y": 1}}),
        ReplaceOne({"_id": 11}, {"z": 1}, upsert=True),
        DeleteMany({"_id": {"$in": [2, 4]}}),
    ]
    return [await do(found.bulk_write(requests)), await everything(found)]


@scenario
async def writing_in_bulk_with_errors(db: Any) -> Any:
    requests = [InsertOne({"_id": 5}), InsertOne({"_id": 1}), InsertOne({"_id": 6})]
    return await do((await people(db)).bulk_write(requests))


@scenario
async def aggregating(db: Any) -> Any:
    found = await people(db)
    await do(db.cities.insert_many([{"_id": "Oslo", "in": "NO"}, {"_id": "Rome", "in": "IT"}]))
    join = {"from": "cities", "localField": "at.city", "foreignField": "_id", "as": "city"}
    return [
        await do(found.aggregate([{"$group": {"_id": "$age", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])),
        await do(found.aggregate([{"$lookup": join}, {"$sort": {"_id": 1}}], batchSize=1)),
        await do(found.aggregate([{"$match": {"$expr": {"$gt": ["$age", "$$n"]}}}], let={"n": 40})),
        await do(db.aggregate([{"$documents": [{"a": 1}, {"a": 2}]}])),
    ]


@scenario
async def aggregating_wrongly(db: Any) -> Any:
    return await do((await people(db)).aggregate([{"$nope": {}}]))


@scenario
async def aggregating_what_is_no_list(db: Any) -> Any:
    return await do((await people(db)).aggregate({"$match": {}}))


@scenario
async def writing_out(db: Any) -> Any:
    found = await people(db)
    return [
        await do(found.aggregate([{"$match": {"age": 31}}, {"$out": "copies"}])),
        await everything(db.copies),
        await do(found.aggregate([{"$project": {"age": 1}}, {"$merge": {"into": "copies"}}])),
        await everything(db.copies),
    ]


@scenario
async def counting(db: Any) -> Any:
    found = await people(db)
    return [
        await do(found.count_documents({"age": 31})),
        await do(found.count_documents({}, skip=1, limit=2)),
        await do(found.estimated_document_count()),
        sorted(await do(found.distinct("at.city"))),
        await do(found.distinct("tags", {"_id": 1})),
    ]


@scenario
async def indexing(db: Any) -> Any:
    found = await people(db)
    return [
        await do(found.create_index("age")),
        await do(found.create_index([("name", 1), ("age", -1)], unique=True, name="both")),
        await do(found.create_indexes([IndexModel("at.city", sparse=True)])),
        [index["name"] for index in await do(found.list_indexes())],
        await do(found.find({"age": 31}, {"_id": 1}).sort("_id").hint("age_1")),
        await do(found.drop_index("age_1")),
        await do(found.index_information()),
        await do(found.drop_indexes()),
        [index["name"] for index in await do(found.list_indexes())],
    ]


@scenario
async def breaking_a_unique_index(db: Any) -> Any:
    found = await people(db)
    await do(found.create_index("name", unique=True))
    return await do(found.update_one({"_id": 1}, {"$set": {"name": "Cid"}}))


@scenario
async def building_an_index_that_cannot_be(db: Any) -> Any:
    return await do((await people(db)).create_index("age", unique=True))


@scenario
async def defining_collections(db: Any) -> Any:
    await people(db)
    created = await do(db.create_collection("strict", validator={"a": {"$type": "int"}}))
    view = await do(db.create_collection("old", viewOn="people", pipeline=[{"$match": {"age": {"$gt": 40}}}]))
    listed = await do(db.list_collections(filter={"name": {"$in": ["strict", "old"]}}))
    return [
        created.name,
        await do(view.find()),
        sorted([one["name"], one["type"]] for one in listed),
        sorted(name for name in await do(db.list_collection_names()) if not name.startswith("system.")),
        await do(created.options()),
        (await do(db.people.rename("folk")))["ok"],
        await do(db.people.count_documents({})),
        await do(db.folk.count_documents({})),
        (await do(db.drop_collection("folk")))["ok"],
        await do(db.strict.drop()),
        (await do(db.drop_collection("nothing"))).get("ok"),
    ]


@scenario
async def breaking_a_rule(db: Any) -> Any:
    await do(db.create_collection("strict", validator={"a": {"$type": "int"}}))
    return await do(db.strict.insert_one({"_id": 1, "a": "x"}))


@scenario
async def creating_what_is_there(db: Any) -> Any:
    await do(db.create_collection("people"))
    return await do(db.create_collection("people"))


@scenario
async def commanding(db: Any) -> Any:
    return [(await do(db.command("ping")))["ok"], (await do(db.command({"buildInfo": 1})))["ok"]]


@scenario
async def giving_arguments_that_are_unknown(db: Any) -> Any:
    return await do(db.people.delete_one({}, unknown=1))

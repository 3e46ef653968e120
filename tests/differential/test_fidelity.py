"""Every kind of value comes back as it went in, byte for byte, from now, the past and a child."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import bson
import pytest
from bson import SON, Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, ObjectId, Timestamp
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion, TypeCodec, TypeRegistry
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import DocumentTooLarge, DuplicateKeyError, WriteError

from argon import WALDatabase
from argon.wal.log import MAX_ENTRY

from .model import natural
from .outcomes import observe
from .values import NESTED, NUMBERS, ODD_NUMBERS, OTHERS, REGEXES, STRINGS, Document

if TYPE_CHECKING:
    from pymongo.database import Database

    from argon import Branch

ALL: list[Any] = [
    *NUMBERS,
    *ODD_NUMBERS,
    *STRINGS,
    *OTHERS,
    *REGEXES,
    *NESTED,
    *([], [[]], [[1], {"x": []}], list(range(100))),
    *(Binary(b"x" * 16, 3), Binary(b"x", 2), Binary(b"\x00\x01", 6), b"x" * 100_000),
    *(Timestamp(5, 0), Timestamp(0, 7), DatetimeMS(2**62), DatetimeMS(-1)),
    SON([("z", 1), ("y", 2), ("x", 3)]),
]
IDS = [value for value in ALL if not isinstance(value, list | bson.Regex)]


def same(value: Any) -> pytest.ParameterSet:
    return pytest.param(value, id=f"{type(value).__name__}-{str(value)[:20]}")


@pytest.mark.parametrize("value", [same(value) for value in ALL])
def test_values_come_back_as_they_are(
    value: Any, plain_db: Database[Document], db: WALDatabase[Document], main: Branch
) -> None:
    document = {"_id": 1, "v": value, "a": [value], "n": {"v": value}}
    for users in (plain_db.users, db.users):
        users.insert_one(copy.deepcopy(document))
        users.insert_one({"_id": 2})
        users.update_one({"_id": 2}, {"$set": {"v": value, "n.v": value}, "$push": {"a": value}})
        users.replace_one({"_id": 3}, {"v": value}, upsert=True)
    expected = natural(plain_db.users)
    lsn = main.head_lsn
    assert natural(db.users) == expected
    queries: list[Document] = [{"v": {"$eq": value}}, {"n.v": {"$in": [value]}}, {"n": {"v": value}}]
    for query in queries:
        assert db.users.count_documents(query) == plain_db.users.count_documents(query)
    child: WALDatabase[Document] = WALDatabase(main.project.create_branch("child"))
    db.users.delete_many({})
    assert natural(child.users) == expected
    assert natural(db.users.at(lsn=lsn)) == expected
    child.users.update_many({}, {"$set": {"touched": True}})
    child.users.update_many({}, {"$unset": {"touched": ""}})
    assert sorted(natural(child.users)) == sorted(expected)


@pytest.mark.parametrize("identity", [same(value) for value in IDS])
def test_every_type_can_be_an_id(
    identity: Any, plain_db: Database[Document], db: WALDatabase[Document], main: Branch
) -> None:
    steps: list[Callable[[Any], Any]] = [
        lambda users: users.insert_one({"_id": identity, "n": 1}),
        lambda users: users.insert_one({"_id": identity, "n": 2}),
        lambda users: users.insert_many([{"_id": "new"}, {"_id": identity}], ordered=False),
        lambda users: users.find_one({"_id": identity}),
        lambda users: list(users.find({"_id": {"$in": [identity]}})),
        lambda users: users.update_one({"_id": identity}, {"$inc": {"n": 1}}),
        lambda users: users.replace_one({"_id": identity}, {"n": 7}),
        lambda users: users.bulk_write(
            [UpdateOne({"_id": identity}, {"$inc": {"n": 1}}), UpdateOne({"_id": "new"}, {"$set": {"n": 1}})]
        ),
        lambda users: users.find_one_and_update(
            {"_id": identity}, {"$set": {"m": 1}}, return_document=ReturnDocument.AFTER
        ),
        lambda users: users.update_one({"_id": identity}, {"$set": {"up": 1}}, upsert=True),
    ]
    names = {plain_db.name: "DB", "shop": "DB"}
    codec: CodecOptions[Any] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    plain, ours = (database.get_collection("users", codec_options=codec) for database in (plain_db, db))
    for step in steps:
        assert observe(partial(step, ours), names) == observe(partial(step, plain), names)
    assert natural(db.users) == natural(plain_db.users)
    child: WALDatabase[Document] = WALDatabase(main.project.create_branch("child"))
    with pytest.raises(DuplicateKeyError):
        child.users.insert_one({"_id": identity})
    assert child.users.delete_one({"_id": identity}).deleted_count == 1
    assert child.users.find_one({"_id": identity}) is None
    child.users.insert_one({"_id": identity, "again": True})
    assert child.users.count_documents({"_id": identity}) == 1
    assert natural(db.users) == natural(plain_db.users)
    if identity is not None:  # which stands for any id
        entries = main.log(collection="users", document_id=identity)
        assert [entry.operation for entry in entries][-1] == "insert"


@pytest.mark.parametrize("other", [1.0, Int64(1), Decimal128("1"), Decimal128("1.000")], ids=repr)
def test_equal_numbers_are_one_id(other: Any, db: WALDatabase[Document], main: Branch) -> None:
    db.users.insert_one({"_id": 1})
    child: WALDatabase[Document] = WALDatabase(main.project.create_branch("child"))
    for users in (db.users, child.users):
        with pytest.raises(DuplicateKeyError):
            users.insert_one({"_id": other})
        assert users.find_one({"_id": other}) == {"_id": 1}
        assert users.update_one({"_id": other}, {"$set": {"n": 1}}, upsert=True).modified_count == 1
        assert users.delete_one({"_id": other}).deleted_count == 1
        users.insert_one({"_id": other})
        assert natural(users) == [bson.encode({"_id": other})]


@pytest.mark.parametrize("text", ["0123456789abcdef01234567", "ffffffffffffffffffffffff"])
def test_an_object_id_is_not_its_text(text: str, db: WALDatabase[Document]) -> None:
    db.users.insert_many([{"_id": ObjectId(text)}, {"_id": text}])
    assert db.users.delete_one({"_id": text}).deleted_count == 1
    assert list(db.users.find()) == [{"_id": ObjectId(text)}]


@pytest.mark.parametrize(
    "document",
    [
        {"_id": 1, "a.b": 1, "a": {"b": 2}},
        {"_id": 1, "$x": 1},
        {"_id": 1, "n": {"$x": 1, "a.b": 2, "": 3}},
        {"_id": 1, "": {"": 1}},
        {"_id": 1, "a..b": 1, ".": 2, "..": 3},
        {"_id": 1, "d": {"d": 1}, "f": 2, "s": [{"b": 1}], "_id.b": 3},
        {"_id": {"a.b": 1}, "é": "ü", "日本": 1},
        {"_id": {"b": 1, "t": 2, "n": 3}},
        {"z": 1, "_id": 1, "a": 2, "m": 3},
    ],
    ids=str,
)
def test_field_names_are_kept(
    document: Document, plain_db: Database[Document], db: WALDatabase[Document]
) -> None:
    for users in (plain_db.users, db.users):
        users.insert_one(copy.deepcopy(document))
        users.update_one({"_id": document["_id"]}, {"$set": {"new": 1}})
        users.update_one({"_id": document["_id"]}, [{"$set": {"newer": "$new"}}])
    assert natural(db.users) == natural(plain_db.users)


def test_raw_documents_keep_their_bytes(plain_db: Database[Document], db: WALDatabase[Document]) -> None:
    twice = b"\x10a\x00\x01\x00\x00\x00\x10a\x00\x02\x00\x00\x00"  # a: 1, a: 2
    raws = [
        bson.encode({"_id": 1, "a": 1}),
        bson.encode({"a": 1, "_id": 2}),
        _document(b"\x10_id\x00\x03\x00\x00\x00" + twice),
    ]
    for raw in raws:
        theirs = plain_db.users.insert_one(RawBSONDocument(raw))
        assert db.users.insert_one(RawBSONDocument(raw)).inserted_id == theirs.inserted_id
    many = [RawBSONDocument(bson.encode({"_id": 4})), RawBSONDocument(bson.encode({"_id": 5}))]
    assert db.users.insert_many(many).inserted_ids == plain_db.users.insert_many(many).inserted_ids
    for users in (plain_db.users, db.users):
        users.replace_one({"_id": 1}, RawBSONDocument(_document(twice)))
        users.bulk_write([InsertOne(RawBSONDocument(bson.encode({"b": 1, "_id": 6})))])
        users.update_one({"_id": 3}, {"$set": {"c": 1}})
    assert natural(db.users) == natural(plain_db.users)


def test_a_raw_document_without_an_id_gets_one_first(db: WALDatabase[Document]) -> None:
    db.users.insert_one(RawBSONDocument(bson.encode({"a": 1})))
    found = db.users.find_one()
    assert found is not None
    assert list(found) == ["_id", "a"]
    assert isinstance(found["_id"], ObjectId)


def _document(elements: bytes) -> bytes:
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\x00"


def test_empty_timestamps_are_filled_in_at_the_top_level(db: WALDatabase[Document]) -> None:
    empty = Timestamp(0, 0)
    db.users.insert_one({"_id": 1, "t": empty, "n": {"t": empty}})
    db.users.replace_one({"_id": 2}, {"t": empty, "n": {"t": empty}}, upsert=True)
    db.users.insert_one({"_id": 3})
    db.users.replace_one({"_id": 3}, {"t": empty, "n": {"t": empty}})
    for found in db.users.find():
        assert found["t"] > empty
        assert found["n"] == {"t": empty}


def test_documents_near_the_limit(db: WALDatabase[Document], main: Branch) -> None:
    def filled(identity: int, size: int) -> Document:
        empty = len(bson.encode({"_id": identity, "k": 0, "s": ""}))
        return {"_id": identity, "k": 0, "s": "x" * (size - empty)}

    largest = filled(1, MAX_ENTRY)
    assert len(bson.encode(largest)) == MAX_ENTRY
    db.users.insert_one(largest)
    before = main.head_lsn
    assert db.users.update_one({"_id": 1}, {"$inc": {"k": 1}}).modified_count == 1
    assert db.users.update_one({"_id": 1}, [{"$set": {"k": 2}}]).modified_count == 1
    child: WALDatabase[Document] = WALDatabase(main.project.create_branch("child"))
    assert child.users.update_one({"_id": 1}, {"$inc": {"k": 1}}).modified_count == 1
    found = [users.find_one({"_id": 1}) for users in (db.users.at(lsn=before), db.users, child.users)]
    assert found == [largest, {**largest, "k": 2}, {**largest, "k": 3}]
    with pytest.raises(DocumentTooLarge):
        db.users.insert_one(filled(2, MAX_ENTRY + 1))
    with pytest.raises(WriteError):
        db.users.update_one({"_id": 1}, {"$set": {"more": "x" * 8192}})
    assert db.users.find_one({"_id": 1}) == {**largest, "k": 2}
    assert db.users.replace_one({"_id": 1}, {"k": 9}).modified_count == 1
    assert child.users.delete_one({"_id": 1}).deleted_count == 1
    assert db.users.delete_one({"_id": 1}).deleted_count == 1
    assert db.users.at(lsn=before).find_one({"_id": 1}) == largest


class _Money(TypeCodec):
    """Decimal as Decimal128."""

    python_type = Decimal
    bson_type = Decimal128

    def transform_python(self, value: Any) -> Any:
        return Decimal128(value)

    def transform_bson(self, value: Any) -> Any:
        return value.to_decimal()


CODECS: dict[str, tuple[CodecOptions[Any], Any]] = {
    "type codec": (CodecOptions(type_registry=TypeRegistry([_Money()])), Decimal("1.50")),
    "fallback": (
        CodecOptions(type_registry=TypeRegistry(fallback_encoder=lambda value: repr(value))),
        complex(1, 2),
    ),
    "uuid": (CodecOptions(uuid_representation=UuidRepresentation.STANDARD), UUID(int=7)),
    "old uuid": (CodecOptions(uuid_representation=UuidRepresentation.JAVA_LEGACY), UUID(int=7)),
    "SON": (CodecOptions(document_class=SON), SON([("b", 1), ("a", 2)])),
    "aware": (
        CodecOptions(tz_aware=True),
        bson.datetime_ms._millis_to_datetime(1, CodecOptions(tz_aware=True)),
    ),
    "milliseconds": (CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS), DatetimeMS(2**60)),
}


@pytest.mark.parametrize("name", CODECS)
def test_codecs(name: str, plain_db: Database[Document], db: WALDatabase[Document]) -> None:
    """The user's own types go through every operation, in filters and updates too."""
    codec, value = CODECS[name]
    answers: list[list[Any]] = []
    for database in (plain_db, db):
        users: Any = database.get_collection("users", codec_options=codec)
        users.insert_many([{"_id": 1, "v": value}, {"_id": value}, {"_id": 3, "k": 1}])
        users.update_one({"_id": 3, "k": 1}, {"$set": {"v": value}})
        users.update_many({"v": value}, {"$push": {"a": value}})
        users.update_many({"v": value}, {"$set": {"a.$[e]": value}}, array_filters=[{"e": {"$ne": value}}])
        users.bulk_write(
            [UpdateOne({"_id": value}, {"$set": {"v": value}}), ReplaceOne({"_id": 3}, {"w": value})]
        )
        users.update_one({"_id": 3}, [{"$set": {"x": {"$literal": value}}}])
        users.update_one({"_id": 9}, {"$set": {"v": value}}, upsert=True)
        users.replace_one({"_id": 10, "v": value}, {"v": value}, upsert=True)
        answers.append(
            [
                list(users.find({"v": value}, sort=[("_id", 1)])),
                users.find_one({"_id": value}),
                users.find_one({"w": value}, {"w": 1, "_id": 0}),
                list(users.find({"a": value}, {"a": {"$elemMatch": {"$eq": value}}}, sort=[("_id", 1)])),
                users.count_documents({"v": {"$gte": value}}),
                users.distinct("v", {"v": value}),
                list(users.aggregate([{"$match": {"v": value}}, {"$sort": {"_id": 1}}])),
                users.find_one_and_update(
                    {"_id": 1, "v": value}, {"$set": {"z": value}}, return_document=ReturnDocument.AFTER
                ),
                users.find_one_and_replace({"_id": 1}, {"v": value}, projection={"v": 1}),
                users.find_one_and_delete({"_id": 1, "v": value}),
                users.delete_many({"v": value}).deleted_count,
                list(users.find()),
            ]
        )
    assert answers[1] == answers[0]
    assert repr(answers[1]) == repr(answers[0])  # which tells types apart that are equal
    assert natural(db.users) == natural(plain_db.users)


def test_references_and_code_are_read_as_themselves(db: WALDatabase[Document]) -> None:
    reference = DBRef("users", 1)
    db.users.insert_one({"_id": 1, "ref": reference, "code": Code("f()", {"x": 1})})
    found = db.users.find_one({"ref": reference})
    assert found == {"_id": 1, "ref": reference, "code": Code("f()", {"x": 1})}
    assert db.dereference(reference) == found

"""Text of the user's own types: enumerations, and the fields of ODMs, which compare as they like."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn

import pytest
from pymongo import DeleteOne, IndexModel, UpdateOne

from .parity import Faces


class Field(str):
    """Text that agrees with everything, tells nothing of itself, and cannot be cut up."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return "a field"

    def __format__(self, _spec: str) -> str:
        return "a field"

    def split(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise AssertionError("it is not the user's to cut up")

    def partition(self, _sep: str) -> NoReturn:
        self.split()

    def startswith(self, *_args: Any) -> NoReturn:
        self.split()

    def __getitem__(self, _place: Any) -> NoReturn:
        self.split()


class Name(str, Enum):  # noqa: UP042 - a StrEnum prints as its text, and this does not
    AGE = "age"
    CITY = "address.city"
    NAME = "name"
    ANN = "Ann0"
    ID = "_id"
    ON = "$age"
    GREATER = "$gt"


READS: list[Callable[[Any], Any]] = [
    lambda users: users.find({Name.AGE: {Name.GREATER: 22}}, sort=[(Name.ID, 1)]),
    lambda users: users.find({Name.NAME: Name.ANN}),
    lambda users: users.find({"$or": [{Name.NAME: Name.ANN}, {Name.ID: 3}]}, sort={Name.ID: -1}),
    lambda users: users.find({}, [Name.CITY, Name.AGE]).sort([(Name.AGE, -1), (Name.CITY, 1), ("_id", 1)]),
    lambda users: users.find({}, {Name.CITY: 1, "x": Name.ON}, sort=[("_id", 1)]),
    lambda users: users.find({Name.AGE: 22}, hint=[(Name.AGE, 1)], sort=[("_id", 1)]),
    lambda users: users.find_one({Name.ID: 5}),
    lambda users: users.find_one({Name.NAME: Name.ANN}, {Name.NAME: 1}),
    lambda users: users.count_documents({Name.NAME: Name.ANN}),
    lambda users: sorted(users.distinct(Name.CITY, {Name.AGE: {"$in": [21, 22]}})),
    lambda users: users.aggregate(
        [
            {"$match": {Name.AGE: {Name.GREATER: 21}}},
            {"$group": {Name.ID: Name.ON, "of": {"$sum": 1}}},
            {"$sort": {Name.ID: 1}},
        ]
    ),
    lambda users: users.find({Field("age"): {Field("$gt"): 22}}, sort=[(Field("_id"), 1)]),
    lambda users: users.find({"name": Field("Ann0")}, {Field("age"): 1}),
    lambda users: users.find_one({Field("_id"): 5}),
    lambda users: users.aggregate(
        [{"$sort": {Field("_id"): -1}}, {"$project": {Field("age"): Field("$boss")}}]
    ),
]
WRITES: list[Callable[[Any], Any]] = [
    lambda users: users.update_one({Name.ID: 3}, {"$set": {Name.CITY: Name.ANN}}),
    lambda users: users.update_many({Name.AGE: {Name.GREATER: 22}}, {"$inc": {Name.AGE: 1}}),
    lambda users: users.update_many({}, [{"$set": {Name.NAME: Name.ON}}]),
    lambda users: users.update_one({Field("_id"): 3}, {"$set": {Field("age"): Field("x")}}),
    lambda users: users.update_one(
        {"_id": 3}, {"$set": {"marks.$[one].n": 0}}, array_filters=[{Field("one.s"): Field("x")}]
    ),
    lambda users: users.replace_one({Name.NAME: Name.ANN}, {Name.NAME: Name.ANN}),
    lambda users: users.find_one_and_update({Name.ID: 4}, {"$unset": {Name.AGE: 1}}, {Name.NAME: 1}),
    lambda users: users.find_one_and_delete({}, sort=[(Field("_id"), -1)], projection={Field("age"): 1}),
    lambda users: users.delete_one({Name.ID: 5}),
    lambda users: users.delete_many({Field("age"): Field("none")}),
    lambda users: users.insert_one({Name.ID: "new", Name.AGE: Name.ANN}),
    lambda users: users.bulk_write(
        [UpdateOne({Name.ID: 1}, {"$set": {Name.AGE: 0}}), DeleteOne({Field("_id"): 2})]
    ),
    lambda users: users.create_index([(Name.CITY, 1)], name="made"),
    lambda users: users.create_indexes([IndexModel([(Field("made"), -1)])]),
]


@pytest.mark.parametrize("read", READS)
def test_reading(reading: Faces, read: Callable[[Any], Any]) -> None:
    reading.same(lambda db: read(db.users))


@pytest.mark.parametrize("write", WRITES)
def test_writing(writing: Faces, write: Callable[[Any], Any]) -> None:
    writing.same(lambda db: write(db.users))
    writing.same_documents("users")
    writing.same(lambda db: sorted(db.users.index_information()))

"""Ids compare as MongoDB compares them; the server is the judge."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from argon.versions.ids import id_key

OID = ObjectId("6b0172386daf096a367cf963")
VALUES: list[Any] = [
    1, 1.0, Int64(1), Decimal128("1"), Decimal128("1.0"), True, "1", 1.5, Decimal128("1.5"),
    0, -0.0, None, "",
    OID, str(OID), b"x", Binary(b"x", 5), Binary.from_uuid(uuid.UUID(int=1)),
    datetime(2026, 1, 1, tzinfo=UTC),
    Timestamp(1, 1), MinKey(), MaxKey(),
    {"a": 1}, {"a": 1.0}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, 2**53,
    float(2**53), Int64(2**53 + 1), float("inf"), Decimal128("Infinity"), float("nan"), Decimal128("NaN"),
]  # fmt: skip


@pytest.mark.parametrize("first", VALUES, ids=repr)
def test_two_ids_are_one_where_the_server_says_so(plain_db: Database[Any], first: Any) -> None:
    plain_db.ids.insert_one({"_id": first})
    for second in VALUES:
        same = False
        try:
            plain_db.ids.insert_one({"_id": second})
        except DuplicateKeyError:
            same = True
        else:
            plain_db.ids.delete_one({"_id": second})
        assert (id_key(first) == id_key(second)) is same, second

"""What is larger than one message is written all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pymongo import DeleteOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from argon.io import run
from argon.wal import statements

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

MEGABYTE = 1 << 20


def test_document_as_large_as_mongodb_takes(users: Collection[dict[str, Any]]) -> None:
    text = "x" * (16 * MEGABYTE - 5000)
    users.insert_one({"_id": 1, "text": text, "n": 0})
    assert users.update_one({"_id": 1}, {"$inc": {"n": 1}}).modified_count == 1
    assert users.replace_one({"_id": 1}, {"text": text.upper()}).modified_count == 1
    assert users.find_one({"_id": 1}) == {"_id": 1, "text": text.upper()}
    assert users.delete_one({"_id": 1}).deleted_count == 1


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda key: UpdateOne({"_id": key}, {"$set": {"n": 1}}), "modified_count"),
        (lambda key: ReplaceOne({"_id": key}, {"text": "y" * MEGABYTE}), "modified_count"),
        (lambda key: DeleteOne({"_id": key}), "deleted_count"),
    ],
    ids=["update", "replace", "delete"],
)
def test_commit_larger_than_a_message(users: Collection[dict[str, Any]], change: Any, count: str) -> None:
    keys = range(18)
    users.insert_many([{"_id": key, "text": "x" * MEGABYTE} for key in keys])
    assert getattr(users.bulk_write([change(key) for key in keys]), count) == len(keys)


def test_an_error_does_not_show_what_was_written(plain_db: Database[dict[str, Any]]) -> None:
    rows = [{"_id": 1}, {"_id": 1, "text": "secret"}]
    size = statements.MAX_MESSAGE + 1
    alone = statements.insert(plain_db.things, lambda: rows, len(rows), size=size, refused=lambda why: why)
    with pytest.raises(BulkWriteError) as caught:
        run(statements.run([alone], None))
    assert caught.value.details["writeErrors"][0]["code"] == statements.DUPLICATE_KEY
    assert "secret" not in str(caught.value)

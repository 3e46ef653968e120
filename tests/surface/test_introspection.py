"""PyMongo's classes, member by member: all is there, called as it is there, and none is unreviewed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.cursor import AsyncCursor, AsyncRawBatchCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.command_cursor import CommandCursor
from pymongo.cursor import Cursor, RawBatchCursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.synchronous.client_session import ClientSession

from argon.aio.client import AsyncWALClient
from argon.aio.collection import AsyncWALCollection
from argon.aio.command_cursor import AsyncWALCommandCursor
from argon.aio.cursor import AsyncWALCursor
from argon.aio.database import AsyncWALDatabase
from argon.aio.raw_batches import AsyncWALRawBatchCursor
from argon.aio.session import AsyncWALSession
from argon.aio.stream import AsyncWALChangeStream
from argon.driver.client import WALClient
from argon.driver.collection import WALCollection
from argon.driver.command_cursor import WALCommandCursor
from argon.driver.cursor import WALCursor
from argon.driver.database import WALDatabase
from argon.driver.raw_batches import WALRawBatchCursor
from argon.driver.session import WALSession
from argon.driver.stream import WALChangeStream
from argon.errors import UnsupportedOperation

PAIRS: list[tuple[type, type]] = [
    (Collection, WALCollection),
    (Database, WALDatabase),
    (MongoClient, WALClient),
    (Cursor, WALCursor),
    (RawBatchCursor, WALRawBatchCursor),
    (CommandCursor, WALCommandCursor),
    (ClientSession, WALSession),
    (ChangeStream, WALChangeStream),
    (AsyncCollection, AsyncWALCollection),
    (AsyncDatabase, AsyncWALDatabase),
    (AsyncMongoClient, AsyncWALClient),
    (AsyncCursor, AsyncWALCursor),
    (AsyncRawBatchCursor, AsyncWALRawBatchCursor),
    (AsyncCommandCursor, AsyncWALCommandCursor),
    (AsyncClientSession, AsyncWALSession),
    (AsyncChangeStream, AsyncWALChangeStream),
]


def public(kind: type) -> list[str]:
    """Name the public members of a class, those of its bases included."""
    return sorted(name for name in dir(kind) if not name.startswith("_"))


def incompatible(theirs: type, mine: type) -> list[str]:
    """Name the methods that cannot be called as PyMongo's can."""
    wrong = []
    for name in public(theirs):
        method, own = getattr(theirs, name), getattr(mine, name, None)
        if inspect.isfunction(method) and (own is None or not _accepts(method, own)):
            wrong.append(name)
    return wrong


def _accepts(method: Any, own: Any) -> bool:
    expected, found = inspect.signature(method).parameters, inspect.signature(own).parameters
    kinds = {parameter.kind for parameter in found.values()}
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        placed = [name for name, parameter in expected.items() if parameter.kind in _BY_PLACE]
        if [name for name, parameter in found.items() if parameter.kind in _BY_PLACE][
            : len(placed)
        ] != placed:
            return False
    named = set(expected) - {"args", "kwargs"}
    further = [parameter for name, parameter in found.items() if name not in expected]
    if any(one.default is one.empty and one.kind in _BY_PLACE for one in further):
        return False
    return inspect.Parameter.VAR_KEYWORD in kinds or named <= set(found)


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

REVIEWED = {
    "an attribute, or a setting: nothing is sent": """
        HOST PORT add_option advance_cluster_time advance_operation_time alive allow_disk_use append_metadata
        batch_size clone codec_options collation collection comment cursor_id
        database eq_props full_name has_ended hint limit max max_await_time_ms max_scan max_time_ms min name
        options read_concern read_preference remove_option resume_token retrieved session
        session_id skip sort where write_concern
    """,
    "asks about the server, or opens and closes the connections to it": """
        aclose aconnect address arbiters is_mongos is_primary nodes primary secondaries server_info
        topology_description
    """,
    "calls nothing but what is overridden": """
        abort_transaction commit_transaction end_session in_transaction next to_list try_next
        validate_collection with_transaction
    """,
}
"""Why members of PyMongo's classes may stay as they are."""


@pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=[theirs.__name__ for theirs, _ in PAIRS])
def test_everything_is_called_as_it_is_in_pymongo(theirs: type, mine: type) -> None:
    assert issubclass(mine, theirs)
    assert incompatible(theirs, mine) == []


def test_nothing_of_pymongo_is_left_as_it_is_without_a_reason() -> None:
    inherited = {
        name
        for theirs, mine in PAIRS
        for name in public(theirs)
        if inspect.getattr_static(mine, name) is inspect.getattr_static(theirs, name)
    }
    assert inherited == {name for names in REVIEWED.values() for name in names.split()}


def test_what_is_made_by_hand_goes_through_the_log(client: Any, store: str, mongod_uri: str) -> None:
    """PyMongo's own classes, on a client of branches, find no way past the log either."""
    with WALClient[dict[str, Any]](mongod_uri, argon_database=store) as branches:
        users = Collection(branches["shop"], "users")
        users.insert_one({"_id": 1, "n": 1})
        assert users.update_one({"_id": 1}, {"$inc": {"n": 1}}).modified_count == 1
        database = Database(branches, "shop")
        assert database.users.find_one_and_update({"_id": 1}, {"$inc": {"n": 1}}) == {"_id": 1, "n": 2}
        database.users.create_index("n", unique=True)
        assert branches["shop"].users.find_one() == {"_id": 1, "n": 3}
        branches["shop"].users.insert_many([{"n": number} for number in range(10, 300)])
        assert len(list(Cursor(branches["shop"].users))) == 291
        assert [one["n"] for one in users.find({"n": {"$lt": 12}}).sort("n")] == [3, 10, 11]
        assert list(database.users.aggregate([{"$count": "n"}])) == [{"n": 291}]
        assert users.count_documents({}) == 291
        assert database.list_collection_names() == ["users"]
        assert set(users.index_information()) == {"_id_", "n_1"}
        with pytest.raises(BulkWriteError):
            users.insert_many([{"n": 1000}, {"n": 3}])
        users.rename("people")
        assert branches["shop"].list_collection_names() == ["people"]
        assert branches["shop"].people.count_documents({}) == 292
        with pytest.raises(UnsupportedOperation, match="another database"):
            branches.admin.command("renameCollection", "shop.people", to="other.people")
        database.people.drop()
        assert branches["shop"].list_collection_names() == []
        branches.drop_database("shop")
    assert "shop" not in client.list_database_names()

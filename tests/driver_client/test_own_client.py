"""A client that is made by its class, as libraries make theirs: its options, its limits, its end."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, _csot
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ExecutionTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from pymongo.pool_shared import PoolState
from pymongo.server_api import ServerApi
from pymongo.server_selectors import writable_server_selector

from argon import Argon, Branch, WALDatabase
from argon.driver.client import WALClient


@pytest.fixture
def database(argon: Argon) -> Iterator[str]:
    """The name of a database to work in, with nothing in it."""
    yield argon.database


def test_libraries_make_it_themselves(mongod_uri: str, database: str) -> None:
    uri = mongod_uri.replace("/?", "/shop?", 1)
    with WALClient[dict[str, Any]](
        uri, tz_aware=True, connect=False, argon_database=database, uuidRepresentation="standard"
    ) as client:
        assert client.codec_options.tz_aware
        assert client.get_default_database().name == client.get_database().name == "shop"
        client["shop"]["users"].insert_one({"_id": 1})
        assert client.get_database()["users"].find_one() == {"_id": 1}
        assert client["shop"].codec_options == client.codec_options
        assert client.list_database_names() == ["shop"]


def test_without_a_default_database(mongod_uri: str, database: str) -> None:
    with WALClient[dict[str, Any]](mongod_uri, argon_database=database) as client:
        with pytest.raises(ConfigurationError):
            client.get_default_database()
        assert client.get_default_database("shop@main").name == "shop"


def test_it_is_made_without_a_server_as_clients_are() -> None:
    client = WALClient[dict[str, Any]]("mongodb://127.0.0.1:9/", serverSelectionTimeoutMS=50)
    users = client["shop"]["users"]
    with pytest.raises(ServerSelectionTimeoutError):
        users.find_one()
    client.close()


def test_closing_a_client_of_its_own(mongod_uri: str, database: str) -> None:
    from pymongo.errors import InvalidOperation

    client = WALClient[dict[str, Any]](mongod_uri, argon_database=database)
    client["shop"]["users"].insert_one({})
    users = client["shop"]["users"]
    client.close()
    with pytest.raises(InvalidOperation):
        users.find_one()


def test_letting_go_of_a_view_of_an_open_argon_is_silent(argon: Argon, main: Branch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        argon.client()["shop"]["users"].insert_one({})
    assert WALDatabase(main)["users"].count_documents({}) == 1


def test_a_class_derived_from_it_keeps_what_it_sets_before_it_connects(mongod_uri: str, argon: Argon) -> None:
    class Labelled(WALClient[dict[str, Any]]):
        def __init__(self, label: str, **options: Any) -> None:
            self.label = label
            super().__init__(mongod_uri, **options)

    with Labelled("mine", argon_database=argon.database) as client:
        assert client.label == "mine"
        client["shop"]["users"].insert_one({"_id": 1})
        assert client["shop"]["users"].find_one() == {"_id": 1}


def test_a_strict_version_of_the_api_is_kept_to(mongod_uri: str, argon: Argon) -> None:
    strict = ServerApi("1", strict=True)
    with (
        MongoClient[dict[str, Any]](mongod_uri, server_api=strict) as plain,
        WALClient[dict[str, Any]](mongod_uri, server_api=strict, argon_database=argon.database) as client,
    ):
        client["shop"]["users"].insert_one({"_id": 1})
        assert list(client["shop"]["users"].aggregate([{"$match": {"_id": 1}}])) == [{"_id": 1}]
        errors = []
        for database in (plain[argon.database], client["shop"]):
            with pytest.raises(OperationFailure) as caught:
                database.command("driverOIDTest")
            errors.append((caught.value.code, str((caught.value.details or {}).get("errmsg"))))
    assert errors[0] == errors[1]
    assert errors[0][0] == 323


def test_a_paused_pool_fails_a_transaction_as_a_transient_error(mongod_uri: str, database: str) -> None:
    with WALClient[Any](mongod_uri, argon_database=database) as client:
        client["shop"]["users"].insert_one({"_id": 1})
        with client.start_session() as session:
            session.start_transaction()
            server = client._select_server(writable_server_selector, session, "test")
            server.pool.state = PoolState.PAUSED
            with pytest.raises(AutoReconnect) as raised, client._checkout(server, session):
                pass
            assert raised.value.has_error_label("TransientTransactionError")
            server.pool.state = PoolState.READY
            session.abort_transaction()


def test_a_block_without_a_limit_has_none_whatever_the_clients(mongod_uri: str, database: str) -> None:
    with WALClient[Any](mongod_uri, argon_database=database, timeoutMS=1) as client, pymongo.timeout(0):
        users = client["shop"]["users"]
        users.insert_many([{"_id": n, "v": n} for n in range(50)])
        users.create_index("v")
        users.update_many({"v": {"$gt": 9}}, {"$inc": {"v": 1}})
        assert users.count_documents({"v": {"$gt": 9}}) == 40
        users.drop_index("v_1")
        assert _csot.get_timeout() == 0


def test_an_error_of_time_says_which_limits_were_set(argon: Argon) -> None:
    users = argon.client()["shop"]["users"]
    users.insert_one({"_id": 1})
    raw = users.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    for collection in (users, raw):
        with pytest.raises(ExecutionTimeout, match=r"\(configured timeouts: .*\), full error: "):
            collection.find_one({"$where": "sleep(500) || true"}, max_time_ms=1)


def test_no_hosts_are_an_error_and_not_those_of_the_environment() -> None:
    with pytest.raises(ConfigurationError, match="need to specify at least one host"):
        WALClient([])

from __future__ import annotations

from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from argon.errors import InvalidSettings
from argon.features import FlagValue, Rollout, load_stored, store_flag, unset_flag
from argon.io import run, run_async


@pytest.fixture
def features(plain_db: Database[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """The empty collection of stored flags."""
    return plain_db["features"]


def test_nothing_is_stored_at_first(features: Collection[Any]) -> None:
    assert run(load_stored(features)) == {}


@pytest.mark.parametrize(
    "value", [True, False, Rollout(), Rollout(enabled=False, projects=("shop",), percent=2.5)]
)
def test_a_stored_flag_is_read_back(features: Collection[Any], value: FlagValue) -> None:
    run(store_flag(features, "wal_enabled", value))
    assert run(load_stored(features)) == {"wal_enabled": value}


def test_storing_again_replaces_that_flag_alone(features: Collection[Any]) -> None:
    run(store_flag(features, "wal_enabled", False))
    run(store_flag(features, "wal_time_travel", False))
    run(store_flag(features, "wal_enabled", Rollout(percent=10)))
    assert run(load_stored(features)) == {"wal_enabled": Rollout(percent=10), "wal_time_travel": False}


def test_unset_forgets_a_flag(features: Collection[Any]) -> None:
    run(store_flag(features, "wal_enabled", False))
    assert run(unset_flag(features, "wal_enabled")) is True
    assert run(unset_flag(features, "wal_enabled")) is False
    assert run(load_stored(features)) == {}


@pytest.mark.parametrize(("flag", "value"), [("wal", True), ("wal_enabled", "on"), ("wal_enabled", None)])
def test_what_is_wrong_is_not_stored(features: Collection[Any], flag: str, value: Any) -> None:
    with pytest.raises(InvalidSettings):
        run(store_flag(features, flag, value))
    assert features.count_documents({}) == 0


def test_a_flag_of_a_newer_version_is_left_out(features: Collection[Any]) -> None:
    features.insert_one({"_id": "wal_tomorrow", "value": {"shape": "unknown"}})
    assert run(load_stored(features)) == {}


@pytest.mark.parametrize("document", [{}, {"value": "yes"}, {"value": {"percent": 1000}}])
def test_a_broken_value_is_an_error_that_says_how_to_mend_it(
    features: Collection[Any], document: dict[str, Any]
) -> None:
    features.insert_one({"_id": "wal_enabled"} | document)
    with pytest.raises(InvalidSettings, match=r"in the database.*argon features set wal_enabled true"):
        run(load_stored(features))
    run(store_flag(features, "wal_enabled", True))
    assert run(load_stored(features)) == {"wal_enabled": True}


@pytest.mark.parametrize("library", [AsyncMongoClient, AsyncIOMotorClient])
async def test_the_same_operations_run_on_the_async_drivers(
    mongod_uri: str, features: Collection[Any], library: Any
) -> None:
    client = library(mongod_uri)
    collection = client[features.database.name]["features"]
    await run_async(store_flag(collection, "wal_enabled", Rollout(percent=10)))
    assert await run_async(load_stored(collection)) == run(load_stored(features))
    assert await run_async(unset_flag(collection, "wal_enabled")) is True
    closed = client.close()
    if closed is not None:
        await closed

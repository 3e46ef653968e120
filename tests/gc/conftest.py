"""What the tests of garbage collection share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from argon import Argon, Project, WALDatabase
from argon.gc.collect import Terms

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

AT_ONCE = Terms(retention=0.0, grace=0.0, batch=3, young=timedelta(0))
"""Keep nothing that is not held, and wait for nobody."""


@pytest.fixture
def forgetful(argon: Argon) -> Argon:
    """Argon that keeps no history by itself."""
    argon.terms = AT_ONCE
    return argon


@pytest.fixture(scope="module")
def shared(mongod_uri: str, client: MongoClient[Any]) -> Iterator[Argon]:
    """The same, for a whole module."""
    name = f"retention_{uuid.uuid4().hex[:12]}"
    with Argon(mongod_uri, database=name) as argon:
        argon.terms = AT_ONCE
        yield argon
    client.drop_database(name)


@pytest.fixture
def shop(forgetful: Argon) -> Project:
    """A project that keeps no history by itself."""
    return forgetful.create_project("shop")


@pytest.fixture
def data(shop: Project) -> WALDatabase[dict[str, Any]]:
    """Its main branch."""
    return WALDatabase(shop.branch())


@pytest.fixture
def plain(forgetful: Argon) -> Database[Any]:
    """The database that holds everything, as it is."""
    database: Database[Any] = forgetful.mongo[forgetful.database]
    return database


def shown(database: Any, **point: Any) -> list[dict[str, Any]]:
    view = database.at(**point) if point else database
    return sorted(view["users"].find(), key=lambda document: str(document["_id"]))


def rows_of(plain: Database[Any]) -> int:
    """How many rows there are of documents, physically."""
    names = [name for name in plain.list_collection_names() if name.startswith("rows_")]
    return sum(plain[name].count_documents({}) for name in names)

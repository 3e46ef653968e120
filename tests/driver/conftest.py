"""Databases with the same documents: a plain one and branches."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import IndexModel, MongoClient

from argon import Argon

from .parity import Document, Faces, Indexes, seed, with_past
from .shop import INDEXES, SHOP, USERS

Make = Callable[..., Faces]


@pytest.fixture(scope="session")
def shared_argon(mongod_uri: str, client: MongoClient[Any]) -> Iterator[Argon]:
    """One Argon for the whole run; each test has a project of its own in it."""
    name = f"driver_{uuid.uuid4().hex[:12]}"
    with Argon(mongod_uri, database=name) as argon:
        yield argon
    client.drop_database(name)


@pytest.fixture(scope="session")
def make_faces(shared_argon: Argon, client: MongoClient[Any]) -> Iterator[Make]:
    """Make faces of given collections."""
    made: list[Faces] = []

    def make(indexes: Indexes | None = None, **collections: list[Document]) -> Faces:
        project = shared_argon.create_project(f"p{uuid.uuid4().hex[:12]}")
        made.append(seed(project, client[f"plain_{project.name}"], collections, indexes or {}))
        return made[-1]

    yield make
    for faces in made:
        for name in faces.plain.list_collection_names():  # faster than to drop a database
            faces.plain.drop_collection(name)


@pytest.fixture(scope="session")
def reading(make_faces: Make) -> Faces:
    """A shop that nobody changes, with all views."""
    return with_past(make_faces(INDEXES, **SHOP))


@pytest.fixture(scope="session")
def _shared_users(make_faces: Make) -> Faces:
    return make_faces({"users": [IndexModel([("age", 1)])]}, users=USERS)


@pytest.fixture
def writing(_shared_users: Faces) -> Faces:
    """Users that a test may change, on main and a child; other collections it may make."""
    _shared_users.restore("users", USERS)
    return _shared_users


@pytest.fixture
def empty(make_faces: Make) -> Faces:
    """Nothing yet, on main and a child."""
    return make_faces()

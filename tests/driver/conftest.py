"""Databases with the same documents: a plain one and branches."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from argon import Argon

from .parity import Document, Faces, Indexes, seed
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
    made: list[str] = []

    def make(indexes: Indexes | None = None, **collections: list[Document]) -> Faces:
        name = f"p{uuid.uuid4().hex[:12]}"
        made.append(f"plain_{name}")
        return seed(shared_argon.create_project(name), client[made[-1]], collections, indexes or {})

    yield make
    for name in made:
        client.drop_database(name)


@pytest.fixture(scope="session")
def reading(make_faces: Make) -> Faces:
    """A shop that nobody changes, with all views."""
    return make_faces(INDEXES, **SHOP)


@pytest.fixture
def writing(make_faces: Make) -> Faces:
    """Users that a test may change, on main and a child."""
    faces = make_faces(users=USERS)
    del faces.views["past"], faces.views["past of child"]
    return faces


@pytest.fixture
def empty(make_faces: Make) -> Faces:
    """Nothing yet, on main and a child."""
    faces = make_faces()
    del faces.views["past"], faces.views["past of child"]
    return faces

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from argon.retention.collect import Terms

if TYPE_CHECKING:
    from pymongo import MongoClient

    from argon import Argon

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
    from argon import Argon

    name = f"retention_{uuid.uuid4().hex[:12]}"
    with Argon(mongod_uri, database=name) as argon:
        argon.terms = AT_ONCE
        yield argon
    client.drop_database(name)

"""What applications need: a place of their own, and a branch beside the main one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient


@pytest.fixture
def store(client: MongoClient[Any]) -> Iterator[str]:
    """A database of Argon's own for one test."""
    name = f"application_{uuid.uuid4().hex[:12]}"
    yield name
    client.drop_database(name)

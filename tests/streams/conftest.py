"""What the tests of change streams share."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database

from argon import WALDatabase

from .twins import Twins


@pytest.fixture
def twins(plain_db: Database[dict[str, Any]], db: WALDatabase[Any]) -> Twins:
    """An ordinary database and a branch."""
    return Twins(plain_db, db)

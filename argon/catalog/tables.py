"""The physical collections that belong to Argon itself, and their indexes."""

from __future__ import annotations

import hashlib
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import CollectionInvalid, OperationFailure
from pymongo.write_concern import WriteConcern

from argon.io import Operation
from argon.versions.layout import STORE_INDEXES
from argon.wal.log import LOG, indexes

PROJECTS = "projects"
BRANCHES = "branches"
COLLECTIONS = "collections"
COUNTERS = "counters"
FEATURES = "features"
TAGS = "tags"
STORE_PREFIX = "rows_"
_LONGEST_PREFIX = 30
"""So that the name of a classic branch's database stays within MongoDB's 63 bytes."""

_CLUSTERED = {"key": {"_id": 1}, "unique": True}
_ALREADY_THERE = 48
_ACTIVE = {"status": "active"}


def ensure_tables(database: Any) -> Operation[None]:
    """Create what is not there yet; safe to run from any number of processes at once.

    Args:
        database: The database that holds everything.
    """
    present = yield database.list_collection_names()
    wanted = {LOG, PROJECTS, BRANCHES, COLLECTIONS, TAGS}
    if wanted <= set(present):
        return
    yield from _create(database, LOG, clusteredIndex=_CLUSTERED)
    yield database[LOG].create_indexes([IndexModel(keys, **options) for keys, options in indexes()])
    yield from create_store(database, COLLECTIONS)
    named = IndexModel(
        [("project_id", ASCENDING), ("name", ASCENDING)], unique=True, partialFilterExpression=_ACTIVE
    )
    yield database[BRANCHES].create_indexes([named, IndexModel([("parent_id", ASCENDING)])])
    yield database[TAGS].create_index([("project_id", ASCENDING), ("name", ASCENDING)], unique=True)
    # Last, because its presence says that the others are there.
    yield database[PROJECTS].create_index([("name", ASCENDING)], unique=True, partialFilterExpression=_ACTIVE)


def create_store(database: Any, name: str, collation: Any = None) -> Operation[None]:
    """Create the physical collection of a logical one.

    Args:
        database: The database that holds everything.
        name: The physical name.
        collation: The logical collection's default collation; ids are compared by it too.
    """
    options: dict[str, Any] = {} if collation is None else {"collation": collation}
    yield from _create(database, name, clusteredIndex=_CLUSTERED, **options)
    models = [IndexModel(list(keys), unique=unique) for keys, unique in STORE_INDEXES]
    yield database[name].create_indexes(models)


def new_number(database: Any, *, within: bool = False) -> Operation[int]:
    """Reserve the number that stands for a branch in version rows.

    Args:
        database: The database that holds everything.
        within: Whether a transaction has read or written something already, and uses the number. It then
            waits for no journal: a primary forgets its open transactions when it steps down, so one that
            commits does so where the counter had moved before, and who has the commit has that too.
    """
    counters = database[COUNTERS]
    if within:
        counters = counters.with_options(write_concern=WriteConcern(1))
    counter = yield counters.find_one_and_update(
        {"_id": "branch_number"},
        {"$inc": {"value": 1}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    return int(counter["value"])


def classic_database(database: Any, branch_id: ObjectId | str) -> str:
    """Return the name of the physical database of a classic branch.

    Args:
        database: The database that holds everything.
        branch_id: The branch; an empty string gives the beginning that all names have.
    """
    prefix: str = database.name
    if len(prefix.encode()) > _LONGEST_PREFIX:
        prefix = f"argon_{hashlib.sha256(prefix.encode()).hexdigest()[:16]}"
    return f"{prefix}_classic_{branch_id}"


def _create(database: Any, name: str, **options: Any) -> Operation[None]:
    try:
        yield database.create_collection(name, check_exists=False, **options)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _ALREADY_THERE:
            raise

"""Building indexes: the physical one that branches share, and what the server says of duplicates."""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from pymongo.errors import OperationFailure

from argon.catalog.tables import BRANCHES, COLLECTIONS
from argon.engine.errors import command_error, renamed
from argon.engine.max_time import NO_LIMIT, MaxTime
from argon.engine.pipelines import aggregate
from argon.engine.query import Reader
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord
from argon.rewrite.index import physical_keys, physical_options
from argon.versions.layout import MAX_LSN, RAW_CODEC

_DEFINED_OTHERWISE = frozenset({85, 86})
_PAGE = 1000


def build_index(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, limit: MaxTime = NO_LIMIT
) -> Operation[None]:
    """Build the physical index, which all branches share, where it is not there yet."""
    store = snapshot.engine.plain[record.store]
    keys = physical_keys(index.key, index.options)
    options = physical_options(index.key, index.options)
    try:
        yield store.create_index(keys, name=index.physical, **options, **limit.option())
    except OperationFailure as error:
        if error.code not in _DEFINED_OTHERWISE:
            raise renamed(error, store.full_name, snapshot.namespace(record.name)) from error
        if "text" not in [kind for _, kind in index.key]:
            return  # the same physical index under another definition's name
        yield from _drop_text_index(snapshot, record, error)
        yield store.create_index(keys, name=index.physical, **options, **limit.option())


def _drop_text_index(
    snapshot: Snapshot, record: CollectionRecord, conflict: OperationFailure
) -> Operation[None]:
    """Make room for another text index, of which the server allows one, if no live branch has this one.

    Raises:
        OperationFailure: One has.
    """
    engine = snapshot.engine
    store = engine.plain[record.store]
    found = yield (yield store.list_indexes()).to_list(None)
    [physical] = [index["name"] for index in found if "textIndexVersion" in index]
    rows = (
        yield engine.plain[COLLECTIONS]
        .find({"d.store": record.store, "d.indexes.physical": physical}, {"_id": 1, "f": 1})
        .to_list(None)
    )
    seen: list[dict[str, Any]] = []
    for row in rows:
        number, end = row["_id"]["b"], row["_id"]["t"]
        if end == MAX_LSN:
            seen.append({"number": number})
        # Whether a branch below hides it is not asked: better to keep it once too often.
        forks = {"$gte": row["f"], "$lt": end}
        seen.append({"lineage": {"$elemMatch": {"number": number, "fork": forks}}})
    if seen and (yield engine.plain[BRANCHES].find_one({"status": "active", "$or": seen})) is not None:
        text = (
            "a collection has one text index over all branches, and another branch has defined a "
            "different one: drop that one first"
        )
        raise command_error({**(conflict.details or {}), "errmsg": text}) from conflict
    yield store.drop_index(physical)


def refuse_duplicates(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, limit: MaxTime
) -> Operation[None]:
    """Build the index on copies of its fields, which says exactly what the server would say."""
    partial = index.options.get("partialFilterExpression")
    stages: list[dict[str, Any]] = [{"$match": partial}] if partial else []
    stages.append({"$project": {field.split(".")[0]: 1 for field, _ in index.key}})
    cursor = yield from aggregate(
        snapshot,
        record.space,
        record.name,
        stages,
        Reader(RAW_CODEC),
        {"allowDiskUse": True, **limit.option()},
    )
    page = yield cursor.to_list(_PAGE)
    if not page:
        return
    trial = snapshot.engine.plain[f"scratch_index_{ObjectId()}"]
    options = {name: value for name, value in index.options.items() if name != "partialFilterExpression"}
    if record.collation is not None:
        options.setdefault("collation", record.collation)
    try:
        while page:
            yield trial.insert_many(page)
            page = yield cursor.to_list(_PAGE)
        yield trial.create_index(index.key, name=index.name, **options, **limit.option())
    except OperationFailure as error:
        raise renamed(error, trial.full_name, snapshot.namespace(record.name)) from error
    finally:
        yield trial.drop()

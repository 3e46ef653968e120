"""What the server explains of a physical query, with the names that its user knows.

The fields stay those of rows, since they are what is read; a physical index
that is none of the collection's now keeps its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon.engine.snapshot import Snapshot
from argon.models import CollectionRecord


def in_logical_names(plan: Any, snapshot: Snapshot, space: str, name: str | None, database: str) -> Any:
    """Return a plan with the names of collections and indexes instead of those of stores.

    Args:
        plan: What the server explains.
        snapshot: What was read.
        space: The namespace of the collection.
        name: The collection; None for a pipeline over none.
        database: The name that the branch has as a database.
    """
    records = snapshot.catalog.records(space)
    asked = [record for record in records if record.name == name and record.kind == "collection"]
    physical = snapshot.engine.plain.name
    stores = {record.store: record.name for record in records if record.store}
    namespaces = {f"{physical}.{store}": f"{database}.{told}" for store, told in stores.items()}
    return _renamed(plan, {**stores, **namespaces, **_indexes(asked or records), physical: database})


def _indexes(records: list[CollectionRecord]) -> dict[str, str]:
    return {index.physical: index.name for record in records for index in record.indexes}


_TOLD = frozenset({"$db", "aggregate", "find", "indexName", "namespace"})
"""The fields of a plan whose values are names."""


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        field: names.get(one, one) if field in _TOLD and isinstance(one, str) else _renamed(one, names)
        for field, one in value.items()
    }

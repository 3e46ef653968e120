"""Stages that ask about a collection itself, answered for the logical one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argon.errors import UnsupportedOperation
from argon.models import CollectionRecord
from argon.versions.layout import ID_INDEX

Stage = Mapping[str, Any]


def about_collection(stages: Sequence[Any], record: CollectionRecord | None, namespace: str) -> list[Any]:
    """Rewrite a leading stage about the collection, so that it speaks of what the branch has.

    Args:
        stages: The user's pipeline.
        record: The collection; None where it does not exist.
        namespace: What stands for ``database.collection``.

    Returns:
        A pipeline for the rows' rewriting.

    Raises:
        UnsupportedOperation: The stage asks about the physical store.
    """
    first = stages[0] if stages and isinstance(stages[0], Mapping) else {}
    if record is None or len(first) != 1:
        return list(stages)
    if "$indexStats" in first:
        return [first, *_index_names(record), *stages[1:]]
    if "$collStats" in first:
        if first["$collStats"] != {"count": {}}:
            raise UnsupportedOperation(
                "$collStats describes a physical collection, which holds all branches: ask it for the count "
                "alone, {'count': {}}"
            )
        return [*_count(namespace), *stages[1:]]
    if "$planCacheStats" in first:
        raise UnsupportedOperation("$planCacheStats describes physical queries: use find().explain()")
    return list(stages)


def _index_names(record: CollectionRecord) -> list[Stage]:
    """Name indexes as the user does, and leave out those of other branches."""
    logical: dict[str, Any] = {} if record.clustered else {ID_INDEX: record.id_index}
    logical |= {index.physical: index.described for index in record.indexes}
    branches = []
    for physical, spec in logical.items():
        known = {"name": spec["name"], "key": spec["key"], "spec": spec}
        branches.append({"case": {"$eq": ["$name", physical]}, "then": {"$literal": known}})
    return [
        {"$match": {"name": {"$in": list(logical)}}},
        {"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$switch": {"branches": branches}}]}},
    ]


def _count(namespace: str) -> list[Stage]:
    # A facet gives a document also where there is nothing to count.
    answer = {
        "ns": {"$literal": namespace},
        "localTime": "$$NOW",
        "count": {"$ifNull": [{"$first": "$counted.n"}, 0]},
    }
    return [{"$facet": {"counted": [{"$count": "n"}]}}, {"$replaceWith": answer}]

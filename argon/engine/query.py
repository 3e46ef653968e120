"""What a reader asks for, in the user's terms, and how the handle reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bson.codec_options import CodecOptions
from bson.min_key import MinKey

from argon.engine.errors import command_error
from argon.engine.snapshot import Snapshot
from argon.models import CollectionRecord
from argon.rewrite.index import physical_keys
from argon.rewrite.projection import prefix_projection
from argon.versions.layout import ID_INDEX

_STORES = 64


@dataclass
class FindSpec:
    """What a cursor was asked for, in the user's terms.

    Attributes:
        filter: The query.
        projection: Fields, in any form that ``find`` takes.
        sort: Pairs of field and direction.
        skip: Documents to leave out.
        limit: Documents to return at most; 0 for all.
        hint: Index name, key or ``$natural``.
        collation: For comparisons of strings.
        options: The rest, which is passed on unchanged.
    """

    filter: Mapping[str, Any]
    projection: Any = None
    sort: list[tuple[str, Any]] | None = None
    skip: int = 0
    limit: int = 0
    hint: Any = None
    collation: Any = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reader:
    """How a handle reads: the user's codec, read preference and read concern."""

    codec: CodecOptions[Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    _stores: dict[tuple[str, bool, bool], Any] = field(default_factory=dict)

    def store(self, snapshot: Snapshot, name: str) -> Any:
        """Return a store to read from; each is made once, since making one costs as much as a small query."""
        key = (name, snapshot.view.simple, snapshot.session is None)
        store = self._stores.get(key)
        if store is None:
            if len(self._stores) >= _STORES:
                self._stores.clear()
            store = self._stores[key] = snapshot.rows(name, self.codec, **self.options)
        return store


def find_stages(spec: FindSpec) -> list[dict[str, Any]]:
    """Write a find as the stages that mean the same."""
    stages: list[dict[str, Any]] = [{"$match": spec.filter}]
    if spec.sort:
        stages.append({"$sort": dict(spec.sort)})
    if spec.skip:
        stages.append({"$skip": spec.skip})
    if spec.limit:
        stages.append({"$limit": abs(spec.limit)})
    if spec.projection:
        stages.append({"$project": prefix_projection(spec.projection).document})
    return stages


def physical_hint(record: CollectionRecord, hint: Any) -> Any:
    """Turn an index hint into that of the physical index.

    Returns:
        The physical index's name; the hint itself where it names no index,
        so that the server refuses it; None for no hint and for natural order.
    """
    if hint is None:
        return None
    keys = None if isinstance(hint, str) else list(hint.items() if isinstance(hint, Mapping) else hint)
    if keys is not None and keys and keys[0][0] == "$natural":
        return None
    if hint == record.id_index["name"] or keys == [("_id", 1)]:
        return ID_INDEX
    for index in record.indexes:
        if index.name == hint or (keys is not None and [tuple(key) for key in index.key] == keys):
            return index.physical
    return hint if isinstance(hint, str) else dict(keys or [])


def physical_bounds(spec: FindSpec) -> dict[str, Any]:
    """Turn ``min`` and ``max`` of a find into bounds of the physical index, which goes on after their keys.

    Args:
        spec: The find; its hint names the index.

    Raises:
        OperationFailure: A bound is no document.
    """
    bounds: dict[str, Any] = {}
    for side in ("min", "max"):
        given = spec.options.get(side)
        if given and not isinstance(given, Mapping):
            text = f"BSON field 'find.{side}' is the wrong type, expected type 'object'"
            raise command_error({"code": 14, "codeName": "TypeMismatch", "errmsg": text})
        if given:
            keys = physical_keys([(path, 1) for path in given])
            values = [*given.values(), *[MinKey()] * (len(keys) - len(given))]
            bounds[side] = {path: value for (path, _), value in zip(keys, values, strict=True)}
    return bounds


def natural(spec: FindSpec) -> int | None:
    """Return the direction of the natural order, if a find asks for it by sort or hint."""
    if spec.sort and spec.sort[0][0] == "$natural":
        return int(spec.sort[0][1])
    hint = spec.hint
    if isinstance(hint, Mapping | list | tuple) and not isinstance(hint, str):
        keys = list(hint.items() if isinstance(hint, Mapping) else hint)
        if keys and keys[0][0] == "$natural":
            return int(keys[0][1])
    return None


def command_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give a cursor's options the names that commands have for them."""
    names = {"allow_disk_use": "allowDiskUse", "max_time_ms": "maxTimeMS", "batch_size": "batchSize"}
    return {names.get(key, key): value for key, value in options.items()}

"""Dropping physical indexes that no reachable state defines.

They cost every write, and some refuse documents: a ``2dsphere`` index holds
all branches to its rules for as long as it is there. An index is built before
the commit that defines it, so one goes only after it has been seen unused for
some time, and comes back if it was defined in the moment in which it went.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo.errors import OperationFailure

from argon.catalog.tables import COUNTERS
from argon.gc.catalogue import Catalogues
from argon.gc.report import GCReport
from argon.io import Operation
from argon.retention.held import Held
from argon.versions.layout import ID_INDEX

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_GONE = (26, 27)
"""The server's NamespaceNotFound and IndexNotFound."""


def drop_indexes(
    engine: Engine, project_id: ObjectId, lines: Iterable[Held], report: GCReport, young: timedelta
) -> Operation[None]:
    """Drop the physical indexes of a project's collections that no reachable state defines.

    Args:
        engine: The engine.
        project_id: The project.
        lines: What is held of its lines.
        report: Takes note of what goes.
        young: For how long an index must have been seen unused.
    """
    lines = list(lines)
    defined = yield from _defined(engine, lines)
    unused: dict[str, tuple[str, dict[str, Any]]] = {}
    for store, names in defined.items():
        for spec in (yield from _present(engine, store)):
            if spec["name"] not in names:
                unused[f"{store} {spec['name']}"] = (store, spec)
    yield from engine.clock.refresh()
    now = engine.clock.now()
    table, key = engine.plain[COUNTERS], {"_id": f"unused:{project_id}"}
    remembered = (yield table.find_one(key)) or {}
    since = {one["index"]: one["since"] for one in remembered.get("indexes", ())}
    seen = {index: min(since.get(index, now), now) for index in unused}
    dropped = [index for index, first in seen.items() if first + young <= now]
    for index in dropped:
        report.indexes.append(index)
    if report.dry_run:
        return
    for index in dropped:
        store, spec = unused[index]
        yield from _drop(engine, store, spec["name"])
    again: dict[str, set[str]] = {}
    if dropped:
        again = yield from _defined(engine, lines)
    for index in dropped:
        store, spec = unused[index]
        if spec["name"] in again.get(store, ()):
            yield engine.plain.command("createIndexes", store, indexes=[spec])
    waiting = [{"index": index, "since": first} for index, first in seen.items() if index not in dropped]
    if waiting or since:
        yield table.update_one(key, {"$set": {"indexes": waiting}}, upsert=True)


def _defined(engine: Engine, lines: list[Held]) -> Operation[dict[str, set[str]]]:
    """Return the physical indexes that reachable states define, by physical collection."""
    catalogues = Catalogues(engine)
    defined: dict[str, set[str]] = {}
    for line in lines:
        for version in (yield from catalogues.of(line.branch.number)):
            if version.store and line.sees(version.begin, version.end):
                defined.setdefault(version.store, {ID_INDEX}).update(version.indexes)
    return defined


def _present(engine: Engine, store: str) -> Operation[list[dict[str, Any]]]:
    try:
        cursor = yield engine.plain[store].list_indexes()
        found: list[dict[str, Any]] = yield cursor.to_list(None)
    except OperationFailure as error:
        if error.code in _GONE:
            return []
        raise
    return [
        {key: value for key, value in index.items() if key not in ("v", "ns")}
        for index in found
        if "clustered" not in index
    ]


def _drop(engine: Engine, store: str, name: str) -> Operation[None]:
    try:
        yield engine.plain[store].drop_index(name)
    except OperationFailure as error:
        if error.code not in _GONE:
            raise

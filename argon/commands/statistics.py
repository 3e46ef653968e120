"""Commands about sizes and soundness. Sizes are those of the documents that the branch has."""

from __future__ import annotations

from typing import Any

from argon.commands.request import Command, Reply, Request, check_fields, collection_name
from argon.engine import reading
from argon.engine.errors import command_error
from argon.engine.prepare import Target, existing_record, refuse_view
from argon.io import Operation
from argon.materializer.verify import verify
from argon.models import CollectionRecord
from argon.versions.layout import RAW_CODEC

_SIZE = {"$group": {"_id": None, "n": {"$sum": 1}, "size": {"$sum": {"$bsonSize": "$$ROOT"}}}}
_OF_THE_DISK = ("fsUsedSize", "fsTotalSize")


def coll_stats(request: Request, command: Command) -> Operation[Reply]:
    """Run ``collStats``."""
    check_fields(command, frozenset({"scale"}))
    name = collection_name(command)
    scale = int(command.get("scale") or 1)
    snapshot = yield from request.handle.snapshot()
    record = snapshot.record(request.space, name)
    if record is not None:
        refuse_view(snapshot, record)
    count, size = yield from _size(request, name)
    names = [] if record is None else _index_names(record)
    average = {"avgObjSize": size // count} if count else {}
    return {
        "ns": request.namespace(name),
        "size": size // scale,
        "count": count,
        **average,
        "numOrphanDocs": 0,
        "storageSize": size // scale,
        "freeStorageSize": 0,
        "capped": False,
        **({"clustered": True} if record is not None and record.clustered else {}),
        "nindexes": len(names),
        "indexBuilds": [],
        "totalIndexSize": 0,
        "totalSize": size // scale,
        "indexSizes": dict.fromkeys(names, 0),
        "scaleFactor": scale,
        "ok": 1.0,
    }


def db_stats(request: Request, command: Command) -> Operation[Reply]:
    """Run ``dbStats``."""
    check_fields(command, frozenset({"freeStorage", "scale"}))
    scale = int(command.get("scale") or 1)
    snapshot = yield from request.handle.snapshot()
    records = list(snapshot.catalog.records(request.space))
    collections = [record for record in records if record.kind == "collection"]
    objects = data = 0
    for record in collections:
        count, size = yield from _size(request, record.name)
        objects, data = objects + count, data + size
    disk = yield snapshot.engine.plain.command("dbStats", scale=scale)
    return {
        "db": request.database,
        "collections": len(collections),
        "views": len(records) - len(collections),
        "objects": objects,
        "avgObjSize": data / objects if objects else 0.0,
        "dataSize": data / scale,
        "storageSize": data / scale,
        "indexes": sum(1 + len(record.indexes) for record in collections),
        "indexSize": 0.0,
        "totalSize": data / scale,
        "scaleFactor": float(scale),
        **{key: disk[key] for key in _OF_THE_DISK if key in disk},
        "ok": 1.0,
    }


def data_size(request: Request, command: Command) -> Operation[Reply]:
    """Run ``dataSize``."""
    check_fields(command, frozenset({"estimate", "keyPattern", "max", "min"}))
    full = collection_name(command)
    name = full.removeprefix(f"{request.database}.")
    if name == full:
        text = f"{full!r} is no namespace of {request.database!r}"
        raise command_error({"code": 73, "codeName": "InvalidNamespace", "errmsg": text})
    count, size = yield from _size(request, name)
    return {"estimate": False, "size": size, "numObjects": count, "millis": 0, "ok": 1.0}


def validate(request: Request, command: Command) -> Operation[Reply]:
    """Run ``validate``: read all documents; with ``full``, hold the project's log against its rows."""
    check_fields(
        command, frozenset({"background", "checkBSONConformance", "full", "metadata", "repair", "scandata"})
    )
    name = collection_name(command)
    snapshot = yield from request.handle.snapshot()
    missing = f"Collection '{request.namespace(name)}' does not exist to validate."
    record = existing_record(snapshot, request.space, name, missing)
    refuse_view(snapshot, record)
    if command.get("repair"):
        text = "a branch is mended by 'argon verify --repair'"
        raise command_error({"code": 20, "codeName": "IllegalOperation", "errmsg": text})
    if command.get("full") and command.get("background"):
        text = (
            "Running the validate command with both { background: true } and { full: true } is not supported"
        )
        raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})
    count, _ = yield from _size(request, name)
    errors: list[str] = []
    if command.get("full"):
        report = yield from verify(snapshot.engine, snapshot.branch.project_id)
        errors = [problem.message for problem in report.problems]
    names = _index_names(record)
    return {
        "ns": request.namespace(name),
        "nInvalidDocuments": 0,
        "nNonCompliantDocuments": 0,
        "nrecords": count,
        "nIndexes": len(names),
        "keysPerIndex": dict.fromkeys(names, count),
        "indexDetails": {index: {"valid": True} for index in names},
        "valid": not errors,
        "repaired": False,
        "warnings": [],
        "errors": errors,
        "extraIndexEntries": [],
        "missingIndexEntries": [],
        "corruptRecords": [],
        "ok": 1.0,
    }


def _index_names(record: CollectionRecord) -> list[str]:
    """Name the indexes that a collection has beside its documents."""
    own = [] if record.clustered else [str(record.id_index["name"])]
    return [*own, *(index.name for index in record.indexes)]


def _size(request: Request, name: str) -> Operation[tuple[int, int]]:
    """Count the documents of a collection, and their bytes."""
    target = Target(request.space, name, RAW_CODEC)
    cursor = yield from reading.aggregate(request.handle, target, name, [_SIZE], request.reader, {})
    found: list[Any] = yield cursor.to_list(1)
    return (int(found[0]["n"]), int(found[0]["size"])) if found else (0, 0)

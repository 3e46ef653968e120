"""What every write needs first: the collection, which comes into being with its first document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bson.codec_options import CodecOptions

from argon.catalog.collections import new_record
from argon.catalog.tables import create_store
from argon.engine.errors import command_error
from argon.engine.snapshot import Snapshot
from argon.engine.specs import DeleteSpec, UpdateSpec
from argon.io import Operation
from argon.models import CollectionRecord
from argon.names import check_new_collection_name
from argon.profiling import SHOWN_AS
from argon.wal.change import Change

S = TypeVar("S", UpdateSpec, DeleteSpec)


@dataclass
class Target:
    """The collection that a write is for.

    Attributes:
        space: Its namespace.
        name: Its name.
        codec: The user's own types.
        bypass: ``bypass_document_validation`` as the user gave it.
        fresh: The record of the collection that this write is about to create;
            kept over repeated plans, so that a lost race leaves no second store.
    """

    space: str
    name: str
    codec: CodecOptions[Any]
    bypass: bool | None = None
    fresh: list[CollectionRecord] = field(default_factory=list)


def existing(target: Target, snapshot: Snapshot) -> Operation[tuple[CollectionRecord, list[Change]]]:
    """Return the collection's record, and its creation where it does not exist yet.

    Args:
        target: The collection.
        snapshot: The head.

    Raises:
        OperationFailure: It is a view.
        InvalidName: It would have to be made, and its name is not allowed.
    """
    record = snapshot.record(target.space, target.name)
    if record is not None:
        refuse_view(snapshot, record)
        return record, []
    if not target.fresh:
        check_new_collection_name(snapshot.project or "db", target.name)
        fresh = new_record(target.space, target.name)
        # Physical collections are made outside the transaction; one that a lost
        # race leaves behind is empty and nobody's.
        yield from create_store(snapshot.engine.plain, fresh.store)
        target.fresh.append(fresh)
    return target.fresh[0], [snapshot.catalog.create(target.fresh[0])]


IS_VIEW = 166


def refuse_view(snapshot: Snapshot, record: CollectionRecord) -> None:
    """Refuse to do to a view what can be done to collections only, as the server does."""
    if record.name == SHOWN_AS:
        text = f"cannot write to {snapshot.namespace(record.name)}"
        raise command_error({"code": 73, "codeName": "InvalidNamespace", "errmsg": text})
    if record.kind == "view":
        text = f"Namespace {snapshot.namespace(record.name)} is a view, not a collection"
        raise command_error({"code": IS_VIEW, "codeName": "CommandNotSupportedOnView", "errmsg": text})


def refuse_write_to_view(
    snapshot: Snapshot, record: CollectionRecord, spec: S, judge: Callable[[S], Operation[None]]
) -> Operation[None]:
    """Refuse to update or to delete in a view; a find-and-modify is looked at first, but for its projection.

    Args:
        snapshot: The head.
        record: What is written to, a view or not.
        spec: The write.
        judge: Raises what is wrong with a write itself.

    Raises:
        OperationFailure: It is a view, or the write is invalid.
    """
    if record.kind != "view":
        return
    if spec.is_find_and_modify:
        yield from judge(replace(spec, projection=None))
    refuse_view(snapshot, record)


def existing_record(snapshot: Snapshot, space: str, name: str, text: str | None = None) -> CollectionRecord:
    """Return a collection's record, or raise the server's error where there is none."""
    record = snapshot.record(space, name)
    if record is None:
        raise command_error(
            {
                "code": 26,
                "codeName": "NamespaceNotFound",
                "errmsg": text or f"ns does not exist: {snapshot.namespace(name)}",
            }
        )
    return record

"""Inserting what an update with ``upsert`` did not find."""

from __future__ import annotations

from typing import Any

from argon.engine.documents import incoming
from argon.engine.errors import command_error, duplicate_key
from argon.engine.evaluate import inserted
from argon.engine.prepare import Target, existing
from argon.engine.snapshot import Snapshot
from argon.engine.specs import Updated, UpdateSpec
from argon.engine.unique import unique_check
from argon.engine.visible import rows_by_id
from argon.io import Operation
from argon.rewrite.filter import equality_id
from argon.rewrite.paths import has_duplicate_keys
from argon.rewrite.update import is_replacement
from argon.wal.change import Change, Plan


def plan_upsert(target: Target, spec: UpdateSpec, snapshot: Snapshot) -> Operation[Plan]:
    """Plan the insert of an update that matches nothing.

    Args:
        target: The collection.
        spec: The update.
        snapshot: The head.

    Returns:
        A plan whose reply is an :class:`Updated`.
    """
    record, changes = yield from existing(target, snapshot)
    found, identity = equality_id(spec.filter)
    plain = (
        is_replacement(spec.update)
        and found
        and len(spec.filter) == 1
        and "_id" not in spec.update
        and not has_duplicate_keys(spec.update)
        and not spec.is_find_and_modify
        and not record.validated
    )
    document = None
    if plain:
        document = incoming({"_id": identity, **spec.update}, target.codec)
    answer: Any = None
    if document is None or document.odd:
        answer, image = yield from inserted(target, spec, snapshot, record)
    else:
        image = document.raw
    # The filter did not match, and yet the id may be taken: the server then refuses the insert.
    taken = [] if changes else (yield from rows_by_id(snapshot, record, [image["_id"]]))
    if taken:
        raise command_error(
            {
                "index": 0,
                **duplicate_key(snapshot.namespace(target.name), "_id_", {"_id": 1}, {"_id": image["_id"]}),
            }
        )
    insert = Change("insert", target.space, target.name, record.store, image["_id"], after=image)
    outcome = Updated(upserted=True, upserted_id=image["_id"], document=answer, projected=True)
    return Plan([*changes, insert], lambda: outcome, unique_check(snapshot, record, [insert]))

"""``system.profile`` of a branch: a view of what was profiled in this process; see :mod:`argon.profiling`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson.raw_bson import RawBSONDocument

from argon.engine.errors import command_error
from argon.models import CollectionRecord
from argon.profiling import SHOWN_AS, profile_of, shown

if TYPE_CHECKING:
    from argon.engine.handle import Handle
    from argon.engine.snapshot import Snapshot

_NOWHERE = "system.nothing"


def profile_record(snapshot: Snapshot, space: str) -> CollectionRecord | None:
    """Return the collection that shows a branch's profile, if there is one; the log knows nothing of it."""
    entries = shown(snapshot.engine.place, snapshot.branch.id)
    if entries is None:
        return None
    documents = {"$literal": [RawBSONDocument(entry) for entry in entries]}
    stages = [{"$unionWith": {"pipeline": [{"$documents": documents}]}}]
    options = {"viewOn": _NOWHERE, "pipeline": stages}
    return CollectionRecord(
        _id=snapshot.branch.id, space=space, name=SHOWN_AS, kind="view", store="", options=options
    )


def drop_profile(handle: Handle) -> bool:
    """Forget what was profiled.

    Returns:
        Whether there was anything.

    Raises:
        OperationFailure: The branch is still being profiled.
    """
    profile = profile_of(handle.line.engine.place, handle.line.record.id)
    if profile.level:
        text = f"turn off profiling before dropping {SHOWN_AS} collection"
        raise command_error({"code": 20, "codeName": "IllegalOperation", "errmsg": text})
    was = profile.made
    profile.drop()
    return was

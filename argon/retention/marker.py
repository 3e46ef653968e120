"""A number that changes with everything that garbage collection takes from a project.

It lets whoever reads log and rows one after the other know that something was
taken in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import COUNTERS
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine


def collections_done(engine: Engine, project_id: ObjectId, session: Any = None) -> Operation[int]:
    """Return the number.

    Args:
        engine: The engine.
        project_id: The project.
        session: A session to read in.
    """
    table = engine.plain[COUNTERS]
    if session is None:
        table = table.with_options(read_concern=ReadConcern("majority"))
    found = yield table.find_one({"_id": _key(project_id)}, session=session)
    return 0 if found is None else int(found["value"])


def count_collection(engine: Engine, project_id: ObjectId, session: Any = None) -> Operation[None]:
    """Change the number.

    Args:
        engine: The engine.
        project_id: The project.
        session: That of the transaction that takes something.
    """
    yield engine.plain[COUNTERS].update_one(
        {"_id": _key(project_id)}, {"$inc": {"value": 1}}, upsert=True, session=session
    )


def forget_collections(engine: Engine, project_id: ObjectId) -> Operation[None]:
    """Remove the number of a project that is gone."""
    yield engine.plain[COUNTERS].delete_one({"_id": _key(project_id)})


def _key(project_id: ObjectId) -> str:
    return f"collected:{project_id}"

"""Dropping physical collections that no version of any catalogue names any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import COLLECTIONS, STORE_PREFIX
from argon.gc.report import GCReport
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine

YOUNG = timedelta(hours=1)
"""What is younger may be about to be defined: it is made before the commit that says so."""


def drop_stores(engine: Engine, report: GCReport, young: timedelta = YOUNG) -> Operation[None]:
    """Drop physical collections that nothing names, those of commits that never landed among them.

    Args:
        engine: The engine.
        report: Takes note of what goes.
        young: How old a physical collection must be to be no longer about to be named.
    """
    limit = datetime.now(UTC) - young
    listed = yield engine.plain.list_collection_names(filter={"name": {"$regex": f"^{STORE_PREFIX}"}})
    # Read after the list: what is named since is not missed, and what is made since is not in it.
    table = engine.plain[COLLECTIONS].with_options(read_concern=ReadConcern("majority"))
    named = set((yield table.distinct("d.store")))
    for store in listed:
        identity = store.removeprefix(STORE_PREFIX)
        if store in named or not ObjectId.is_valid(identity) or ObjectId(identity).generation_time > limit:
            continue
        report.stores.append(store)
        if not report.dry_run:
            yield engine.plain.drop_collection(store)

"""Garbage collection of a project, phase by phase.

1. Horizons are moved, and deleted branches given up whose time has come; both
   are published before anything goes.
2. What stays is worked out, and readers under way get time to end.
3. Versions that no reachable state has go, with what the log tells of them.
4. Branches of which nothing is held go as a whole.
5. Physical collections, indexes and databases that nobody names go.

Each phase does what is left to do and no more, so a collection that was killed
is finished by the next one, and two at once do no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COLLECTIONS, COUNTERS, PROJECTS, TAGS
from argon.classic.branches import drop_abandoned
from argon.gc.catalogue import Catalogues
from argon.gc.indexes import drop_indexes
from argon.gc.move import due, publish
from argon.gc.purge import Purge
from argon.gc.report import BranchHorizon, GCReport, Progress
from argon.gc.stores import YOUNG, drop_stores
from argon.gc.versions import Sweep
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.models.entry import Operation as Kind
from argon.retention.held import NEVER, Held, Holds, Point, holds_of, read_merges, read_names
from argon.retention.lines import behind
from argon.retention.marker import count_collection, forget_collections
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass(frozen=True)
class Terms:
    """How a collection goes about its work.

    Attributes:
        retention: Seconds for which history is kept where neither branch nor project says anything.
        grace: Seconds that readers under way are given.
        batch: How many versions go at once.
        young: For how long a physical collection or index must have been of no use.
        abandoned: For how long a large commit may be under way.
    """

    retention: float
    grace: float = 10.0
    batch: int = 1000
    young: timedelta = YOUNG
    abandoned: timedelta = timedelta(days=1)


def collect(
    engine: Engine,
    project_id: ObjectId,
    terms: Terms,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Operation[GCReport]:
    """Take away what nothing needs any more.

    Args:
        engine: The engine.
        project_id: The project.
        terms: How to go about it.
        dry_run: Take nothing, and report what would go.
        progress: Is told what is being done.

    Returns:
        What has gone.
    """
    found = yield engine.plain[PROJECTS].find_one({"_id": project_id})
    if found is None:  # another collection was quicker
        return GCReport(str(project_id), dry_run)
    project = ProjectRecord.model_validate(found)
    report = GCReport(project.name, dry_run, progress=progress)
    report.note("looking for what has expired")
    if not dry_run and project.status == "active":
        yield from engine.branches(project).list()  # which marks those as deleted whose own time is over
    branches, swept = yield from _branches(engine, project_id)
    changed = yield from due(engine, project, branches, terms.retention, terms.abandoned)
    if not dry_run:
        yield from publish(engine, branches, changed)
        branches, swept = yield from _branches(engine, project_id)
        # What has become of a branch is certain now, and its earlier and later lines follow.
        yield from publish(engine, branches, behind(branches))
    else:
        branches |= changed
    holds = yield from _holds(engine, project, branches)
    report.horizons = [
        BranchHorizon(branch.name, branch.horizon_lsn, branch.id in changed)
        for branch in branches.values()
        if branch.status == "active"
    ]
    if not dry_run:
        report.note("waiting for reads that are under way")
        yield engine.world.sleep(terms.grace)
    catalogues = Catalogues(engine)
    for line in holds.lines.values():
        if line.branch.kind == "wal":
            yield from _sweep_line(engine, line, catalogues, swept.get(line.branch.id), report, terms.batch)
    yield from _purge(engine, holds, catalogues, report, terms.batch)
    yield from drop_indexes(engine, project_id, holds.lines.values(), report, terms.young)
    yield from drop_stores(engine, report, terms.young)
    report.databases += yield from drop_abandoned(engine, dry_run=dry_run)
    if project.status != "active" and not holds.lines and not dry_run:
        yield from _forget(engine, project)
    return report


def _branches(
    engine: Engine, project_id: ObjectId
) -> Operation[tuple[dict[ObjectId, BranchRecord], dict[ObjectId, Any]]]:
    """Read a project's branches, and how far each has been swept."""
    table = engine.plain[BRANCHES].with_options(read_concern=ReadConcern("majority"))
    found = yield table.find({"project_id": project_id}).sort("number", 1).to_list(None)
    branches = {record["_id"]: BranchRecord.model_validate(record) for record in found}
    return branches, {record["_id"]: record.get("swept") for record in found}


def _holds(
    engine: Engine, project: ProjectRecord, branches: Mapping[ObjectId, BranchRecord]
) -> Operation[Holds]:
    names: list[Point] = []
    if project.status == "active":  # otherwise its tags go with it
        names = yield from read_names(engine, branches)
    return holds_of(branches, names, (yield from read_merges(engine, branches)))


def _sweep_line(
    engine: Engine, line: Held, catalogues: Catalogues, swept: Any, report: GCReport, batch: int
) -> Operation[None]:
    """Take from a line what is not held, unless that was done and nothing has changed since."""
    state = {"horizon": Int64(line.horizon), "points": _digest(line.points)}
    known = swept or {}
    if all(known.get(key) == value for key, value in state.items()):
        return
    anchors = yield from _anchors(engine, line)
    if not report.dry_run:
        yield from _release(engine, line, known.get("anchors", []), anchors)
    held = yield from catalogues.held(line)
    for store, narrowed in held.values():
        if store:
            yield from Sweep(engine, narrowed, store, anchors, report, batch).run()
    # The catalogue goes last: it tells which collections there are to be swept.
    for incarnation, (_, narrowed) in held.items():
        if narrowed.nothing:
            yield from Sweep(engine, narrowed, COLLECTIONS, anchors, report, batch).run(incarnation)
    if not report.dry_run:
        done = {**state, "anchors": [Int64(lsn) for lsn in sorted(anchors)]}
        yield engine.plain[BRANCHES].update_one({"_id": line.branch.id}, {"$set": {"swept": done}})


def _anchors(engine: Engine, line: Held) -> Operation[frozenset[int]]:
    """Find the last entry up to the horizon and up to each point: it says that nothing came between."""
    anchors = {line.horizon}
    for point in line.points:
        last = yield from engine.log.last_before(line.branch.id, point, point)
        if last is not None:
            anchors.add(int(last["lsn"]))
    return frozenset(anchors - {NEVER})


def _release(engine: Engine, line: Held, old: list[int], anchors: frozenset[int]) -> Operation[None]:
    """Remove entries that stayed for their LSN alone, where it marks nothing any more."""
    project_id = line.branch.project_id
    keys = [{"p": project_id, "l": Int64(lsn)} for lsn in old if lsn not in anchors]

    def body(session: Any) -> Operation[None]:
        marks = {"_id": {"$in": keys}, "operation": str(Kind.CHECKPOINT)}
        yield engine.raw[LOG].delete_many(marks, session=session)
        yield from count_collection(engine, project_id, session)

    if keys:
        yield from engine.committer.retrying(body)
    # Should this collection be killed, the next one knows of both.
    both = sorted(anchors | set(old))
    yield engine.plain[BRANCHES].update_one(
        {"_id": line.branch.id}, {"$set": {"swept": {"anchors": [Int64(lsn) for lsn in both]}}}
    )


def _purge(
    engine: Engine, holds: Holds, catalogues: Catalogues, report: GCReport, batch: int
) -> Operation[None]:
    if not holds.gone:
        return
    stores: dict[str, None] = {}
    for branch in [*(line.branch for line in holds.lines.values()), *holds.gone.values()]:
        for version in (yield from catalogues.of(branch.number)):
            if version.store:
                stores[version.store] = None
    for branch in holds.gone.values():
        yield from Purge(engine, branch, stores, catalogues, report, batch).run()


def _forget(engine: Engine, project: ProjectRecord) -> Operation[None]:
    """Remove what is left of a deleted project: its tags, its own line and its record."""
    yield engine.plain[TAGS].delete_many({"project_id": project.id})
    yield engine.plain[LOG].delete_many({"branch_id": project.id})
    yield from forget_collections(engine, project.id)
    yield engine.plain[COUNTERS].delete_one({"_id": f"unused:{project.id}"})
    yield engine.plain[PROJECTS].delete_one({"_id": project.id, "status": {"$ne": "active"}})


def _digest(points: tuple[int, ...]) -> str:
    return hashlib.sha256(repr(points).encode()).hexdigest()

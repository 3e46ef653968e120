"""Making branches, in the log or classic, as the feature flags have it.

============================ ================= =======================
feature flags                a new project     a new branch
============================ ================= =======================
all on                       main in the log   in the log
``wal_create_branch`` off    main in the log   classic
``wal_enabled`` off          main is classic   classic
============================ ================= =======================

The children of a classic branch are classic ones, because there is no log
that they could leave. Where ``wal_enabled`` is switched off, branches that are
in the log already stay readable and take no writes: their data is in no
ordinary database, so passing through would show, and write to, something else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from argon.catalog.tables import BRANCHES, classic_database
from argon.classic.copy import copy_database, copy_view
from argon.engine.engine import Engine
from argon.engine.snapshot import RAW_CODEC
from argon.errors import BranchExists, BranchNotFound
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord

_ABANDONED = timedelta(days=1)


def create_project(
    engine: Engine, name: str, *, author: str | None = None, message: str | None = None
) -> Operation[ProjectRecord]:
    """Make a project; its branch ``main`` is a classic one where ``wal_enabled`` is off.

    Raises:
        ProjectExists: There is one of this name.
    """
    classic = not (yield from engine.flags.enabled("wal_enabled", name, "main"))
    return (yield from engine.projects.create(name, classic=classic, author=author, message=message))


def create_branch(
    engine: Engine,
    project: ProjectRecord,
    parent: BranchRecord,
    name: str,
    base_lsn: int | None = None,
    *,
    expires: datetime | timedelta | None = None,
    author: str | None = None,
    message: str | None = None,
) -> Operation[BranchRecord]:
    """Make a branch; a classic one where ``wal_create_branch`` is off or the parent is one.

    Args:
        engine: The engine.
        project: Its project.
        parent: The branch it leaves.
        name: Its name.
        base_lsn: The point at which it leaves it; None for the parent's head.
        expires: When, or after how long, it counts as deleted; None for never.
        author: Who makes it.
        message: Why.

    Raises:
        BranchExists: A live branch has this name.
        UnsupportedOperation: A point was given, and the parent has no history.
    """
    if parent.kind == "classic":
        parent = yield from engine.line(parent).opened()
    if base_lsn is not None:
        yield from engine.require_log(parent)
    in_log = yield from engine.flags.enabled("wal_create_branch", project.name, name)
    options: dict[str, Any] = {"expires": expires, "author": author, "message": message}
    if in_log and parent.kind == "wal":
        return (yield from engine.branches(project).create(name, parent, base_lsn, **options))
    return (yield from create_classic(engine, project, parent, name, base_lsn, **options))


def create_classic(
    engine: Engine,
    project: ProjectRecord,
    parent: BranchRecord,
    name: str,
    base_lsn: int | None = None,
    *,
    expires: datetime | timedelta | None = None,
    author: str | None = None,
    message: str | None = None,
) -> Operation[BranchRecord]:
    """Make a classic branch: copy what the parent shows into a database of its own.

    The branch is there once all of it is copied. A copy that was interrupted
    is a database that belongs to no branch; see :func:`drop_abandoned`. One
    collection must be copied within the time for which the server keeps old
    snapshots (``minSnapshotHistoryWindowInSeconds``, by default 5 minutes).

    Args:
        engine: The engine.
        project: Its project.
        parent: The branch it leaves, in the log or classic.
        name: Its name.
        base_lsn: The point at which it leaves it; None for the parent's head.
        expires: When, or after how long, it counts as deleted; None for never.
        author: Who makes it.
        message: Why.

    Raises:
        BranchExists: A live branch has this name.
    """
    branches = engine.branches(project)
    yield from _check_free(engine, project, name)
    if base_lsn is None:
        base_lsn = (yield from engine.log.head(parent)).lsn
    parent = yield from engine.fresh(parent)
    identity = ObjectId()
    target = database_of(engine, classic_database(engine.plain, identity))
    try:
        if parent.kind == "classic":
            yield from copy_database(engine, database_of(engine, parent.physical), target)
        else:
            yield from copy_view((yield from engine.past(parent, base_lsn)), target)
        return (
            yield from branches.create(
                name,
                parent,
                base_lsn,
                classic_id=identity,
                expires=expires,
                author=author,
                message=message,
            )
        )
    except Exception:
        yield engine.client.drop_database(target.name)
        raise


def database_of(engine: Engine, physical: str | None) -> Any:
    """Return the physical database of a classic branch, for copying: raw BSON, safe writes.

    Args:
        engine: The engine.
        physical: ``BranchRecord.physical``.
    """
    assert physical is not None, "a classic branch has a physical database"
    options = {
        "read_preference": engine.plain.read_preference,
        "read_concern": engine.plain.read_concern,
        "write_concern": engine.plain.write_concern,
    }
    return engine.client.get_database(physical, codec_options=RAW_CODEC, **options)


def drop_physical(engine: Engine, record: BranchRecord) -> Operation[None]:
    """Remove a branch's physical database for good; for branches that cannot come back, and migrated ones."""
    if record.physical is None:
        return
    yield engine.client.drop_database(record.physical)
    yield engine.plain[BRANCHES].update_one({"_id": record.id}, {"$set": {"physical": None}})


def drop_abandoned(engine: Engine, *, dry_run: bool = False) -> Operation[list[str]]:
    """Remove physical databases that no branch has: copies that were killed a day ago or longer.

    Args:
        engine: The engine.
        dry_run: Only list them.

    Returns:
        Their names.
    """
    prefix = classic_database(engine.plain, "")
    names = yield engine.client.list_database_names()
    ids = {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}
    made = {ObjectId(text): name for text, name in ids.items() if ObjectId.is_valid(text)}
    known = yield engine.plain[BRANCHES].distinct("_id", {"_id": {"$in": list(made)}})
    limit = datetime.now(UTC) - _ABANDONED
    dropped = [
        name for identity, name in made.items() if identity not in known and identity.generation_time < limit
    ]
    for name in [] if dry_run else dropped:
        yield engine.client.drop_database(name)
    return dropped


def _check_free(engine: Engine, project: ProjectRecord, name: str) -> Operation[None]:
    """Find a taken name before everything is copied; the catalogue's index decides in the end."""
    try:
        yield from engine.branches(project).get(name)
    except BranchNotFound:
        return
    raise BranchExists(f"the project {project.name!r} has a branch {name!r} already: choose another name")

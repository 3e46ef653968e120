"""The engine: one per process and database, shared by every handle on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from argon.catalog.branches import Branches
from argon.catalog.collections import Catalog, load_catalog
from argon.catalog.lookup import refuse_classic
from argon.catalog.project_line import ProjectLine
from argon.catalog.projects import Projects
from argon.catalog.tables import BRANCHES, FEATURES, PROJECTS, ensure_tables
from argon.catalog.tags import Tags
from argon.engine.baton import default_path
from argon.engine.held import HeldCursors, held_cursors
from argon.engine.line import Line
from argon.engine.rules import Rules
from argon.engine.scratch import Scratch
from argon.engine.snapshot import RAW_CODEC, Snapshot
from argon.features import FlagsInForce
from argon.hooks import Hooks
from argon.io import Operation, World
from argon.models import BranchRecord, ProjectRecord
from argon.retention.fence import confirm_branch, confirm_tag
from argon.retention.horizon import Horizons
from argon.versions.visibility import View, make_view
from argon.wal.clock import Clock
from argon.wal.commit import Committer
from argon.wal.log import LOG, Head, Log
from argon.wal.lsn import LsnAllocator
from argon.wire.finds import find_one

_PAST_CATALOGS = 256


class Engine:
    """Everything that operations share.

    Args:
        client: A MongoClient, AsyncMongoClient or Motor client.
        database: The name of the database that holds everything.
        world: Threads or an event loop.
        own: Whether the client was made for it, so that nobody closes it but after :meth:`close`.
    """

    def __init__(self, client: Any, database: str, world: World, *, own: bool = False) -> None:
        self.client = client
        self.world = world
        # Motor's wraps PyMongo's; to ask it for any other attribute is to name a database.
        self.timeout: float | None = vars(client).get("delegate", client).options.timeout
        options: dict[str, Any] = {
            "read_preference": ReadPreference.PRIMARY,
            "read_concern": ReadConcern(),
            "write_concern": WriteConcern("majority"),
        }
        self.raw = client.get_database(database, codec_options=RAW_CODEC, **options)
        plain: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
        )
        self.plain = client.get_database(database, codec_options=plain, **options)
        self.log = Log(self.raw[LOG])
        self.clock = Clock(client.get_database("admin", codec_options=CodecOptions()))
        self.committer = Committer(client, self.raw, self.log, self.clock, world, own=own)
        self.projects = Projects(self.plain, self.log, self.committer, self.clock)
        self.rules = Rules(self.plain[PROJECTS])
        self.flags = FlagsInForce(self.plain[FEATURES])
        self.horizons = Horizons(self)
        self.scratch = Scratch(client, self.raw, world, self.committer)
        self._lsns: dict[ObjectId, LsnAllocator] = {}
        self._lines: dict[ObjectId, Line] = {}
        self._names: dict[ObjectId, str] = {}
        self._past: dict[View, Catalog] = {}
        self.baton = default_path()
        self.hooks = Hooks()
        self.run_hooks = False
        """Whether commands that are stored as hooks are run here."""
        self.on_catalog: Callable[[Line, Catalog], None] | None = None
        """Is told of every catalogue of a head that this process reads; for services."""

    def open(self) -> Operation[None]:
        """Create Argon's own collections where they are missing."""
        yield from ensure_tables(self.plain)

    def close(self) -> Operation[None]:
        """Give back what is kept of the client's, before that is closed."""
        yield from self.committer.close()

    def lsns(self, project_id: ObjectId) -> LsnAllocator:
        """Return the allocator of a project."""
        return self._lsns.setdefault(project_id, LsnAllocator(self.plain["projects"], project_id))

    def branches(self, project: ProjectRecord) -> Branches:
        """Return the branches of a project."""
        self._names[project.id] = project.name
        branches = Branches(
            self.plain,
            project.id,
            project.name,
            self.log,
            self.committer,
            self.lsns(project.id),
            self.clock,
            self.world,
        )
        branches.confirm = partial(confirm_branch, self)
        return branches

    def name_of(self, project_id: ObjectId) -> str:
        """Return the name of a project whose branches were looked up here."""
        return self._names.get(project_id, "")

    def tags(self, project: ProjectRecord) -> Tags:
        """Return the tags of a project."""
        tags = Tags(self.plain, self.project_line(project))
        tags.confirm = partial(confirm_tag, self)
        return tags

    def project_line(self, project: ProjectRecord) -> ProjectLine:
        """Return a project's own line in the log."""
        return ProjectLine(self.plain, project, self.log, self.committer, self.lsns(project.id), self.clock)

    def branch_record(self, branch_id: ObjectId) -> Operation[BranchRecord | None]:
        """Read a branch's record anew."""
        # What the record says of the catalogue, a snapshot read must find; those see what a majority has.
        table = self.plain[BRANCHES].with_options(read_concern=ReadConcern("majority"))
        found = yield from find_one(table, {"_id": branch_id})
        return None if found is None else BranchRecord.model_validate(found)

    def fresh(self, record: BranchRecord) -> Operation[BranchRecord]:
        """Read a branch's record anew where its line or its lineage count: large commits change them."""
        return (yield from self.branch_record(record.id)) or record

    def end(self, record: BranchRecord) -> Operation[tuple[BranchRecord, Head]]:
        """Read a branch's head, and its record anew where a large commit has moved it to another line.

        Args:
            record: The branch; it may be out of date.

        Returns:
            The record, which knows the line that the head is on, and the head.
        """
        head, line_id = yield from self.log.end(record)
        if line_id != record.line_id:
            record = yield from self.fresh(record)
        return record, head

    def line_record(self, line_id: ObjectId) -> Operation[BranchRecord | None]:
        """Return the branch that wrote a line of the log, as it was then."""
        record = yield from self.branch_record(line_id)
        return None if record is None else record.on(line_id)

    def line(self, record: BranchRecord) -> Line:
        """Return this process's state of a branch."""
        return self._lines.setdefault(record.id, Line(self, record))

    @property
    def place(self) -> str:
        """What tells this database from a copy of it, on another server or by another name."""
        known = self.client.topology_description.server_descriptions()
        # Servers name one another, whatever name a client has for the one that it asks.
        named = {host for server in known.values() for host in server.all_hosts}
        return repr((sorted(named or known), self.raw.name))

    @cached_property
    def held_cursors(self) -> HeldCursors:
        """Cursors that commands have begun; not to be asked for before the servers are known."""
        return held_cursors(self.place, self.world)

    def forget(self, project_id: ObjectId) -> None:
        """Look at a project's branches and catalogues anew: their rows were replaced."""
        for line in list(self._lines.values()):
            if line.record.project_id == project_id:
                line.forget()
        self._past.clear()

    def snapshot(self, branch: BranchRecord, view: View, catalog: Catalog, session: Any = None) -> Snapshot:
        """Put a snapshot together."""
        return Snapshot(self, branch, self._names.get(branch.project_id, ""), view, catalog, session)

    def require_log(self, branch: BranchRecord) -> Operation[None]:
        """Check that a branch is in the log, and no physical database.

        Raises:
            UnsupportedOperation: It is a classic branch.
        """
        if branch.kind == "classic":
            refuse_classic((yield from self.line(branch).opened()))

    def require_on(self, branch: BranchRecord, flag: str) -> Operation[None]:
        """Check that a feature is on for a branch, known by its record.

        Raises:
            FeatureDisabled: It is off; the message says where that was set.
        """
        project = self._names.get(branch.project_id)
        if project is None:
            found = yield from find_one(self.plain[PROJECTS], {"_id": branch.project_id}, {"name": 1})
            project = self._names[branch.project_id] = found["name"] if found else ""
        yield from self.flags.require(flag, project, branch.name)

    def past(self, branch: BranchRecord, lsn: int) -> Operation[Snapshot]:
        """Return a branch as it was at an LSN.

        Args:
            branch: The branch.
            lsn: A point that was found to lie in its history.

        Raises:
            HistoryExpired: It is no longer held.
        """
        yield from self.horizons.require(branch, lsn)
        view = make_view(branch.number, branch.ancestors, lsn)
        catalog = self._past.get(view)
        if catalog is None:
            catalog = yield from load_catalog(self.raw, view, self.world)
            if len(self._past) >= _PAST_CATALOGS:
                self._past.pop(next(iter(self._past)))
            # The past does not change, so this needs no refreshing.
            self._past[view] = catalog
        return self.snapshot(branch, view, catalog)

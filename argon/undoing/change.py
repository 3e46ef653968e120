"""A change of a branch as a whole: one commit that takes its head to another state and leaves a backup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId

from argon.engine.handle import Handle
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.merging.base import ensure_indexes
from argon.merging.diff import definitions
from argon.merging.landing import Landing, entries
from argon.merging.outcome import Computed, Outcome
from argon.merging.progress import Tally, Watcher
from argon.merging.results import SchemaChange
from argon.models import CollectionRecord, ProjectRecord
from argon.models.entry import Operation as Kind
from argon.timetravel.place import Place, at_head, common
from argon.undoing.backup import Backup
from argon.undoing.results import ChangeInfo, CommitInfo
from argon.versions.layout import raw
from argon.wal.change import Change, Plan

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass(frozen=True)
class Intent:
    """What a change comes to at one head.

    Attributes:
        computed: The computation of its changes and conflicts.
        told: What the log tells of it, besides the backup.
        lands: Whether it is a commit also where it changes nothing.
    """

    computed: Computed
    told: Mapping[str, Any] = field(default_factory=dict)
    lands: bool = False


class StateChange(ABC):
    """One such change, with what is kept over repeated attempts.

    Args:
        handle: The branch.
        project: Its project.
    """

    name: str
    """What users call it."""
    kind = Kind.REVERT
    """What the log calls it."""
    checked = True
    """Whether validators and unique indexes judge what is written."""

    def __init__(self, handle: Handle, project: ProjectRecord) -> None:
        self._handle = handle
        self._project = project
        self._engine: Engine = handle.line.engine
        self.watch(None)
        self._fresh: dict[ObjectId, CollectionRecord] = {}

    def watch(self, watcher: Watcher | None) -> None:
        """Have somebody told how far it is."""
        self._tally = Tally(watcher)
        self._landing = Landing(self._engine, judged=self.checked, tally=self._tally)

    @abstractmethod
    def begin(self, head: Place) -> Operation[None]:
        """Find what is asked for, once, before anything is planned.

        Args:
            head: The branch's head as it is now.
        """

    @abstractmethod
    def compute(self, snapshot: Snapshot, head: Place, *, keep: bool) -> Operation[Intent]:
        """Compute the change at a head.

        Args:
            snapshot: The head, and
            head: where it is.
            keep: Whether the outcome shall have the changes of documents also where it is large.
        """

    @abstractmethod
    def refuse(self, outcome: Outcome) -> Exception:
        """Make the error that tells of the conflicts."""

    @property
    @abstractmethod
    def source(self) -> str:
        """What the change is made with, as ``branch@LSN``."""

    @property
    @abstractmethod
    def message(self) -> str:
        """What the log says of it if nothing else was given."""

    @property
    def commits(self) -> list[CommitInfo]:
        """The commits that it is about, the newest first."""
        return []

    def land(self, *, author: str | None = None, message: str | None = None) -> Operation[ChangeInfo]:
        """Do it, in one commit.

        Raises:
            MergeConflict: Conflicts that nothing settles stand against it; nothing was written.
            DuplicateKeyError: A unique index would not hold afterwards.
            WriteError: A validator refuses a document.
        """
        author = author or self._handle.author
        yield from self._handle.admit_writes()
        yield from ensure_indexes(self._engine)
        yield from self.begin((yield from self._head()))

        def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
            return (yield from self._plan(snapshot, author))

        info: ChangeInfo = yield from self._handle.line.write(
            plan, author=author, message=message or self.message
        )
        return info

    def preview(self) -> Operation[ChangeInfo]:
        """Tell what would be done, and write nothing."""
        yield from self._engine.require_log(self._handle.line.record)
        head = yield from self._head()
        yield from self.begin(head)
        snapshot = yield from head.state(self._engine)
        self._tally.begin()
        outcome = (yield from self.compute(snapshot, head, keep=True)).computed.outcome
        return ChangeInfo(
            self.name,
            head.branch.name,
            self.source,
            head.lsn,
            None,
            outcome.applied,
            outcome.deleted,
            self.commits,
            list(_schema(snapshot, outcome)),
            preview=True,
            changes=list(entries(outcome)),
            conflicts=outcome.conflicts,
            resolved=outcome.resolved,
        )

    def require_held(self, *places: Place) -> Operation[None]:
        """Check after they were read that states were whole all the time.

        Raises:
            HistoryExpired: One has gone meanwhile.
        """
        for place in places:
            yield from self._engine.horizons.require(place.branch, place.lsn)

    def is_whole(self, point: Place, head: Place) -> Operation[bool]:
        """Whether nothing that was written between a point and the head has been forgotten."""
        fork = yield from common(self._engine, point, head)
        if fork is None:
            return False
        for place in (point, head):
            begins = [*(limit for _, limit in place.line[1:]), 0]
            for (branch_id, limit), begin in zip(place.line, begins, strict=True):
                shared = branch_id == fork.branch.line_id
                first = fork.lsn if shared else begin
                if limit > first and (yield from self._engine.horizons.of(branch_id)) > first:
                    return False
                if shared:
                    break
        return True

    def _head(self) -> Operation[Place]:
        return (yield from at_head(self._engine, (yield from self._handle.line.opened())))

    def _plan(self, snapshot: Snapshot, author: str | None) -> Operation[Plan]:
        # If this commit lands, the head that is read here is the one that the snapshot is of.
        head = Place(snapshot.branch, (yield from self._engine.log.head(snapshot.branch)).lsn)
        self._tally.begin()
        intent = yield from self.compute(snapshot, head, keep=False)
        outcome = intent.computed.outcome
        if outcome.conflicts:
            raise self.refuse(outcome)
        about = (self.name, head.branch.name, self.source)
        if not outcome.count and not intent.lands:
            return Plan([], lambda: ChangeInfo(*about, head.lsn, commits=self.commits), alone=True)
        backup = Backup(self._engine, self._project, head, self.name, author)
        yield from backup.prepare()
        told = {**intent.told, "backup": {"_id": backup.id, "branch": backup.name, "lsn": Int64(head.lsn)}}
        mark = Change(self.kind, "", "", "", told["_id"], after=raw(told))
        schema = list(_schema(snapshot, outcome))

        def reply() -> ChangeInfo:
            self._tally.wrote(outcome.count)
            return ChangeInfo(
                *about,
                mark.lsn,
                backup.name,
                outcome.applied,
                outcome.deleted,
                self.commits,
                schema,
                resolved=outcome.resolved,
            )

        fresh = self._fresh.values()
        return (
            yield from self._landing.plan(
                snapshot, head, intent.computed, mark, reply, fresh=fresh, check=backup.make, alone=True
            )
        )


def _schema(snapshot: Snapshot, outcome: Outcome) -> Iterator[SchemaChange]:
    """Tell what becomes of definitions."""
    before = {record.id: record for record in snapshot.catalog.records()}
    changed = {merged.id: merged for _, merged in outcome.indexed}
    made = {record.id: record for record in outcome.created}
    for change in outcome.catalog:
        old = before.get(change.document_id)
        new = made.get(change.document_id) or changed.get(change.document_id)
        if old is not None and new is not None and (old.space, old.name) != (new.space, new.name):
            yield SchemaChange(old.space, old.name, "name", old.name, new.name)
        about = new or old
        assert about is not None
        yield from definitions((about.space, about.name), old, new)

"""The first pass of a verification: the log by itself.

Each branch's line is an unbroken chain from its base to its head, times never
run backwards, the entries of a commit stand together, and every entry
satisfies its model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pydantic import ValidationError

from argon.io import Operation
from argon.materializer.history import History
from argon.materializer.names import Names
from argon.materializer.report import ProblemKind, VerifyReport
from argon.materializer.start import Start
from argon.models import DDL_OPERATIONS, DOCUMENT_OPERATIONS, BranchRecord, WALEntry
from argon.models.entry import Operation as Kind
from argon.versions.ids import id_key
from argon.wal.images import pre_image
from argon.wal.log import DEFAULT_SPACE, LOG
from argon.wal.pages import log_pages

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@dataclass
class Facts:
    """What the log says, apart from documents.

    Attributes:
        start: The heads up to which it was read.
        history: Projects and branches.
        names: Collections.
    """

    start: Start
    history: History
    names: Names = field(default_factory=Names)

    def branch(self, branch_id: ObjectId) -> BranchRecord | None:
        """Return a branch as the log has it."""
        return self.history.branches.get(branch_id)

    def branch_name(self, branch_id: ObjectId) -> str:
        """Return what to call a branch in a message."""
        found = self.branch(branch_id) or self.start.branches.get(branch_id)
        return str(branch_id) if found is None else found.name

    def covers(self, entry: Any) -> bool:
        """Whether an entry was there when the verification began."""
        return int(entry["lsn"]) <= self.start.heads.get(entry["branch_id"], 0)

    def name_of(self, store: str) -> str | None:
        """Return what to call a store's collection in a message."""
        return ", ".join(sorted(shown_name(*name) for name in self.names.of_store(store))) or None


def shown_name(space: str | None, collection: str | None) -> str:
    """Return a collection's name as problems have it."""
    name = collection or ""
    return f"{space}/{name}" if space not in (None, DEFAULT_SPACE) else name


@dataclass
class _End:
    """The end of a line, as far as it has been read."""

    lsn: int
    time: datetime | None = None
    commit: int | None = None
    about: tuple[Any, ...] = ()


class _Lines:
    def __init__(self, facts: Facts, report: VerifyReport) -> None:
        self._facts = facts
        self._report = report
        self._ends: dict[ObjectId, _End] = {}

    def look(self, stored: RawBSONDocument) -> None:
        """Check the next entry of the log."""
        try:
            entry = WALEntry.from_bson(stored)
            faults = _faults(stored, entry)
        except (ValidationError, KeyError, TypeError, ValueError) as error:
            self._problem(ProblemKind.ENTRY, f"is no valid entry: {_short(error)}", stored)
            return
        for fault in faults:
            self._problem(ProblemKind.ENTRY, fault, stored)
        self._facts.history.apply(entry)
        if entry.operation in DDL_OPERATIONS:
            self._facts.names.add(stored)
        horizon = self._facts.start.horizon(entry.branch_id)
        if entry.lsn > horizon and (entry.operation is Kind.CHECKPOINT or entry.born is not None):
            text = f"was compacted, and is beyond the horizon of its branch, LSN {horizon}"
            self._problem(ProblemKind.HORIZON, text, stored)
        self._link(entry, stored)

    def close(self) -> None:
        """Check the ends of the lines."""
        for branch_id, end in self._ends.items():
            if end.commit is not None and end.commit > end.lsn and not self._given_up(branch_id):
                self._report.add(
                    ProblemKind.COMMIT,
                    f"the commit that ends with LSN {end.commit} stops at LSN {end.lsn}",
                    branch=self._facts.branch_name(branch_id),
                    lsn=end.lsn,
                )

    def _link(self, entry: WALEntry, stored: RawBSONDocument) -> None:
        end = self._ends.get(entry.branch_id)
        if entry.prev_lsn is None:
            if entry.operation not in (Kind.CREATE_BRANCH, Kind.CREATE_PROJECT) or end is not None:
                self._problem(ProblemKind.CHAIN, "stands outside every line", stored)
                return
            branch = self._facts.branch(entry.branch_id)
            base = entry.lsn if branch is None else branch.base_lsn
            self._ends[entry.branch_id] = _End(base, entry.timestamp)
            return
        if end is None:
            self._problem(ProblemKind.CHAIN, "is on a branch whose creation the log does not have", stored)
            end = self._ends[entry.branch_id] = _End(entry.prev_lsn)
        compacted = entry.lsn <= self._facts.start.horizon(entry.branch_id)
        if entry.prev_lsn != end.lsn and not (compacted and entry.prev_lsn > end.lsn):
            self._problem(
                ProblemKind.CHAIN,
                f"follows LSN {entry.prev_lsn}, and the entry before it is LSN {end.lsn}",
                stored,
            )
        if end.time is not None and entry.timestamp < end.time:
            earlier = f"{entry.timestamp.isoformat()}, before {end.time.isoformat()} of LSN {end.lsn}"
            self._problem(ProblemKind.TIME, f"is of {earlier}", stored)
        # The entries of a large commit are as old as the transactions in which they were written.
        at_once = not self._facts.history.begun(entry.branch_id)
        about = (entry.commit, entry.timestamp if at_once else None, entry.author, entry.message)
        inside = not compacted and end.commit is not None and end.commit > end.lsn
        if inside and about != end.about:
            self._problem(
                ProblemKind.COMMIT, f"stands amid the commit that ends with LSN {end.commit}", stored
            )
        self._ends[entry.branch_id] = _End(
            entry.lsn,
            max(entry.timestamp, end.time or entry.timestamp),
            None if compacted else entry.commit,
            about,
        )

    def _given_up(self, line_id: ObjectId) -> bool:
        """Whether a line is that of a large commit which was never published."""
        branch = self._facts.branch(line_id)
        return branch is not None and branch.status == "hidden"

    def _problem(self, kind: ProblemKind, text: str, stored: RawBSONDocument) -> None:
        lsn = int(stored["_id"]["l"])
        self._report.add(
            kind,
            f"LSN {lsn} {text}",
            branch=self._facts.branch_name(stored.get("branch_id", ObjectId(b"\0" * 12))),
            collection=shown_name(stored.get("space"), stored.get("collection")),
            lsn=lsn,
            document_id=stored.get("document_id"),
        )


def read_log(engine: Engine, start: Start, report: VerifyReport) -> Operation[Facts]:
    """Read a project's log from its beginning and check it by itself.

    Args:
        engine: The engine.
        start: The heads up to which to read.
        report: Takes what is found.

    Returns:
        What the log says.
    """
    facts = Facts(start, History(start.project, start.branches))
    lines = _Lines(facts, report)
    unknown: set[Any] = set()
    pages = log_pages(engine.raw[LOG], start.project.id, start.last)
    while page := (yield from pages.next()):
        for stored in page:
            if stored.get("branch_id") in start.gone:
                continue
            if stored.get("branch_id") not in start.heads:
                unknown.add(stored.get("branch_id"))
            elif int(stored["_id"]["l"]) <= start.heads[stored["branch_id"]]:
                lines.look(stored)
        report.read(entries=len(page))
    lines.close()
    for branch_id in unknown:
        # A branch that was made meanwhile has a record by now.
        if (yield from engine.branch_record(branch_id)) is None:
            report.add(
                ProblemKind.RECORD,
                f"the log has entries of a branch {branch_id} that has no record",
                branch=str(branch_id),
            )
    return facts


def _faults(stored: RawBSONDocument, entry: WALEntry) -> list[str]:
    """Say what is wrong in an entry that its model cannot see."""
    faults = []
    if (stored["_id"]["p"], int(stored["_id"]["l"])) != (entry.project_id, entry.lsn):
        faults.append(f"is kept under the key {dict(stored['_id'])}")
    if entry.operation not in DOCUMENT_OPERATIONS | DDL_OPERATIONS:
        return faults
    images = [image for image in (stored.get("document"), pre_image(stored)) if image is not None]
    for image in images:
        if id_key(image.get("_id")) != id_key(entry.document_id):
            faults.append(f"is about {entry.document_id!r} and has an image of {image.get('_id')!r}")
    creates = entry.operation in (Kind.INSERT, Kind.CREATE_COLLECTION)
    if creates and pre_image(stored) is not None:
        faults.append(f"is an {entry.operation} with a pre-image")
    return faults


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip() for each in error.errors()
        )
    return f"{type(error).__name__}: {error}"

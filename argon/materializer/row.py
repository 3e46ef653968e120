"""One row against the entries that it names.

A row names the entry that began it, the one that ended it, and one for each
mark. Each of them must be there and say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.catalog.tables import COLLECTIONS
from argon.materializer.chain import Facts, shown_name
from argon.materializer.report import ProblemKind, VerifyReport
from argon.models import DDL_OPERATIONS, BranchRecord
from argon.models.entry import Operation as Kind
from argon.versions.ids import id_key
from argon.versions.layout import MAX_LSN, PROVISIONAL_LSN, Row
from argon.versions.visibility import make_view
from argon.wal.images import pre_image
from argon.wal.log import DEFAULT_SPACE, MAX_ENTRY
from argon.wal.lsn_set import LsnSet

BEGINS = frozenset({Kind.INSERT, Kind.UPDATE}) | (DDL_OPERATIONS - {Kind.DROP_COLLECTION})
ENDS = frozenset({Kind.UPDATE, Kind.DELETE}) | (DDL_OPERATIONS - {Kind.CREATE_COLLECTION})
_BIRTHS = frozenset({Kind.INSERT, Kind.CREATE_COLLECTION})

Entries = Mapping[int, RawBSONDocument]


@dataclass
class Ledger:
    """Which entries the rows have accounted for.

    Attributes:
        facts: What the log says.
        report: Takes what is found.
        began: The entries whose version has its row.
        ended: The entries that ended a version, in a row or by a mark.
    """

    facts: Facts
    report: VerifyReport
    began: LsnSet = field(default_factory=LsnSet)
    ended: LsnSet = field(default_factory=LsnSet)

    def __post_init__(self) -> None:
        self.numbers = {branch.number: branch for branch in self.facts.history.branches.values()}
        self.gone = {branch.number for branch in self.facts.start.gone.values()}

    def is_of(self, entry: Mapping[str, Any], branch: BranchRecord, document_id: Any, store: str) -> bool:
        """Whether an entry is about a document of a branch's store."""
        if entry["branch_id"] != branch.id or id_key(entry.get("document_id")) != id_key(document_id):
            return False
        if (entry["operation"] in DDL_OPERATIONS) != (store == COLLECTIONS):
            return False
        if store == COLLECTIONS or not self.facts.covers(entry):
            return True
        name = (entry.get("space", DEFAULT_SPACE), entry.get("collection", ""))
        return self.facts.names.resolve(branch, name, int(entry["lsn"])) == store


def lsns_of(row: Row) -> tuple[int, int, int, list[tuple[int, int]]]:
    """Return a row's begin, end and birth, and its marks as pairs of branch number and LSN.

    Raises:
        KeyError: It is no row: a part is missing,
        TypeError: or of a wrong type.
    """
    key = row["_id"]
    marks = [(mark["b"], mark["l"]) for mark in row.get("s", ())]
    parts = (row["f"], key["t"], key["n"])
    for number in (*parts, *(number for mark in marks for number in mark)):
        if not isinstance(number, int):
            raise TypeError(f"{number!r} is no LSN")
    return *parts, marks


def is_provisional(row: Row) -> bool:
    """Whether a row is one that only an open transaction should see."""
    begin, end, birth, marks = lsns_of(row)
    return any(PROVISIONAL_LSN <= lsn < MAX_LSN for lsn in (begin, end, birth, *(lsn for _, lsn in marks)))


class RowCheck:
    """Holds one row against its entries.

    Args:
        ledger: Takes note of what the row accounts for.
        store: The row's physical collection.
        branch: Its branch.
        row: The row.
    """

    def __init__(self, ledger: Ledger, store: str, branch: BranchRecord, row: Row) -> None:
        self._ledger = ledger
        self._store = store
        self._branch = branch
        self._row = row
        self._document: RawBSONDocument = row["d"]
        self._id = self._document["_id"]
        self._begin, self._end, self._birth, self._marks = lsns_of(row)

    def run(self, entries: Entries, births: Entries) -> None:
        """Check the row.

        Args:
            entries: The entries that it names.
            births: The entry of its birth, if that is another one.
        """
        self._check_begin(entries, births)
        if self._end != MAX_LSN:
            self._check_end(entries.get(self._end), self._end, self._branch, "ended", ProblemKind.ROW)
        for number, lsn in self._marks:
            self._check_mark(entries.get(lsn), number, lsn)

    def _check_begin(self, entries: Entries, births: Entries) -> None:
        begin, birth = self._begin, self._birth
        if begin >= self._end:
            self._problem(ProblemKind.ROW, "ends before it begins", begin)
        entry = entries.get(begin)
        if entry is None or not self._is_of(entry, self._branch) or entry["operation"] not in BEGINS:
            self._problem(ProblemKind.ROW, f"says that LSN {begin} began it, {_says(entry)}", begin)
            return
        if not self._ledger.began.add(begin):
            self._problem(ProblemKind.ROW, f"is a second one that LSN {begin} began", begin, entry)
        image = entry.get("document")
        if image is None or image.raw != self._document.raw:
            self._problem(ProblemKind.ROW, f"is not the document that LSN {begin} wrote", begin, entry)
        if entry["operation"] in _BIRTHS:
            # Where the log was compacted, the first entry that is left says what came before it.
            wrong = birth != int(entry.get("born", begin))
        else:
            first = births.get(birth)
            if first is None or first["operation"] == Kind.CHECKPOINT:
                born_on = self._branch.line_at(birth)
                wrong = birth > self._ledger.facts.start.horizon(born_on)
            else:
                other = id_key(first.get("document_id")) != id_key(self._id)
                wrong = other or first["operation"] not in _BIRTHS
        if wrong:
            text = f"says that the document was born with LSN {birth}, which is not so"
            self._problem(ProblemKind.ROW, text, begin, entry)

    def _check_end(
        self, entry: RawBSONDocument | None, lsn: int, branch: BranchRecord, verb: str, kind: ProblemKind
    ) -> None:
        if entry is None or not self._is_of(entry, branch) or entry["operation"] not in ENDS:
            self._problem(kind, f"says that LSN {lsn} {verb} it, {_says(entry)}", lsn, branch=branch)
            return
        if not self._ledger.ended.add(lsn):
            self._problem(kind, f"is a second one that LSN {lsn} {verb}", lsn, entry, branch)
        before = pre_image(entry)
        if before is None:
            images = len(entry["document"].raw) if "document" in entry else 0
            if images + len(self._document.raw) <= MAX_ENTRY:
                text = f"was {verb} by LSN {lsn}, which has no pre-image although there is room for it"
                self._problem(ProblemKind.ENTRY, text, lsn, entry, branch)
        elif before.raw != self._document.raw:
            self._problem(kind, f"is not the document that LSN {lsn} {verb}", lsn, entry, branch)

    def _check_mark(self, entry: RawBSONDocument | None, number: int, lsn: int) -> None:
        if number in self._ledger.gone:
            return
        child = self._ledger.numbers.get(number)
        if child is None:
            # A branch that was made meanwhile is not known yet, but its entry is there.
            if entry is None or entry["branch_id"] in self._ledger.facts.start.heads:
                self._problem(ProblemKind.MARK, f"is marked by a branch {number} that never was", lsn)
        elif not _saw(child, self._branch, self._row):
            text = f"is marked with LSN {lsn} by {child.name!r}, which never saw it"
            self._problem(ProblemKind.MARK, text, lsn, branch=child)
        else:
            self._check_end(entry, lsn, child, f"hid on {child.name!r}", ProblemKind.MARK)

    def _is_of(self, entry: Mapping[str, Any], branch: BranchRecord) -> bool:
        return self._ledger.is_of(entry, branch, self._id, self._store)

    def _problem(
        self,
        kind: ProblemKind,
        text: str,
        lsn: int,
        entry: Mapping[str, Any] | None = None,
        branch: BranchRecord | None = None,
    ) -> None:
        name = self._ledger.facts.name_of(self._store)
        if entry is not None:
            name = shown_name(entry.get("space"), entry.get("collection"))
        until = "now" if self._end == MAX_LSN else f"LSN {self._end}"
        self._ledger.report.add(
            kind,
            f"the version of {self._id!r} from LSN {self._begin} to {until} {text}",
            branch=(branch or self._branch).name,
            collection=name,
            lsn=lsn,
            document_id=self._id,
            store=self._store,
        )


def _says(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "and the log has no such entry"
    name = shown_name(entry.get("space"), entry.get("collection"))
    return f"and that is {entry['operation']} of {entry.get('document_id')!r} in {name!r}"


def _saw(child: BranchRecord, branch: BranchRecord, row: Row) -> bool:
    """Whether a row of an ancestor was in a branch's sight when the branch began."""
    begin, end, _, marks = lsns_of(row)
    lower: dict[int, int] = {}
    for level in make_view(child.number, child.ancestors, child.base_lsn).levels[1:]:
        assert level.limit is not None
        if level.branch == branch.number:
            hidden = any(number in lower and lsn <= lower[number] for number, lsn in marks)
            return begin <= level.limit < end and not hidden
        lower[level.branch] = level.limit
    return False

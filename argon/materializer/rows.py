"""The second pass of a verification: every row of a project, store by store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.raw_bson import RawBSONDocument
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COLLECTIONS
from argon.io import Operation
from argon.materializer.report import ProblemKind
from argon.materializer.row import Ledger, RowCheck, is_provisional, lsns_of
from argon.models import BranchRecord
from argon.versions.layout import MAX_LSN
from argon.wal.log import LOG
from argon.wal.pages import Found, Pages, look_up

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_BIRTH_FIELDS = {"operation": 1, "document_id": 1}
_NEWEST = int(MAX_LSN) - 1


def check_rows(engine: Engine, ledger: Ledger) -> Operation[None]:
    """Check every row of a project, those of deleted branches and dropped collections too.

    Args:
        engine: The engine.
        ledger: Takes note of the entries that rows account for.
    """
    for number in sorted(ledger.numbers):
        yield from _check_branch(engine, ledger, COLLECTIONS, ledger.numbers[number])
    present = set((yield engine.plain.list_collection_names()))
    for store in ledger.facts.names.stores:
        if store in present:
            yield from _check_store(engine, ledger, store)
        else:
            ledger.report.add(
                ProblemKind.STORE,
                f"the physical collection {store!r} is not there",
                collection=ledger.facts.name_of(store),
                store=store,
            )


def _check_store(engine: Engine, ledger: Ledger, store: str) -> Operation[None]:
    table = engine.raw[store].with_options(read_concern=ReadConcern("majority"))
    number: Any = MinKey()
    while True:
        # One seek for each branch that has rows here.
        beyond = {"_id": {"$gt": {"b": number, "t": MaxKey(), "n": MaxKey()}}}
        first = yield table.find_one(beyond, {"_id": 1}, sort=[("_id", 1)])
        if first is None:
            return
        number = first["_id"]["b"]
        branch = ledger.numbers.get(number) if isinstance(number, int) else None
        if branch is not None:
            yield from _check_branch(engine, ledger, store, branch)
        else:
            yield from _check_stranger(engine, ledger, store, number)


def _check_stranger(engine: Engine, ledger: Ledger, store: str, number: Any) -> Operation[None]:
    found = yield engine.plain[BRANCHES].find_one({"number": number})
    # A branch that was made since the heads were read has a record by now.
    if found is None or found["project_id"] != ledger.facts.start.project.id:
        ledger.report.add(
            ProblemKind.ROW,
            f"there are rows of a branch {number!r} that the project never had",
            collection=ledger.facts.name_of(store),
            store=store,
        )


def _check_branch(engine: Engine, ledger: Ledger, store: str, branch: BranchRecord) -> Operation[None]:
    """Check the rows of one branch, which may be written to meanwhile.

    Past rows do not move. A current row that is superseded meanwhile is found
    a second time, or only then, among the rows that ended after the head.
    """
    head = ledger.facts.start.heads.get(branch.id, 0)
    for first, last, again in (
        (None, head, False),
        (_NEWEST + 1, _NEWEST + 1, False),
        (head + 1, _NEWEST, True),
    ):
        begin = {"b": branch.number, "t": MinKey() if first is None else Int64(first), "n": MinKey()}
        pages = Pages(engine.raw[store], begin, {"b": branch.number, "t": Int64(last), "n": MaxKey()})
        while page := (yield from pages.next()):
            rows = [row for row in page if _is_row(ledger, store, branch, row)]
            if again:
                rows = [row for row in rows if row["f"] not in ledger.began]
            yield from _check_page(engine, ledger, store, branch, rows)
            ledger.report.read(rows=len(rows))


def _check_page(
    engine: Engine, ledger: Ledger, store: str, branch: BranchRecord, rows: Found
) -> Operation[None]:
    named: set[int] = set()
    born: set[int] = set()
    for row in rows:
        begin, end, birth, marks = lsns_of(row)
        named.update((begin, end, *(lsn for _, lsn in marks)))
        if birth != begin:
            born.add(birth)
    named.discard(MAX_LSN)
    log, project_id = engine.raw[LOG], ledger.facts.start.project.id
    entries = yield from look_up(log, project_id, named)
    births = yield from look_up(log, project_id, born, _BIRTH_FIELDS)
    for row in rows:
        RowCheck(ledger, store, branch, row).run(entries, births)


def _is_row(ledger: Ledger, store: str, branch: BranchRecord, row: RawBSONDocument) -> bool:
    try:
        if not is_provisional(row) and isinstance(row["d"], Mapping) and "_id" in row["d"]:
            return True
        kind, text = ProblemKind.PROVISIONAL, "is one of an open transaction"
    except (KeyError, TypeError) as error:
        kind, text = ProblemKind.ROW, f"is no row: {type(error).__name__} {error}"
    ledger.report.add(
        kind,
        f"the row {dict(row['_id'])!r} {text}",
        branch=branch.name,
        collection=ledger.facts.name_of(store),
        store=store,
    )
    return False

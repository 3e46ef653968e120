"""What branches and collections take: live documents, inherited ones, past versions, log and indexes.

Bytes are those of BSON, as the server's ``$bsonSize`` counts them: what is on
disk is compressed, and less. Indexes are physical ones, which all branches
share: of these the server's own figure, on disk, is given for the project, and
a branch has no share of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import BRANCHES, COLLECTIONS
from argon.gc.catalogue import Catalogues
from argon.io import Operation
from argon.models import BranchRecord, CollectionRecord, ProjectRecord
from argon.retention.lines import own_levels
from argon.versions.layout import MAX_LSN
from argon.versions.visibility import Leg
from argon.wal.log import LOG
from argon.wal.transactions import patiently

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Level = tuple[ObjectId, int]
"""A line, and its number in the version rows."""

_NO_NAMESPACE = 26


@dataclass(frozen=True)
class Amount:
    """How many there are of something.

    Attributes:
        count: How many.
        bytes: How many bytes of BSON they have.
    """

    count: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.count + other.count, self.bytes + other.bytes)


@dataclass(frozen=True)
class CollectionSize:
    """What a collection of a branch takes.

    Attributes:
        space: Its space.
        name: Its name; None for collections that the branch has no longer, but its history or another branch.
        documents: The live documents, inherited ones among them.
        inherited: Those of them that are an ancestor's rows and take nothing here.
        history: Past versions that the branch itself wrote.
    """

    space: str
    name: str | None
    documents: Amount
    inherited: Amount
    history: Amount

    @property
    def own(self) -> Amount:
        """The live documents that take something here."""
        return Amount(
            self.documents.count - self.inherited.count, self.documents.bytes - self.inherited.bytes
        )


@dataclass(frozen=True)
class BranchSize:
    """What a branch takes.

    Attributes:
        branch: Its name.
        status: Whether it is live (``active``), deleted and recoverable (``pending_delete``) or on its way
            out (``purged``); ``hidden`` for a large commit to the branch that is not published.
        collections: By collection.
        log: Its own entries, those of all lines that large commits moved it to.
    """

    branch: str
    status: str
    collections: list[CollectionSize]
    log: Amount

    @property
    def documents(self) -> Amount:
        """The live documents, inherited ones among them."""
        return _sum(one.documents for one in self.collections)

    @property
    def inherited(self) -> Amount:
        """Those of them that are an ancestor's rows and take nothing here."""
        return _sum(one.inherited for one in self.collections)

    @property
    def own(self) -> Amount:
        """The live documents that take something here."""
        return _sum(one.own for one in self.collections)

    @property
    def history(self) -> Amount:
        """Past versions that the branch itself wrote."""
        return _sum(one.history for one in self.collections)

    @property
    def bytes(self) -> int:
        """What the branch takes by itself: its own documents and past versions, and its log."""
        return self.own.bytes + self.history.bytes + self.log.bytes


@dataclass(frozen=True)
class ProjectSize:
    """What a project takes.

    Attributes:
        project: Its name.
        branches: Its branches, the deleted ones that can come back among them.
        indexes: Bytes on disk of its collections' physical indexes, as the server tells them.
        storage: Bytes on disk of its collections' rows, compressed, as the server tells them.
    """

    project: str
    branches: list[BranchSize] = field(default_factory=list)
    indexes: int = 0
    storage: int = 0

    @property
    def bytes(self) -> int:
        """What all branches take by themselves."""
        return sum(branch.bytes for branch in self.branches)


def size_of_branch(engine: Engine, branch: BranchRecord) -> Operation[BranchSize]:
    """Measure a branch.

    Args:
        engine: The engine.
        branch: The branch.

    Raises:
        UnsupportedOperation: It is a classic branch, a physical database.
    """
    yield from engine.require_log(branch)
    return (yield from _measure(engine, (yield from engine.fresh(branch)), Catalogues(engine)))


def size_of_project(engine: Engine, project: ProjectRecord) -> Operation[ProjectSize]:
    """Measure a project, branch by branch.

    Args:
        engine: The engine.
        project: The project.
    """
    found = (
        yield engine.plain[BRANCHES]
        .find({"project_id": project.id, "kind": "wal"})
        .sort("created_lsn", 1)
        .to_list(None)
    )
    records = [BranchRecord.model_validate(record) for record in found]
    moved = {line for record in records for line, _ in own_levels(record) if line != record.id}
    # Lines that large commits moved a branch to are counted with it.
    branches = [record for record in records if record.id not in moved]
    catalogues = Catalogues(engine)
    size = ProjectSize(project.name)
    stores: dict[str, None] = {}
    for branch in branches:
        size.branches.append((yield from _measure(engine, branch, catalogues)))
        for _, number in own_levels(branch):
            for version in (yield from catalogues.of(number)):
                if version.store:
                    stores[version.store] = None
    indexes = storage = 0
    for store in stores:
        stats = yield from _statistics(engine, store)
        indexes += int(stats.get("totalIndexSize", 0))
        storage += int(stats.get("storageSize", 0))
    return ProjectSize(project.name, size.branches, indexes, storage)


def _measure(engine: Engine, branch: BranchRecord, catalogues: Catalogues) -> Operation[BranchSize]:
    records: list[CollectionRecord] = []
    if branch.status == "active":
        line = engine.line(branch)
        snapshot = yield from line.snapshot()
        branch = snapshot.branch
        records = [record for record in snapshot.catalog.records() if record.kind == "collection"]
        legs = snapshot.view.legs
    own = own_levels(branch)
    sizes: list[CollectionSize] = []
    for record in records:
        documents = yield from _rows(engine, record.store, legs)
        inherited = yield from _rows(engine, record.store, legs[: -len(own)])
        history = yield from _past(engine, own, record.store)
        sizes.append(CollectionSize(record.space, record.name, documents, inherited, history))
    named = {record.store for record in records}
    others: dict[str, None] = {}
    numbers = [branch.number, *(ancestor.number for ancestor in branch.lineage)]
    for number in numbers:
        for version in (yield from catalogues.of(number)):
            if version.store and version.store not in named:
                others[version.store] = None
    rest = Amount()
    for store in others:
        rest += yield from _all(engine, own, store)
    definitions = yield from _all(engine, own, COLLECTIONS)
    if rest.count:
        sizes.append(CollectionSize("", None, Amount(), Amount(), rest))
    if definitions.count:
        sizes.append(CollectionSize("", "(definitions)", Amount(), Amount(), definitions))
    lines = [line for line, _ in own]
    log = yield from _amount(engine, LOG, {"branch_id": {"$in": lines}}, "$$ROOT")
    return BranchSize(branch.name, branch.status, sizes, log)


def _rows(engine: Engine, store: str, legs: Sequence[Leg]) -> Operation[Amount]:
    total = Amount()
    for leg in legs:
        total += yield from _amount(engine, store, leg.scan, "$d")
    return total


def _past(engine: Engine, own: Sequence[Level], store: str) -> Operation[Amount]:
    """Measure the versions of a branch that it shows no longer."""
    total = Amount()
    for place, (_, number) in enumerate(own):
        ended = {"$gte": {"b": number, "t": MinKey(), "n": MinKey()}, "$lt": _first_current(number)}
        total += yield from _amount(engine, store, {"_id": ended}, "$$ROOT")
        later = [other for _, other in own[:place]]
        if later:  # on a line that it has left, what it wrote since hides what was current there
            current = {"$gte": _first_current(number), "$lte": _last(number)}
            hidden = {"_id": current, "s.b": {"$in": later}}
            total += yield from _amount(engine, store, hidden, "$$ROOT")
    return total


def _all(engine: Engine, own: Sequence[Level], store: str) -> Operation[Amount]:
    total = Amount()
    for _, number in own:
        bounds = {"$gte": {"b": number, "t": MinKey(), "n": MinKey()}, "$lte": _last(number)}
        total += yield from _amount(engine, store, {"_id": bounds}, "$$ROOT")
    return total


def _first_current(number: int) -> dict[str, Any]:
    return {"b": number, "t": MAX_LSN, "n": MinKey()}


def _last(number: int) -> dict[str, Any]:
    return {"b": number, "t": MAX_LSN, "n": MaxKey()}


def _amount(engine: Engine, store: str, query: dict[str, Any], what: str) -> Operation[Amount]:
    group = {"_id": None, "count": {"$sum": 1}, "bytes": {"$sum": {"$bsonSize": what}}}
    table = engine.plain[store].with_options(read_concern=ReadConcern("snapshot"))

    def read() -> Operation[list[Any]]:
        cursor = yield table.aggregate([{"$match": query}, {"$group": group}])
        found: list[Any] = yield cursor.to_list(None)
        return found

    found = yield from patiently(engine.world, read)
    return Amount(int(found[0]["count"]), int(found[0]["bytes"])) if found else Amount()


def _statistics(engine: Engine, store: str) -> Operation[dict[str, Any]]:
    try:
        cursor = yield engine.plain[store].aggregate([{"$collStats": {"storageStats": {}}}])
        found = yield cursor.to_list(None)
    except OperationFailure as error:
        if error.code == _NO_NAMESPACE:
            return {}
        raise
    return dict(found[0]["storageStats"]) if found else {}


def _sum(amounts: Any) -> Amount:
    total = Amount()
    for amount in amounts:
        total += amount
    return total

"""Finding the first bad commit between a good and a bad state, by halving."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo import ASCENDING
from pymongo.read_concern import ReadConcern

from argon.errors import Conflict, InvalidPoint
from argon.history.entries import Entries
from argon.history.results import BisectResult, BisectStep, Verdict
from argon.io import Operation
from argon.timetravel.place import Place, common
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Query = Mapping[str, Any]
_PAGE = 10_000
_ENDS_COMMIT = {"$expr": {"$eq": [{"$ifNull": ["$commit", "$lsn"]}, "$lsn"]}}


class Bisect:
    """A search for the first bad commit; the caller tests the states that it names.

    The good state is tested first, then the bad one, then what halves the
    commits between them: at most two tests more than the commits can be halved.

    Args:
        engine: The engine.
        good: A state in the history of the bad one.
        bad: The bad state.
    """

    def __init__(self, engine: Engine, good: Place, bad: Place) -> None:
        self._engine = engine
        self.good, self.bad = good, bad
        self._commits = array("q")
        self._low, self._high = -1, 0
        self._skipped: set[int] = set()
        self.steps: list[BisectStep] = []

    @property
    def left(self) -> int:
        """How many commits may still be the first bad one."""
        return self._high - self._low

    def begin(self) -> Operation[None]:
        """Find the commits after the good state and up to the bad one.

        Raises:
            InvalidPoint: The good state is not in the history of the bad one.
        """
        shared = yield from common(self._engine, self.good, self.bad)
        if shared is None or shared.lsn != self.good.lsn or self.good.lsn >= self.bad.lsn:
            raise InvalidPoint(
                f"{_at(self.good)} does not lead to {_at(self.bad)}: a bisection goes from an older good "
                "state to a newer bad one on the same line"
            )
        yield from self._read_commits()
        if not self._commits:
            raise InvalidPoint(f"nothing was committed between {_at(self.good)} and {_at(self.bad)}")
        self._high = len(self._commits) - 1

    def next(self) -> int | None:
        """Return the LSN of the state to test; None once the search is over."""
        if not self.steps:
            return self.good.lsn
        if len(self.steps) == 1:
            return self.bad.lsn
        low, high = self._low + 1, self._high
        middle = (low + high) // 2
        testable = (place for place in range(low, high) if place not in self._skipped)
        place = min(testable, key=lambda place: abs(place - middle), default=None)
        return None if place is None else self._commits[place]

    def tell(self, lsn: int, verdict: Verdict) -> None:
        """Take note of a test.

        Args:
            lsn: The state that :meth:`next` named.
            verdict: What the test said.

        Raises:
            Conflict: The good state is not good, or the bad one not bad.
        """
        if len(self.steps) < 2:
            expected, place = [(Verdict.GOOD, self.good), (Verdict.BAD, self.bad)][len(self.steps)]
            if verdict is not expected:
                said = "it cannot be tested" if verdict is Verdict.SKIP else f"the test says {verdict}"
                raise Conflict(
                    f"{_at(place)} was given as {expected}, and {said}: give another state, or turn the "
                    "test round"
                )
        else:
            place_of_lsn = self._commits.index(lsn, self._low + 1, self._high + 1)
            if verdict is Verdict.GOOD:
                self._low = place_of_lsn
            elif verdict is Verdict.BAD:
                self._high = place_of_lsn
            else:
                self._skipped.add(place_of_lsn)
        self.steps.append(BisectStep(lsn, verdict, self.left))

    def result(self) -> Operation[BisectResult]:
        """Tell of the first bad commit."""
        candidates = self._commits[self._low + 1 : self._high + 1].tolist()
        good = self.good.lsn if self._low < 0 else self._commits[self._low]
        found = candidates[0] if len(candidates) == 1 else None
        about: dict[str, Any] = {}
        if found is not None:
            entries = Entries(self._engine, self.bad.branch.project_id)
            about = yield from entries.credits((yield from entries.find(found)), found)
            about.pop("commit")
            about["operations"] = yield from self._operations(good, found)
        return BisectResult(found, good, candidates, len(self._commits), self.steps, **about)

    def _read_commits(self) -> Operation[None]:
        for branch_id, limit in reversed(self.bad.line):
            first = self.good.lsn
            while first < limit:
                page = yield from self._entries(branch_id, first, limit, "lsn", _ENDS_COMMIT, _PAGE)
                self._commits.extend(int(lsn) for lsn in page)
                if len(page) < _PAGE:
                    break
                first = self._commits[-1]

    def _operations(self, after: int, lsn: int) -> Operation[dict[str, int]]:
        """Count the entries of a commit by their kinds."""
        branch_id = next(branch for branch, limit in reversed(self.bad.line) if lsn <= limit)
        return dict(Counter((yield from self._entries(branch_id, after, lsn, "operation"))))

    def _entries(
        self,
        branch_id: ObjectId,
        after: int,
        last: int,
        field: str,
        where: Query | None = None,
        limit: int = 0,
    ) -> Operation[list[Any]]:
        """Read one field of a line's entries."""
        # Along the chain index: the clustered key would lead through every branch's entries.
        before = yield from self._engine.log.last_before(branch_id, after, after)
        query = {
            "branch_id": branch_id,
            "prev_lsn": {"$lt": Int64(last), "$gte": Int64(0 if before is None else before["lsn"])},
            "lsn": {"$gt": Int64(after), "$lte": Int64(last)},
            **(where or {}),
        }
        log = self._engine.raw[LOG].with_options(read_concern=ReadConcern("majority"))
        cursor = log.find(query, {field: 1, "_id": 0}).sort("prev_lsn", ASCENDING).limit(limit)
        return [entry[field] for entry in (yield cursor.to_list(None))]


def _at(place: Place) -> str:
    return f"{place.branch.name}@{place.lsn}"

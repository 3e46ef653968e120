"""Finding the first bad commit: every culprit, over lineages, with states that cannot be tested."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from argon import Branch, Project, WALDatabase
from argon.errors import Conflict, InvalidPoint, PointNotFound
from argon.history.results import Verdict


def counts(branch: Branch, numbers: range, size: int = 1) -> list[int]:
    """Make commits that count up, of so many entries each; returns their LSNs."""
    heads = []
    for number in numbers:
        with WALDatabase(branch).commit(message=f"n = {number}", author="ann") as db:
            db.counter.update_one({"_id": 1}, {"$set": {"n": number}}, upsert=True)
            db.other.insert_many([{"at": number} for _ in range(size - 1)] or [{"at": number}])
        heads.append(branch.head_lsn)
    return heads


def below(limit: int) -> Any:
    return lambda db: db.counter.find_one({"_id": 1})["n"] < limit


def test_every_culprit_is_found_in_few_tests(main: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argon.history.bisect._PAGE", 4)
    heads = counts(main, range(9), size=3)
    for culprit in range(1, len(heads)):
        for good, bad in ((0, 8), (random.Random(culprit).randrange(culprit), culprit)):
            seen: list[int] = []

            def test(db: WALDatabase, seen: list[int] = seen, culprit: int = culprit) -> bool:
                seen.append(db.counter.find_one({"_id": 1})["n"])
                return seen[-1] < culprit

            found = main.bisect(good=heads[good], bad=heads[bad], test=test)
            assert (found.lsn, found.good_lsn) == (heads[culprit], heads[culprit - 1])
            assert (found.message, found.author, found.branch) == (f"n = {culprit}", "ann", "main")
            assert found.operations == {"update": 1, "insert": 2}
            assert found.commits == bad - good
            assert seen == [heads.index(step.lsn) for step in found.steps]
            assert len(seen) <= math.ceil(math.log2(found.commits)) + 2


def test_over_inherited_history(project: Project, main: Branch) -> None:
    heads = counts(main, range(2))
    project.fork("main", "feature")
    counts(main, range(100, 101))  # others take LSNs meanwhile
    feature = project.branch("feature")
    heads += counts(feature, range(2, 4))
    project.fork("feature", "deep")
    counts(feature, range(200, 201))
    deep = project.branch("deep")
    heads += counts(deep, range(4, 6))
    for culprit in range(1, len(heads)):
        found = deep.bisect(good=heads[0], test=below(culprit))
        assert (found.lsn, found.message) == (heads[culprit], f"n = {culprit}")
        assert found.branch == ("main" if culprit < 2 else "feature" if culprit < 4 else "deep")
        assert found.commits == len(heads) - 1
    assert main.bisect(good=heads[0], bad=f"deep@{heads[4]}", test=below(3)).lsn == heads[3]


def test_points_of_every_kind(project: Project, main: Branch) -> None:
    heads = counts(main, range(6))
    project.create_tag("well", at=f"main@{heads[1]}")
    [entry] = main.log(limit=1)
    for good in ("well", f"main@{heads[1]}", heads[1]):
        for bad in (entry.timestamp, "main", None):
            assert main.bisect(good=good, bad=bad, test=below(3)).lsn == heads[3]


def test_states_that_cannot_be_tested(main: Branch) -> None:
    heads = counts(main, range(7))

    def told(skipped: set[int], culprit: int) -> Any:
        def test(db: WALDatabase) -> Verdict:
            number = db.counter.find_one({"_id": 1})["n"]
            return Verdict.SKIP if number in skipped else Verdict.BAD if number >= culprit else Verdict.GOOD

        return main.bisect(good=heads[0], bad=heads[6], test=test)

    assert told({2, 3, 4}, 6).lsn == heads[6]
    hidden = told({2, 3, 4}, 3)
    assert hidden.lsn is None
    assert hidden.candidates == heads[2:6]
    assert (hidden.good_lsn, hidden.message, hidden.operations) == (heads[1], None, {})
    assert told(set(range(1, 6)), 3).candidates == heads[1:]


def test_it_begins_with_what_it_was_told(main: Branch) -> None:
    heads = counts(main, range(4))
    with pytest.raises(Conflict, match=f"main@{heads[2]} was given as good"):
        main.bisect(good=heads[2], test=below(1))
    with pytest.raises(Conflict, match=f"main@{heads[3]} was given as bad"):
        main.bisect(good=heads[2], test=below(9))
    with pytest.raises(TypeError, match="None"):
        main.bisect(good=heads[0], test=lambda _db: None)


def test_what_a_test_raises_ends_the_search(main: Branch) -> None:
    heads = counts(main, range(4))
    with pytest.raises(ZeroDivisionError):
        main.bisect(good=heads[0], test=lambda _db: 1 / 0)


def test_points_that_do_not_lead_to_one_another(project: Project, main: Branch) -> None:
    heads = counts(main, range(3))
    project.fork("main", "feature")
    counts(project.branch("feature"), range(3, 5))
    counts(main, range(5, 6))
    for good, bad in ((heads[2], heads[0]), (heads[1], heads[1]), ("feature", "main"), ("main", "feature")):
        with pytest.raises(InvalidPoint, match="does not lead to"):
            main.bisect(good=good, bad=bad, test=below(1))
    with pytest.raises(PointNotFound):
        main.bisect(good=10**9, test=below(1))


def test_states_are_read_only_and_told_of_before(main: Branch) -> None:
    from argon.errors import ReadOnlyView

    heads = counts(main, range(4))
    told: list[tuple[int, int]] = []

    def test(db: WALDatabase) -> bool:
        with pytest.raises(ReadOnlyView):
            db.counter.delete_many({})
        return below(2)(db)

    found = main.bisect(good=heads[0], test=test, on_test=lambda lsn, left: told.append((lsn, left)))
    assert told[:2] == [(heads[0], 3), (heads[3], 3)]
    assert [lsn for lsn, _ in told] == [step.lsn for step in found.steps]

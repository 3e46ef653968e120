"""Every update operator and every stage that writes, on a plain collection, a head and a child."""

from __future__ import annotations

from typing import Any

import pytest

from tests.driver.conftest import Make
from tests.driver.parity import Faces
from tests.surface.cases.documents import THINGS, Document
from tests.surface.cases.updates import SINKS, UPDATES, WITHOUT_OPERATOR

CASES = [
    *((operator, case) for operator, cases in UPDATES.items() for case in cases),
    *(("none", case) for case in WITHOUT_OPERATOR),
]
MANNERS = ("one", "many", "and_return")
DOCUMENTS = (4, 5, 6, 7)
"""Of every four on a child, one is inherited, one changed and two are its own."""


def _documents() -> list[Document]:
    """Give every case documents of its own, so that none disturbs another."""
    return [
        {**THINGS[number], "_id": f"{place}-{manner}-{number}", "case": f"{place}-{manner}"}
        for place in range(len(CASES))
        for manner in MANNERS
        for number in DOCUMENTS
    ]


@pytest.fixture(scope="module")
def updated(make_faces: Make) -> Faces:
    """Documents for every case."""
    return make_faces(things=_documents())


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("place", range(len(CASES)), ids=[operator for operator, _ in CASES])
def test_updates(updated: Faces, place: int, manner: str) -> None:
    query, update, *further = CASES[place][1]
    query = {**query, "case": f"{place}-{manner}"}
    options: dict[str, Any] = further[0] if further else {}

    def act(db: Any) -> Any:
        if manner == "many":
            return db.things.update_many(query, update, **options)
        if manner == "one":
            return db.things.update_one(query, update, **options)
        found = db.things.find_one_and_update(
            query, update, sort=[("_id", -1)], return_document=True, **options
        )
        return {key: value for key, value in (found or {}).items() if key != "_id"}

    def upserted(db: Any) -> Any:
        return {**updated_result(act(db)), "upserted": None}

    def updated_result(result: Any) -> Document:
        if isinstance(result, dict):
            return result
        return {"matched": result.matched_count, "modified": result.modified_count}

    # An upsert's new id is its own in each database; which of several documents errs first is not defined.
    updated.same(upserted if options.get("upsert") else act, errors="code" if manner == "many" else "message")
    mine = {"case": f"{place}-{manner}"}
    updated.same(lambda db: _without_new_ids(list(db.things.find(mine).sort([("_id", 1)]))))


def _without_new_ids(documents: list[Document]) -> list[Document]:
    return [
        document if isinstance(document["_id"], str) else {**document, "_id": None} for document in documents
    ]


@pytest.fixture(scope="module")
def written(make_faces: Make) -> Faces:
    """Documents to be written out."""
    return make_faces(things=THINGS)


@pytest.mark.parametrize("operator", list(SINKS))
def test_stages_that_write(written: Faces, operator: str) -> None:
    for pipeline in SINKS[operator]:
        written.same(lambda db: db.written.drop())
        written.same(lambda db: db.written.insert_many([{"_id": 4, "n": "was"}, {"_id": "kept"}]))
        written.same(lambda db, p=pipeline: list(db.things.aggregate(p)))
        written.same(lambda db: list(db.written.find().sort([("_id", 1)])))

"""Documents beside the rows that hold them, so that each query can be asked of both."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from bson import Int64
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

MAX = Int64(2**63 - 1)

Document = dict[str, Any]
Answer = Any


@dataclass(frozen=True)
class Pair:
    """One set of documents twice: plain, and inside rows."""

    plain: Collection[Document]
    rows: Collection[Document]

    def fill(self, documents: list[Document]) -> None:
        self.plain.delete_many({})
        self.rows.delete_many({})
        self.plain.insert_many(documents)
        self.rows.insert_many([row(document, born) for born, document in enumerate(documents, 1)])


def row(
    document: Document, born: int, *, branch: int = 1, end: Int64 = MAX, marks: list[Document] | None = None
) -> Document:
    """Build the row of a document by hand."""
    row: Document = {"_id": {"b": branch, "t": end, "n": Int64(born)}, "f": Int64(born), "d": document}
    return row | {"s": marks} if marks else row


def outcome(ask: Callable[[], Answer]) -> tuple[str, Answer]:
    """An answer, or the error code in its place."""
    try:
        return "answer", ask()
    except OperationFailure as error:
        return "error", error.code


def multiset(documents: list[Mapping[str, Any]]) -> list[str]:
    """Documents without their order; types and field order still count."""
    return sorted(map(repr, documents))


@pytest.fixture(scope="module")
def scratch(client: MongoClient[Document]) -> Iterator[Database[Document]]:
    """A database for the tests of one module."""
    database = client[f"rewrite_{uuid.uuid4().hex[:12]}"]
    yield database
    client.drop_database(database)


@pytest.fixture(scope="module")
def pair(scratch: Database[Document]) -> Pair:
    """Two empty collections, to be filled."""
    return Pair(scratch.plain, scratch.rows)

"""The documents: about 250 bytes each, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.harness import Documents

CITIES = ("Aachen", "Bergen", "Cádiz", "Dakar", "Esbjerg", "Faro", "Gdańsk", "Hanoi", "Ibadan", "Jaipur")
PER_GROUP = 10
PAGE = 1000
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_PRIME = 7919  # scatters values over the documents: they are not in the order of insertion


def document(number: int, count: int) -> dict[str, Any]:
    """Make one of ``count`` documents.

    ``group`` and ``rank`` are to be indexed: 10 documents share a group, and
    ranks are a permutation of the numbers.
    """
    scattered = number * _PRIME % count
    return {
        "_id": number,
        "name": f"User {number:07d}",
        "email": f"user{number}@example.com",
        "age": 18 + scattered % 60,
        "city": CITIES[scattered % len(CITIES)],
        "group": scattered // PER_GROUP,
        "rank": scattered,
        "score": scattered / 8,
        "active": scattered % 3 == 0,
        "joined": _BEGIN + timedelta(minutes=number),
        "tags": ["blue", "green"],
        "address": {"street": f"{scattered % 200} Long Street", "zip": f"{scattered % 90000:05d}"},
        "version": 0,
    }


def documents(count: int) -> Iterator[dict[str, Any]]:
    """Make ``count`` documents with the ids from 0 on."""
    return (document(number, count) for number in range(count))


def fresh(number: int) -> dict[str, Any]:
    """Make a document to insert, whose ``_id`` the driver makes."""
    made = document(number, 1_000_003)
    del made["_id"]
    return made


def index(collection: Documents) -> None:
    """Index the two fields that are looked up."""
    collection.create_index("group")
    collection.create_index("rank")


def fill(collection: Documents, made: Iterable[dict[str, Any]]) -> None:
    """Insert documents, a page at a time."""
    rest = iter(made)
    while page := list(islice(rest, PAGE)):
        collection.insert_many(page)

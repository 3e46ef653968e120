"""What the benchmarks run on: a server, a plain database, and a project with the same data."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from argon import Argon, Branch, Project, WALDatabase
from argon.server import EmbeddedServer
from benchmarks.data import documents, fill, index
from benchmarks.harness import Documents

URI_VARIABLE = "ARGON_TEST_MONGODB_URI"
USERS = "users"


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        documents: In the collections that are compared.
        samples: Of a short operation; long ones take fewer.
        seconds: That one round of concurrent writers takes.
        rounds: Of concurrent writers.
        writers: How many threads and tasks write at once.
        processes: How many processes do.
        versions: Past versions of the document that has many.
        many: Documents in what is large.
        merged: Documents that a large merge changes.
        few: Documents in what is small.
    """

    documents: int
    samples: int
    seconds: float
    rounds: int
    writers: tuple[int, ...]
    processes: tuple[int, ...]
    versions: int
    many: int
    merged: int
    few: int = 1000


FULL = Size(
    documents=100_000,
    samples=500,
    seconds=4,
    rounds=3,
    writers=(1, 4, 16, 64),
    processes=(1, 2, 4),
    versions=10_000,
    many=1_000_000,
    merged=1_000_000,
)
QUICK = Size(
    documents=10_000,
    samples=150,
    seconds=1,
    rounds=2,
    writers=(16,),
    processes=(4,),
    versions=1_000,
    many=100_000,
    merged=30_000,
)


@dataclass(frozen=True)
class Views:
    """The same documents, each a hundredth of them changed since the past and on the child."""

    plain: Documents
    main: Documents
    child: Documents
    past: Documents


class Stage:
    """Everything that a group of benchmarks needs; what is dear is made when first asked for.

    Args:
        uri: The server.
        size: How much is measured.
    """

    def __init__(self, uri: str, size: Size) -> None:
        self.uri = uri
        self.size = size
        suffix = uuid.uuid4().hex[:8]
        self.client: MongoClient[dict[str, Any]] = MongoClient(uri)
        self.plain = self.client[f"bench_plain_{suffix}"]
        self.argon = Argon(uri, database=f"bench_argon_{suffix}")
        self.project: Project = self.argon.create_project("bench")
        self.main: Branch = self.project.branch("main")
        self.db: WALDatabase[dict[str, Any]] = WALDatabase(self.main)

    def close(self) -> None:
        """Drop what was made."""
        for database in (self.plain.name, self.argon.database):
            self.client.drop_database(database)
        self.argon.close()
        self.client.close()

    def branch(self, name: str) -> WALDatabase[dict[str, Any]]:
        """Make a child of main."""
        return WALDatabase(self.project.create_branch(name))

    def filled(self, project: str, count: int) -> Project:
        """Make a project whose main branch holds ``count`` documents."""
        made = self.argon.create_project(project)
        users = WALDatabase[dict[str, Any]](made.branch()).collection(USERS)
        index(users)
        fill(users, documents(count))
        return made

    @cached_property
    def views(self) -> Views:
        """The collections that are compared."""
        plain, main = self.plain[USERS], self.db.collection(USERS)
        for collection in (plain, main):
            index(collection)
            fill(collection, documents(self.size.documents))
        before = self.main.head_lsn
        child = self.branch("child").collection(USERS)
        changed = list(range(7, self.size.documents, 100))
        for collection in (plain, main, child):
            collection.update_many({"_id": {"$in": changed}}, {"$inc": {"version": 1}})
        return Views(plain, main, child, main.at(lsn=before))

    def rows_store(self, db: WALDatabase[dict[str, Any]], name: str) -> Documents:
        """Return the physical collection behind a logical one, to look at its size."""
        catalogue = self.client[self.argon.database]["collections"]
        current = {"_id.b": db.branch.record.number, "d.name": name}
        return self.client[self.argon.database][catalogue.find_one(current)["d"]["store"]]  # type: ignore[index]


@contextmanager
def server(uri: str | None) -> Iterator[str]:
    """Give a server: the one named, that of the environment, or an embedded one of our own."""
    named = uri or os.environ.get(URI_VARIABLE)
    if named:
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="argon-bench-") as directory:
        embedded = EmbeddedServer(Path(directory))
        try:
            yield embedded.start()
        finally:
            embedded.stop()

"""What the tests share: a real replica set, started once for the whole run.

``ARGON_TEST_MONGODB_URI`` names a server to use; ``ARGON_TEST_DOCKER=1`` runs
MongoDB in a container; otherwise an embedded server is started in a temporary
directory, shared by all workers of pytest-xdist.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from pymongo import MongoClient

import argon as argon_package

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

    from argon import Argon, Branch, Project, WALDatabase
    from tests.stores import Stores

# A run says the same of the same code, whoever runs it, and says it at once: a smaller example is looked for,
# which takes minutes, with `--hypothesis-profile explore`, which also looks further.
settings.register_profile("steady", derandomize=True, deadline=None, phases=[Phase.explicit, Phase.generate])
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("steady")
# Hypothesis also tries the constants that it finds in the modules loaded so far, so load them all.
for _module in pkgutil.walk_packages(argon_package.__path__, "argon."):
    importlib.import_module(_module.name)

# Waits for its standard input to close, as it does when the run ends, however it ends. Nothing of what it
# ends and removes is worth a clean shutdown.
_UNDERTAKER = 'read -r _; [ -s "$0/db/mongod.lock" ] && kill -9 "$(cat "$0/db/mongod.lock")"; rm -rf "$0"'
_undertaker = pytest.StashKey[subprocess.Popen[bytes]]()

_PARAMETERS = {
    # Tests make and drop collections all the time. MongoDB keeps the files of what was dropped open for five
    # minutes and until the next checkpoint after that: tens of thousands by then, more than it may open.
    "minSnapshotHistoryWindowInSeconds": 10,
    "syncdelay": 10,
    # A read that is no snapshot gives way to writers after a thousand steps or ten milliseconds. Here it does
    # so at every step, so that whatever takes it for a snapshot is found out.
    "internalQueryExecYieldIterations": 1,
}


def _server_directory(config: pytest.Config) -> Path:
    """One directory for the run: xdist puts those of its workers below the controller's."""
    base = Path(config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
    return (base.parent if hasattr(config, "workerinput") else base) / "mongod"


@pytest.hookimpl(trylast=True)  # after the temporary directory is known
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    config.stash[_undertaker] = subprocess.Popen(
        ["sh", "-c", _UNDERTAKER, str(_server_directory(config))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    undertaker = config.stash.get(_undertaker, None)
    if undertaker:
        undertaker.communicate()


@pytest.fixture(scope="session")
def mongod_uri(pytestconfig: pytest.Config) -> Iterator[str]:
    """A replica set that takes writes."""
    named = os.environ.get("ARGON_TEST_MONGODB_URI")
    if named:
        yield named
    elif os.environ.get("ARGON_TEST_DOCKER") == "1":
        yield from _container()
    else:
        from argon.server import EmbeddedServer

        yield EmbeddedServer(_server_directory(pytestconfig), parameters=_PARAMETERS).start()


def _container() -> Iterator[str]:
    """MongoDB in Docker, one for each worker: a container ends with the process that started it."""
    containers = pytest.importorskip("testcontainers.core.container")
    try:
        container = containers.DockerContainer("mongo:8.0").with_command("--replSet rs0 --bind_ip_all")
        container.with_exposed_ports(27017).start()
    except Exception as error:
        pytest.skip(f"ARGON_TEST_DOCKER=1, but Docker cannot be used: {error}")
    try:
        uri = (
            f"mongodb://{container.get_container_host_ip()}:{container.get_exposed_port(27017)}"
            "/?directConnection=true"
        )
        _initiate(uri, "127.0.0.1:27017")
        yield uri
    finally:
        container.stop()


def _initiate(uri: str, host: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        config = {"_id": "rs0", "members": [{"_id": 0, "host": host}]}
        client.admin.command("replSetInitiate", config)
        hello = client.admin.command("hello")
        while not hello["isWritablePrimary"]:
            version = hello["topologyVersion"]
            hello = client.admin.command("hello", topologyVersion=version, maxAwaitTimeMS=1000)


@pytest.fixture(scope="session")
def client(mongod_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """A plain PyMongo client."""
    with MongoClient[dict[str, Any]](mongod_uri) as client:
        yield client


@pytest.fixture
def plain_db(client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """An ordinary empty database: the oracle."""
    database = client[f"plain_{uuid.uuid4().hex[:12]}"]
    yield database
    client.drop_database(database)


@pytest.fixture(scope="session")
def stores(mongod_uri: str, client: MongoClient[dict[str, Any]]) -> Iterator[Stores]:
    """Databases for tests to have for themselves."""
    from tests.stores import Stores

    stores = Stores(mongod_uri, client)
    yield stores
    stores.close()


@pytest.fixture
def argon(mongod_uri: str, stores: Stores) -> Iterator[Argon]:
    """Argon on a database of its own."""
    from argon import Argon

    with stores.one() as name, Argon(mongod_uri, database=name) as argon:
        yield argon


@pytest.fixture
def project(argon: Argon) -> Project:
    """A project named shop."""
    return argon.create_project("shop")


@pytest.fixture
def main(project: Project) -> Branch:
    """The main branch of the project."""
    return project.branch("main")


@pytest.fixture
def db(main: Branch) -> WALDatabase:
    """The database of the main branch."""
    from argon import WALDatabase

    return WALDatabase(main)


@pytest.fixture
def users(db: WALDatabase) -> Collection[dict[str, Any]]:
    """An empty collection on the main branch."""
    return db.collection("users")

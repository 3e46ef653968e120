"""A server that can be told to fail, and servers that can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from pymongo import MongoClient

from argon.io import run
from argon.server import EmbeddedServer
from argon.wal.orphans import end_orphans
from tests.faults.faces import FACES, Do, reached

if TYPE_CHECKING:
    from argon import Argon, Branch, Project, WALDatabase

PARAMETERS = {"enableTestCommands": 1}
# After an error that only seems to come from a change of primaries, no change follows of which the server
# would tell its clients; they are to ask by themselves, and soon.
_OPTIONS = "&heartbeatFrequencyMS=500&serverMonitoringMode=poll"


class Failing(Protocol):
    """Makes commands fail: ``with failing("insert", times=2, errorCode=112): …``."""

    def __call__(
        self, *commands: str, times: int | None = 1, skip: int = 0, **data: Any
    ) -> AbstractContextManager[None]: ...


class Mortal:
    """A mongod of a test's own, which can be killed and comes back on the same port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = EmbeddedServer(directory, parameters=PARAMETERS)
        self.uri = self._server.start() + _OPTIONS

    def kill(self) -> None:
        """End it with SIGKILL."""
        pid = self._server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and "State:\tZ" not in _status(pid):
            time.sleep(0.001)  # the kernel tells nobody but the parent

    def revive(self) -> None:
        """Start it again, and wait until it takes writes."""
        assert self._server.start() + _OPTIONS == self.uri


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "State:\tZ"


@pytest.fixture(scope="session")
def fallible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    """A server with test commands, for the whole run."""
    yield from _mortal(tmp_path_factory.mktemp("fallible"))


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    """A server for one test, which may kill it."""
    yield from _mortal(tmp_path / "mortal")


def _mortal(directory: Path) -> Iterator[Mortal]:
    server = Mortal(directory)
    yield server
    pid = EmbeddedServer(directory).status().pid
    if pid:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def argon(fallible: Mortal) -> Iterator[Argon]:
    """Argon on a database of its own, on the server that can be told to fail."""
    from argon import Argon

    name = f"argon_{uuid.uuid4().hex[:12]}"
    with Argon(fallible.uri, database=name) as argon:
        yield argon
        # What the killed have left open would be in the way.
        run(end_orphans(argon.mongo))
        argon.mongo.drop_database(name)


@pytest.fixture
def project(argon: Argon) -> Project:
    return argon.create_project("shop")


@pytest.fixture
def main(project: Project) -> Branch:
    return project.branch("main")


@pytest.fixture
def db(main: Branch) -> WALDatabase[Any]:
    from argon import WALDatabase

    return WALDatabase(main)


@pytest.fixture
def failing(fallible: Mortal) -> Iterator[Failing]:
    """Makes commands of Argon's clients fail."""
    with MongoClient[dict[str, Any]](fallible.uri) as client:

        @contextmanager
        def fail(*commands: str, times: int | None = 1, skip: int = 0, **data: Any) -> Iterator[None]:
            mode: Any = "alwaysOn" if times is None else {"times": times}
            if skip:
                assert times == 1
                mode = {"skip": skip}
            data |= {"failCommands": list(commands), "appName": "argon"}
            client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
            try:
                yield
            finally:
                client.admin.command("configureFailPoint", "failCommand", mode="off")

        yield fail


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    """By which driver a test reaches its branch, in a module that has documents in ``filled``."""
    name: str = request.param
    return name


@pytest.fixture
def do(face: str, argon: Argon, filled: WALDatabase[Any], fallible: Mortal) -> Iterator[Do]:
    """Calls something on main's database by a face, and returns what comes of it."""
    with reached(face, argon.database, fallible.uri) as do:
        yield do

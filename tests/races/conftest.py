"""Clients in processes of their own, on the database of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.races.processes import Client

if TYPE_CHECKING:
    from argon import Argon, Project

Spawn = Callable[..., Client]


@pytest.fixture
def spawn(argon: Argon, project: Project, mongod_uri: str, tmp_path: Path) -> Iterator[Spawn]:
    """Starts a client process: ``spawn("task", threads=…, …)``.

    The first, third, … are on one machine and hand the head on; the second, fourth, … have each a machine
    of their own and race. So every test with three clients or more has both.
    """
    clients: list[Client] = []

    def start(task: str, **arguments: Any) -> Client:
        machine = tmp_path / (f"machine{len(clients)}" if len(clients) % 2 else "shared")
        client = Client(task, mongod_uri, argon.database, machine=machine, **arguments)
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)

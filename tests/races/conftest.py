"""Clients in processes of their own, on the database of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.races.processes import Client

if TYPE_CHECKING:
    from argon import Argon, Project

Spawn = Callable[..., Client]


@pytest.fixture
def spawn(argon: Argon, project: Project, mongod_uri: str) -> Iterator[Spawn]:
    """Starts a client process: ``spawn("task", threads=…, …)``."""
    clients: list[Client] = []

    def start(task: str, **arguments: Any) -> Client:
        client = Client(task, mongod_uri, argon.database, **arguments)
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)

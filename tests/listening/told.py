"""What listeners are told of commands, in a form that can be compared."""

from __future__ import annotations

from typing import Any

import bson
from pymongo import monitoring

_OF_SERVERS = ("$clusterTime", "operationTime", "electionId", "opTime", "commitQuorum")
_OF_CURSORS = ("getMore", "id")


class Told(monitoring.CommandListener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.events.append(("started", event.command_name, event.database_name, alike(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self.events.append(("succeeded", event.command_name, event.database_name, alike(event.reply)))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        failure: Any = event.failure
        self.events.append(("failed", event.command_name, event.database_name, failure.get("code")))

    def take(self) -> list[tuple[Any, ...]]:
        """Return what it was told since the last time."""
        told, self.events = self.events, []
        return told


def alike(document: Any) -> Any:
    """Return a command or a reply without what is another value every time it is sent."""
    plain = bson.decode(bson.encode(document)) if isinstance(document, bson.SON | dict) else document
    return _without(plain)


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without(one) for name, one in value.items() if name not in _OF_SERVERS}
    for name, one in kept.items():
        if name in _OF_CURSORS and isinstance(one, int):
            kept[name] = bool(one)
        elif name in ("cursors", "cursorsKilled", "lsid", "txnNumber", "info"):
            kept[name] = "one of them"
    return kept

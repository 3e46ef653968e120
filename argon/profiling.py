"""The profiler of branches: which commands the application sent, and how long they took.

On a branch a command of the application is no command of the server's, whose
own profiler would tell of physical ones. So what ``profile`` asks for is kept
here, in this process, for each branch, and ``system.profile`` shows it. While
no branch is profiled this does nothing.

The source of the fields is "Database Profiler Output" in the MongoDB manual;
what it says of the physical work (keys, plans, locks) is not told.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bson
from bson import ObjectId

SHOWN_AS = "system.profile"
"""The collection that shows what was profiled."""
_LIMIT = 1024 * 1024
"""Bytes that are kept for a branch, of the latest commands; the server's collection begins with as many."""
_KINDS = {"find": "query", "getMore": "getmore", "insert": "insert", "update": "update", "delete": "remove"}
_COMMANDS = frozenset(
    {"aggregate", "collMod", "count", "create", "createIndexes", "distinct", "drop", "dropIndexes"}
    | {"findAndModify", "killCursors", "listIndexes", "mapReduce"}
)
_COUNTS = {
    "insert": {"n": "ninserted"},
    "update": {"n": "nMatched", "nModified": "nModified"},
    "delete": {"n": "ndeleted"},
}
_NO_NAMESPACE = 26
_READS = frozenset({"aggregate", "find", "getMore"})
_BATCHES = ("firstBatch", "nextBatch")


@dataclass
class Profile:
    """What is told of one branch.

    Attributes:
        level: 0 for nothing, 1 for slow commands, 2 for all.
        slow_ms: From how many milliseconds on a command is slow.
        rate: Which part of the slow ones is kept.
        made: Whether there has been anything to show since it was last dropped.
        entries: The latest commands, encoded.
    """

    level: int = 0
    slow_ms: int = 100
    rate: float = 1.0
    made: bool = False
    entries: deque[bytes] = field(default_factory=deque)
    _size: int = 0

    def configure(self, level: int) -> None:
        """Set the level; others than 0, 1 and 2 leave it as it is."""
        if level not in (0, 1, 2):
            return
        self.level = level
        if level:
            self.made = True
            _on.add(id(self))
        else:
            _on.discard(id(self))

    def tell(self, database: str, command: Mapping[str, Any], reply: Mapping[str, Any], ms: int) -> None:
        """Keep what there is to tell of a command.

        Args:
            database: The name that the branch has as a database.
            command: The command, without ``$db``.
            reply: What was answered.
            ms: How long that took.
        """
        if self.level < 2 and not (self.level and ms >= self.slow_ms and random.random() < self.rate):
            return
        for entry in _entries(database, command, reply, ms):
            encoded = bson.encode(entry)
            self.entries.append(encoded)
            self._size += len(encoded)
        while self._size > _LIMIT:
            self._size -= len(self.entries.popleft())

    def drop(self) -> None:
        """Forget what was told."""
        self.entries.clear()
        self._size, self.made = 0, False


_profiles: dict[tuple[str, ObjectId], Profile] = {}
_on: set[int] = set()


def any_on() -> bool:
    """Whether a branch is profiled in this process."""
    return bool(_on)


def profile_of(place: str, branch_id: ObjectId) -> Profile:
    """Return the profile of a branch.

    Args:
        place: What tells its database from others.
        branch_id: The branch.
    """
    return _profiles.setdefault((place, branch_id), Profile())


def shown(place: str, branch_id: ObjectId) -> list[bytes] | None:
    """Return what ``system.profile`` shows of a branch; None where there is no such collection."""
    profile = _profiles.get((place, branch_id))
    return None if profile is None or not profile.made else list(profile.entries)


def _entries(
    database: str, command: Mapping[str, Any], reply: Mapping[str, Any], ms: int
) -> Iterator[dict[str, Any]]:
    verb = str(next(iter(command)))
    if (verb not in _KINDS and verb not in _COMMANDS) or reply.get("code") == _NO_NAMESPACE:
        return
    collection = command["collection"] if verb == "getMore" else command[verb]
    entry: dict[str, Any] = {
        "op": _KINDS.get(verb, "command"),
        "ns": f"{database}.{collection}",
        "command": {**command, "$db": database},
        **_outcome(verb, reply),
        "protocol": "op_msg",
        "millis": ms,
        "ts": datetime.now(UTC),
        "allUsers": [],
        "user": "",
    }
    said = {"comment": command["comment"]} if "comment" in command else {}
    if verb == "insert":
        entry["command"].pop("documents", None)
    for statement in command.get(f"{verb}s", ()) if verb in ("update", "delete") else (None,):
        yield entry if statement is None else {**entry, "command": {**_named(statement), **said}}


def _named(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell of a hint by name as the server does."""
    hint = statement.get("hint")
    return {**statement, "hint": {"$hint": hint}} if isinstance(hint, str) else statement


def _outcome(verb: str, reply: Mapping[str, Any]) -> dict[str, Any]:
    if reply.get("ok") != 1:
        failed = {"ok": 0.0, "errMsg": reply.get("errmsg"), "errName": reply.get("codeName")}
        return {**failed, "errCode": reply.get("code")}
    told: dict[str, Any] = {name: reply[key] for key, name in _COUNTS.get(verb, {}).items() if key in reply}
    cursor = reply.get("cursor")
    if isinstance(cursor, Mapping) and verb in _READS:
        told["cursorExhausted" if not cursor.get("id") else "cursorid"] = cursor.get("id") or True
        told["nreturned"] = sum(len(cursor.get(batch, ())) for batch in _BATCHES)
    return told

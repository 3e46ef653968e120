"""Runs operations in processes that die at a chosen step.

The process itself lives on and forks one victim after the other, since
starting Python takes longer than anything that is tested here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient, monitoring

from argon import Argon, Branch, WALDatabase


class Killer(monitoring.CommandListener):
    """Kills its process before the n-th command is sent.

    To the server, that is the same as a death after the answer to the command before.
    """

    def __init__(self) -> None:
        self.steps = -1

    def arm(self, steps: int) -> None:
        self.steps = steps

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps -= 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


def insert(branch: Branch) -> None:
    WALDatabase(branch).collection("users").insert_one({"_id": "new"})


def update(branch: Branch) -> None:
    WALDatabase(branch).collection("users").update_one({"_id": 1}, {"$inc": {"n": 1}})


def delete(branch: Branch) -> None:
    WALDatabase(branch).collection("users").delete_one({"_id": 2})


def update_many(branch: Branch) -> None:
    WALDatabase(branch).collection("users").update_many({}, {"$inc": {"n": 1}})


def first_insert(branch: Branch) -> None:
    WALDatabase(branch).collection("fresh").insert_one({"_id": 1})


def drop(branch: Branch) -> None:
    WALDatabase(branch).collection("users").drop()


def rename(branch: Branch) -> None:
    WALDatabase(branch).collection("users").rename("people")


def group(branch: Branch) -> None:
    with WALDatabase(branch).commit(message="group") as txn:
        txn.collection("users").update_one({"_id": 1}, {"$inc": {"n": 1}})
        txn.collection("users").insert_one({"_id": "new"})
        txn.collection("users").delete_one({"_id": 2})


def fork(branch: Branch) -> None:
    branch.project.create_branch(f"{branch.name}-fork", parent=branch)


def remove(branch: Branch) -> None:
    branch.project.delete_branch(branch.name)


OPERATIONS: dict[str, Callable[[Branch], None]] = {
    operation.__name__: operation
    for operation in (
        delete,
        drop,
        first_insert,
        fork,
        group,
        insert,
        remove,
        rename,
        update,
        update_many,
    )
}


def _live(job: dict[str, Any]) -> None:
    killer = Killer()
    # Argon tells the listeners of a client of its own of operations, those of another one of each command.
    argon = Argon(
        client=MongoClient(job["uri"], appname="argon", event_listeners=[killer]), database=job["database"]
    )
    branch = argon.project("shop").branch(job["branch"])
    killer.arm(job["steps"])
    OPERATIONS[job["operation"]](branch)
    killer.arm(-1)
    os._exit(0)


def main() -> None:
    """Read jobs, one a line, and tell of each whether the victim came through."""
    for line in sys.stdin:
        victim = os.fork()
        if victim == 0:
            _live(json.loads(line))
        _, status = os.waitpid(victim, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        outcome = "killed" if killed else ("done" if status == 0 else f"failed with {status}")
        sys.stdout.write(outcome + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

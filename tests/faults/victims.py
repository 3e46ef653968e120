"""Runs operations in processes that die at a chosen step.

The process itself lives on and forks one victim after the other, since
starting Python takes longer than anything that is tested here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from pymongo.synchronous import pool

from argon import Argon, Branch, WALDatabase


def _die_when_sent(steps: int) -> None:
    """Kill this process as soon as the n-th message from here on is with the server, before it has answered.

    Every message to the server goes through this function of PyMongo's, also those that are sent past its
    methods and those that do not wait for the answer to the one before.
    """
    send, left = pool.sendall, steps

    def sendall(*arguments: Any) -> None:
        nonlocal left
        send(*arguments)
        if threading.current_thread() is threading.main_thread():  # others look after the servers
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    pool.sendall = sendall


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
    project = Argon(job["uri"], database=job["database"]).project("shop")
    branch = project.branch(job["branch"])
    # Commits after the first have a session and a connection that are kept for them.
    WALDatabase(project.branch()).collection("elsewhere").insert_one({})
    _die_when_sent(job["steps"])
    OPERATIONS[job["operation"]](branch)
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

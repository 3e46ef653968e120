"""The past does not change, whoever asks for it, however early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from argon import WALDatabase
from tests.races.clients import digest
from tests.races.conftest import Spawn

if TYPE_CHECKING:
    from argon import Project


@pytest.mark.parametrize("branch", ["main", "feature"])
def test_an_lsn_always_gives_the_same_answer(
    db: WALDatabase[Any], project: Project, spawn: Spawn, branch: str
) -> None:
    for name in ("c0", "c1", "c2"):
        db.collection(name).insert_many([{"_id": number, "n": 0} for number in range(0, 40, 2)])
    if branch != "main":
        project.create_branch(branch)
    writers = [
        spawn("changes", name=f"w{number}", branch=name) for number, name in enumerate(["main", branch])
    ]
    readers = [spawn("digests", branch=branch, threads=2) for _ in range(2)]
    for client in (*writers, *readers):
        client.start()
    for reader in readers:
        reader.wait_for(80)
    for client in (*readers, *writers):
        client.stop()
    answers: dict[int, set[str]] = {}
    for reader in readers:
        for event in reader.result():
            answers.setdefault(event["lsn"], set()).add(event["digest"])
    assert len(answers) > 10
    here = WALDatabase(project.branch(branch))
    for lsn, seen in answers.items():
        assert seen == {digest(here.at(lsn=lsn))}, lsn


def test_the_head_that_one_process_names_another_can_read_at_once(
    db: WALDatabase[Any], project: Project, spawn: Spawn
) -> None:
    here = project.branch("main")
    writer = spawn("changes", name="w")
    reader = spawn("digests")
    for client in (writer, reader):
        client.start()
    checked = 0
    while checked < 40:
        told = reader.wait_for(checked + 1)
        for event in told[checked:]:
            assert digest(WALDatabase(here).at(lsn=event["lsn"])) == event["digest"]
        checked = len(told)
    for client in (writer, reader):
        client.stop()

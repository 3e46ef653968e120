"""How processes of one machine hand the head on: nothing that befalls the file may cost more than time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from argon.engine import baton as module
from argon.engine.baton import Baton, Note
from argon.io import ThreadWorld, run
from argon.wal.log import Head

PATIENCE = 0.5
SOON = 0.25
"""Seconds; whoever has to wait for its patience to end takes longer."""
BRANCH = ObjectId("65f000000000000000000007")
NEIGHBOUR = Path(__file__).with_name("neighbour.py")


class Neighbour:
    """Another process."""

    def __init__(self, path: Path, branch: ObjectId = BRANCH) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(NEIGHBOUR), str(path), str(branch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.hear() == "ready"

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, words: str) -> str:
        self.say(words)
        return self.hear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "argon" / "batons"


@pytest.fixture
def neighbours(path: Path) -> Iterator[Callable[..., Neighbour]]:
    started: list[Neighbour] = []

    def start(branch: ObjectId = BRANCH) -> Neighbour:
        started.append(Neighbour(path, branch))
        return started[-1]

    yield start
    for neighbour in started:
        neighbour.process.kill()
        neighbour.process.communicate()


def _baton(path: Path, branch: ObjectId = BRANCH, database: str = "") -> Baton:
    return Baton(path, branch, ThreadWorld(), database)


def _note(lsn: int, free: tuple[int, int] = (0, 0)) -> Note:
    return Note(Head(lsn, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)), 3, free)


def _take(baton: Baton) -> tuple[Note | None, float]:
    begin = time.monotonic()
    note = run(baton.take())
    return note, time.monotonic() - begin


def _offset(branch: ObjectId = BRANCH) -> int:
    return int.from_bytes(branch.binary[-4:], "big") % module._PLACES * module._SIZE


def test_a_note_is_read_as_it_was_left(path: Path) -> None:
    first, second = _baton(path), _baton(path)
    assert run(first.take()) is None
    first.pass_on(_note(42, (43, 50)))
    assert run(second.take()) == _note(42, (43, 50))


def test_processes_hand_the_head_on(path: Path, neighbours: Callable[..., Neighbour]) -> None:
    here, there = _baton(path), neighbours()
    assert run(here.take()) is None
    here.pass_on(_note(5))
    assert there.ask("take") == "5"
    there.ask("pass 6")
    note = run(here.take())
    assert note is not None
    assert note.head.lsn == 6
    here.pass_on(None)
    assert there.ask("take") == "None"


def test_who_waits_comes_as_soon_as_it_is_passed_on(path: Path, neighbours: Callable[..., Neighbour]) -> None:
    here, there = _baton(path), neighbours()
    run(here.take())
    there.say("take")
    asked = b"\0" * 8
    while asked == b"\0" * 8:  # until it has found the place taken
        asked = os.pread(module._files[path] or 0, 8, _offset() + module._NOTE.size)
    begin = time.monotonic()
    here.pass_on(_note(9))
    assert there.hear() == "9"
    assert time.monotonic() - begin < SOON


def test_lsns_that_are_left_over_are_given_once(path: Path) -> None:
    run(_baton(path).take())
    giver, killed, next_one = _baton(path), _baton(path), _baton(path)
    run(giver.take())
    giver.pass_on(_note(42, (43, 50)))
    note = run(killed.take())  # and it never passes on
    assert note is not None
    assert note.free == (43, 50)
    note = run(next_one.take())
    assert note is not None
    assert note.head.lsn == 42
    assert note.free == (0, 0)


def test_a_killed_holder_holds_nobody_up(path: Path, neighbours: Callable[..., Neighbour]) -> None:
    here, there = _baton(path), neighbours()
    there.ask("take")
    there.ask("pass 7")
    there.ask("take")
    there.process.kill()
    there.process.wait()
    note, waited = _take(here)
    assert note is not None
    assert note.head.lsn == 7  # what its last commit but one left: out of date perhaps
    assert waited < SOON


def test_a_stopped_holder_holds_others_up_once(path: Path, neighbours: Callable[..., Neighbour]) -> None:
    here, there = _baton(path), neighbours()
    there.ask("take")
    there.process.send_signal(signal.SIGSTOP)
    note, waited = _take(here)
    assert note is None
    assert waited >= PATIENCE
    here.pass_on(_note(1))
    for _ in range(3):
        note, waited = _take(here)
        assert note is None
        assert waited < SOON
        here.pass_on(_note(1))
    there.process.send_signal(signal.SIGCONT)
    assert there.ask("pass 8") == "passed"
    note, _ = _take(here)
    assert note is not None
    assert note.head.lsn == 8, "who had no turn has left no note"
    here.pass_on(note)
    assert there.ask("take") == "8"
    assert _take(here)[1] >= PATIENCE, "after a turn, it is patient again"


def test_only_who_asked_a_moment_ago_waits(path: Path) -> None:
    baton = _baton(path)
    run(baton.take())
    assert not baton.wanted()
    file = module._files[path]
    assert file is not None
    # The clock begins anew with the machine, and the file may outlive that.
    for ago, waits in ((0.0, True), (1.0, False), (-3600.0, False)):
        baton.pass_on(None)
        os.pwrite(file, module._ASKED.pack(time.monotonic() - ago), _offset() + module._NOTE.size)
        run(baton.take())
        assert baton.wanted() is waits


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\xff" * 80, os.urandom(80)], ids=["empty", "short", "ones", "random"]
)
def test_garbage_is_no_note(path: Path, content: bytes) -> None:
    run(_baton(path).take())
    file = module._files[path]
    assert file is not None
    if len(content) < 80:
        os.ftruncate(file, _offset())
    os.pwrite(file, content, _offset())
    baton = _baton(path)
    assert run(baton.take()) is None
    os.ftruncate(file, module._PLACES * module._SIZE)  # as whoever opens it next does
    baton.pass_on(_note(4))
    assert run(_baton(path).take()) == _note(4)


def test_who_has_long_been_alone_takes_no_turns_until_somebody_comes(
    path: Path, neighbours: Callable[..., Neighbour], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = _baton(path), neighbours()
    for _ in range(2):
        run(here.take())
        assert here.shared(), "not for long yet"
        here.pass_on(_note(5))
    monkeypatch.setattr(module, "_ALONE", 0.0)
    run(here.take())
    assert not here.shared()
    here.pass_on(None)  # what follows would make any note untrue
    monkeypatch.setattr(module, "_ALONE", 1000.0)
    for _ in range(3):
        assert run(here.take()) is None
        here.pass_on(_note(6))
    begin = time.monotonic()
    assert there.ask("take") == "None"
    assert time.monotonic() - begin < SOON, "nobody holds it"
    there.ask("pass 8")
    note = run(here.take())
    assert note is not None
    assert note.head.lsn == 8
    assert here.shared()


def test_who_comes_to_one_who_is_alone_is_noticed_before_its_turn_is_over(
    path: Path, neighbours: Callable[..., Neighbour], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ALONE", 0.0)
    here, there = _baton(path), neighbours()
    for _ in range(2):
        run(here.take())
        here.pass_on(None)
    assert _take(here)[1] < SOON
    there.ask("take")
    assert _take(here)[1] >= PATIENCE


def test_who_loses_a_race_takes_turns_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ALONE", 0.0)
    baton = _baton(path)
    for _ in range(2):
        run(baton.take())
        baton.pass_on(_note(5))
    assert run(baton.take()) is None
    baton.meet()
    assert run(baton.take()) == _note(5)


def test_garbage_after_the_name_of_the_branch_is_no_note(path: Path) -> None:
    baton = _baton(path)
    run(baton.take())
    baton.pass_on(_note(4))
    file = module._files[path]
    assert file is not None
    os.pwrite(file, b"\x7f" * 48, _offset() + 12)
    assert run(_baton(path).take()) is None


def test_branches_that_share_a_place_do_not_read_each_others_notes(path: Path) -> None:
    other = ObjectId(BRANCH.binary[:-4] + (7 + module._PLACES).to_bytes(4, "big"))
    one, two = _baton(path), _baton(path, other)
    run(one.take())
    one.pass_on(_note(5))
    assert run(two.take()) is None
    two.pass_on(_note(1000))
    assert run(one.take()) is None


def test_copies_of_a_database_do_not_read_each_others_notes(path: Path) -> None:
    one, two = _baton(path, database="production"), _baton(path, database="staging")
    run(one.take())
    one.pass_on(_note(5))
    assert run(two.take()) is None


def test_neighbours_on_branches_that_share_a_place_take_turns(
    path: Path, neighbours: Callable[..., Neighbour]
) -> None:
    other = ObjectId(BRANCH.binary[:-4] + (7 + module._PLACES).to_bytes(4, "big"))
    there, here = neighbours(other), _baton(path)
    there.ask("take")
    there.ask("pass 3")
    note, waited = _take(here)
    assert note is None
    assert waited < SOON
    here.pass_on(_note(4))
    assert there.ask("take") == "None"


def test_a_place_where_nobody_may_write_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no directory")
    for path in (blocked / "batons", Path("/proc/argon/batons"), Path("/dev/full")):
        baton = _baton(path)
        assert _take(baton)[0] is None
        baton.pass_on(_note(1))
        note, waited = _take(baton)
        assert note is None
        assert waited < SOON


def test_a_full_disk_is_done_without_and_holds_nobody_up(
    path: Path, neighbours: Callable[..., Neighbour], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    here, elsewhere, there = _baton(path), _baton(path, ObjectId()), neighbours()
    run(here.take())
    run(elsewhere.take())
    monkeypatch.setattr(os, "pwrite", full)
    here.pass_on(_note(1))
    begin = time.monotonic()
    assert there.ask("take") == "None"
    assert time.monotonic() - begin < SOON, "the place is still locked"
    elsewhere.pass_on(_note(1))
    assert run(here.take()) is None

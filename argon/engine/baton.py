"""How the processes of one machine hand the head of a branch to one another.

Whoever commits holds a lock on the branch's place in a small file that all
processes of a user share, and leaves there what the next one needs to know:
the head, and whether the catalogue has changed. So neighbours queue instead
of racing, and need not ask the server where they are.

It is a courtesy and no lock: the log alone decides who lands. A process that
waits too long goes ahead without, a note that is out of date costs a lost
race, and the kernel frees the place of a process that dies. A note may even
tell of another log, one that a backup has since replaced: a head from a note
is looked up by the commit that follows it.

Who has been alone on a branch for long takes no turns. It only looks whether
its place is as it left it, without a note, so a newcomer asks the server once.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import logging
import os
import random
import struct
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bson import ObjectId

from argon.forks import renew_in_child
from argon.io import Operation, World
from argon.wal.log import Head

if TYPE_CHECKING:
    from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: its processes race
    fcntl = None

logger = logging.getLogger("argon.baton")

_PLACES = 4096
_SIZE = 64 + 16
_NOTE = struct.Struct("<12s8sqqqqq")
"""The branch, who wrote it, and what is in a :class:`Note`."""
_ASKED = struct.Struct("<d")
"""When somebody last found the place taken."""
_PLACE = struct.Struct("<12s8sqqqqqd")
_NO_BLOCK = bytes(16)
_POLL = 0.0004
_PATIENCE = 0.5
"""Seconds to wait for a turn. A commit takes milliseconds; whatever takes longer is no queue."""
_RECENT = 0.01
_ALONE = 1.0
"""Seconds without anybody else after which there is nobody to take turns with."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Note:
    """What the last holder knew.

    Attributes:
        head: The branch's head after its commit.
        ddl_lsn: The last change of the catalogue that it had seen.
        free: LSNs that it had not used: the first, and the end.
    """

    head: Head
    ddl_lsn: int
    free: tuple[int, int]


class Baton:
    """One process's hand, for one branch.

    Args:
        path: The file that the processes share.
        branch_id: The branch.
        world: Threads or an event loop.
        database: What tells its database from others, where copies may have branches of the same id.
    """

    def __init__(self, path: Path, branch_id: ObjectId, world: World, database: str = "") -> None:
        self._path = path
        self._world = world
        named = branch_id.binary + database.encode()
        self._branch = hashlib.blake2b(named, digest_size=12).digest()
        # The last bytes of an ObjectId count up, so branches that are used together have places of their own.
        self._offset = int.from_bytes(branch_id.binary[-4:], "big") % _PLACES * _SIZE
        self._patience = _PATIENCE
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Be another hand than the parent's; the kernel leaves the locks to the parent."""
        self._me = os.urandom(8)
        self._held = False
        self._wanted = False
        self._asked = 0.0
        self.meet()

    def meet(self) -> None:
        """Take note that somebody else writes to the branch."""
        self._met = time.monotonic()
        self._alone = False
        self._left = b""  # the place, as it is while this process is alone

    def take(self) -> Operation[Note | None]:
        """Wait for one's turn.

        Returns:
            What the last holder left, if that still can be told.
        """
        file = _open(self._path)
        if fcntl is None or file is None:
            return None
        try:
            if self._left and self._look(file) == self._left:
                return None
            if not (yield from self._wait(file, 0.0)):
                return None
            writer, note, asked = self._read(file)
            if writer != self._me:
                self.meet()
            elif asked != self._asked and _is_recent(asked):
                self.meet()
                # Somebody waits, and who has just had it would be quicker every time.
                fcntl.lockf(file, fcntl.LOCK_UN, 1, self._offset)
                if not (yield from self._wait(file, (yield from self._pause()))):
                    return None
                _, note, asked = self._read(file)
            else:
                self._alone = time.monotonic() - self._met > _ALONE
            self._held = True
            self._wanted = _is_recent(asked)
            if note is not None:
                # Nobody else may use them, should this process be killed before it leaves a note of its own.
                os.pwrite(file, _NO_BLOCK, self._offset + _NOTE.size - len(_NO_BLOCK))
            elif writer != self._me:
                self._ask(file)  # whoever is alone here is so no longer
        except OSError as error:
            _give_up(self._path, error)
            return None
        return note

    def shared(self) -> bool:
        """Whether what this turn comes to is for others to hear."""
        return self._held and not self._alone

    def wanted(self) -> bool:
        """Whether there was waiting for the turn that this one has."""
        return self._held and self._wanted

    def pass_on(self, note: Note | None) -> None:
        """Let the next one come.

        Args:
            note: What it should know; None where that is not certain.
        """
        file = _open(self._path)
        if not self._held or fcntl is None or file is None:
            return
        self._held = False
        try:
            self._write(file, note)
            self._left = self._look(file) if self._alone else b""
        except OSError as error:
            _give_up(self._path, error)
        else:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, self._offset)

    def _wait(self, file: int, waited: float) -> Operation[bool]:
        while not _try_lock(file, self._offset):
            if waited >= self._patience:
                # Its holder is stopped perhaps, and may be for long; from now on a look is enough.
                self._patience = 0.0
                return False
            self._ask(file)
            waited += yield from self._pause()
        self._patience = _PATIENCE
        return True

    def _pause(self) -> Operation[float]:
        pause = _POLL * random.uniform(0.5, 1.5)
        yield self._world.sleep(pause)
        return pause

    def _ask(self, file: int) -> None:
        self._asked = time.monotonic()
        os.pwrite(file, _ASKED.pack(self._asked), self._offset + _NOTE.size)

    def _look(self, file: int) -> bytes:
        return os.pread(file, _PLACE.size, self._offset)

    def _read(self, file: int) -> tuple[bytes, Note | None, float]:
        packed = self._look(file)
        if len(packed) < _PLACE.size:
            return b"", None, 0.0
        branch, writer, lsn, micros, ddl_lsn, first, end, asked = _PLACE.unpack(packed)
        if branch != self._branch or not lsn:
            return writer, None, asked
        try:
            head = Head(lsn, _EPOCH + timedelta(microseconds=micros))
        except OverflowError:  # no note of ours
            return writer, None, asked
        return writer, Note(head, ddl_lsn, (first, end)), asked

    def _write(self, file: int, note: Note | None) -> None:
        fields = (0,) * 5
        if note is not None:
            micros = (note.head.time - _EPOCH) // timedelta(microseconds=1)
            fields = (note.head.lsn, micros, note.ddl_lsn, *note.free)
        os.pwrite(file, _NOTE.pack(self._branch, self._me, *fields), self._offset)


def default_path() -> Path:
    """Return the file that the processes of a user share on this machine."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # The user's own name for it, so that nobody else has made it before.
    return (
        (Path(runtime) if runtime else Path(tempfile.gettempdir())) / f"argon-{getpass.getuser()}" / "batons"
    )


_files: dict[Path, int | None] = {}


def _open(path: Path) -> int | None:
    """Return the file's descriptor, which stays open: closing any would free every lock of the process."""
    if path not in _files:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(file, _PLACES * _SIZE)
            _files[path] = file
        except OSError as error:
            _give_up(path, error)
    return _files[path]


def _is_recent(asked: float) -> bool:
    """Whether somebody asked a moment ago, by this clock, and not before the machine was started anew."""
    return 0 <= time.monotonic() - asked < _RECENT


def _try_lock(file: int, offset: int) -> bool:
    assert fcntl is not None
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
    except BlockingIOError:
        return False
    return True


def _give_up(path: Path, error: OSError) -> None:
    """Race from here on, which is slower and no less right."""
    logger.info("processes of this machine cannot queue on %s: %s", path, error)
    file, _files[path] = _files.get(path), None
    if fcntl is not None and file is not None:
        # It stays open, for other threads may be about to use it; but nobody waits for this process any more.
        with contextlib.suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN)

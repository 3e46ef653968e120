"""A process beside that of the test: it takes and passes on what its standard input says."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from bson import ObjectId

from argon.engine.baton import Baton, Note
from argon.io import ThreadWorld, run
from argon.wal.log import Head


def main() -> None:
    """Serve until the input ends."""
    baton = Baton(Path(sys.argv[1]), ObjectId(sys.argv[2]), ThreadWorld())
    print("ready", flush=True)
    for line in sys.stdin:
        word, *numbers = line.split()
        if word == "take":
            note = run(baton.take())
            print(note.head.lsn if note else None, flush=True)
        else:
            head = Head(int(numbers[0]), datetime(2026, 1, 1, tzinfo=UTC))
            baton.pass_on(Note(head, 0, (0, 0)))
            print("passed", flush=True)


if __name__ == "__main__":
    main()

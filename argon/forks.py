"""What a forked child must not inherit: locks of threads that it does not have, and a place in their queues.

MongoDB's drivers care for themselves in the same way. A program that forks
with a connection open (a web server that loads the application first, a pool
of ``multiprocessing``) goes on in the child as if it had just begun.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What is used by several threads, or stands for a process."""

    def after_fork(self) -> None:
        """Begin anew in the child, where no other thread is."""


_known: WeakSet[Renewable] = WeakSet()


def renew_in_child(renewable: Renewable) -> None:
    """Have :meth:`Renewable.after_fork` called in every child, for as long as somebody uses the object."""
    _known.add(renewable)


def _renew() -> None:
    for renewable in list(_known):
        renewable.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)

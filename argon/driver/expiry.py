"""The thread that expires documents, as MongoDB's TTL monitor does."""

from __future__ import annotations

import logging
import threading

from pymongo.errors import PyMongoError

from argon.catalog.collections import Catalog
from argon.engine.expiry import expire, ttl_indexes
from argon.engine.handle import Handle
from argon.engine.line import Line
from argon.errors import BranchNotFound
from argon.io import run

logger = logging.getLogger("argon.ttl")


class ExpiryService:
    """Expires documents of the branches that this process uses.

    The thread starts when the first catalogue with a TTL index is seen, and
    several processes may run one for the same branch.

    Args:
        interval: Seconds between two rounds.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._lines: set[Line] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def notice(self, line: Line, catalog: Catalog) -> None:
        """Look after a branch from now on, if it has a TTL index."""
        if next(ttl_indexes(catalog), None) is None:
            return
        with self._lock:
            self._lines.add(line)
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="argon-ttl", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread; a round that is under way ends with the document it is at."""
        with self._lock:
            self._stopping.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        while not self._stopping.wait(self._interval):
            with self._lock:
                lines = list(self._lines)
            for line in lines:
                if not self._stopping.is_set():
                    self._expire(line)

    def _expire(self, line: Line) -> None:
        try:
            run(expire(Handle(line)))
        except BranchNotFound:
            with self._lock:
                self._lines.discard(line)
        except PyMongoError as error:
            # The next round tries again; nobody waits for this one.
            logger.warning("documents of branch %r could not be expired: %s", line.record.name, error)

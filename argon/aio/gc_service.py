"""Garbage collection as a service: round by round, until it is stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pymongo.errors import PyMongoError

from argon.aio._world import Alarm, Call
from argon.errors import Conflict, NotFound
from argon.gc.service import Pace, Stopped
from argon.periods import Period, read_period
from argon.settings import load_settings

R = TypeVar("R")
logger = logging.getLogger("argon.gc")


class AsyncGCService(Generic[R]):
    """Collects garbage now and then.

    A round that fails is tried again soon, and then less and less soon, up to the pause between two
    rounds: what is left to do, the next one does. A project that is gone, and whatever else
    waiting does not mend, ends the service with its error.

    Args:
        collect: What is done: ``argon.gc``, ``project.gc``, or what takes ``progress`` as these do.
        every: The pause between two rounds, as :mod:`argon.periods` has periods; by default the
            setting ``gc_interval``.
        on_round: Is told after each round what ``collect`` returned.
        on_error: Is told of each round that failed, and of the seconds until the next try; by default
            the logger ``argon.gc`` is.

    Raises:
        ValueError: ``every`` is no period.
    """

    def __init__(
        self,
        collect: Call[R],
        *,
        every: Period | None = None,
        on_round: Callable[[R], Any] | None = None,
        on_error: Callable[[PyMongoError, float], Any] | None = None,
    ) -> None:
        self._collect = collect
        self._pace = Pace(load_settings().gc_interval if every is None else read_period(every))
        self._on_round = on_round
        self._on_error = on_error or _log
        self._alarm = Alarm()

    async def run(self) -> None:
        """Go on until :meth:`stop` is called; in a thread, a task or a process of its own.

        Raises:
            NotFound: What was to be collected is gone.
            Conflict: It cannot be collected.
        """
        while not self._alarm.rang:
            try:
                done = await self._collect(progress=self._check)
            except Stopped:
                return
            except (NotFound, Conflict):
                raise
            except PyMongoError as error:
                pause = self._pace.failed()
                self._on_error(error, pause)
            else:
                pause = self._pace.succeeded()
                if self._on_round is not None:
                    self._on_round(done)
            await self._alarm.wait(pause)

    def stop(self) -> None:
        """Let :meth:`run` return: from a pause at once, and from a round after the batch that it is at."""
        self._alarm.ring()

    def _check(self, _phase: str, _rows: int) -> None:
        if self._alarm.rang:
            raise Stopped


def _log(error: PyMongoError, pause: float) -> None:
    logger.warning("garbage could not be collected: %s; trying again in %.0f s", error, pause)

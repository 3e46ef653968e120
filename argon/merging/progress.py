"""How far a comparison or a merge is, told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class MergeProgress:
    """How far a comparison or a merge is.

    Attributes:
        phase: ``reading`` (the log), ``comparing`` (documents) or ``writing``.
        entries: How many entries of the log have been read.
        examined: How many documents have been compared.
        changed: How many of them differ, or are to be changed.
        written: How many changes have been written.
    """

    phase: str = "reading"
    entries: int = 0
    examined: int = 0
    changed: int = 0
    written: int = 0


Watcher = Callable[[MergeProgress], None]
"""Is told now and then how far it is; an attempt that begins anew counts anew."""


class Tally:
    """Counts, and tells.

    Args:
        watcher: Is told; None for nobody.
    """

    def __init__(self, watcher: Watcher | None = None) -> None:
        self._watcher = watcher
        self._state = MergeProgress()

    def begin(self) -> None:
        """Count anew."""
        self._tell(MergeProgress())

    def read(self, entries: int) -> None:
        """Entries of the log were read."""
        self._tell(replace(self._state, phase="reading", entries=self._state.entries + entries))

    def compared(self, examined: int, changed: int) -> None:
        """Documents were compared."""
        state = self._state
        counts = {"examined": state.examined + examined, "changed": state.changed + changed}
        self._tell(replace(state, phase="comparing", **counts))

    def wrote(self, written: int) -> None:
        """So many changes have been written in all."""
        self._tell(replace(self._state, phase="writing", written=written))

    def _tell(self, state: MergeProgress) -> None:
        self._state = state
        if self._watcher is not None:
            self._watcher(state)

"""The flags as they are now, for a process that asks before each of its operations."""

from __future__ import annotations

import time
from typing import Any

from argon.features.flags import Flags, FlagValue
from argon.features.sources import configured_flags
from argon.features.stored import load_stored, store_flag, unset_flag
from argon.io import Operation

_BOUND = 2.0
"""Seconds after which a process sees a flag that another one has set."""


class FlagsInForce:
    """What is configured, with what is stored in the database laid over it.

    Args:
        collection: The collection ``features``, of any of the drivers.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._flags: Flags | None = None
        self._read = 0.0
        self._on: dict[tuple[str, str, str | None], Flags] = {}
        """Where a feature was found to be on, by which flags."""

    def current(self, *, fresh: bool = False) -> Operation[Flags]:
        """Return the flags, what is stored in the database included.

        Args:
            fresh: Read them now, however short the time since they were read.
        """
        flags = self._flags
        now = time.monotonic()
        if flags is None or fresh or now - self._read > _BOUND:
            self._read = now  # whoever comes while one reads them goes on with the old ones
            configured = configured_flags() if flags is None else flags
            values = yield from load_stored(self._collection)
            self._flags = flags = configured.with_stored(values)
            self._on.clear()
        return flags

    def store(self, flag: str, value: FlagValue) -> Operation[None]:
        """Set a feature flag for every process; this one sees it at once.

        Raises:
            InvalidSettings: There is no such flag, or it cannot have this value.
        """
        yield from store_flag(self._collection, flag, value)
        yield from self.current(fresh=True)

    def unset(self, flag: str) -> Operation[bool]:
        """Forget what is stored for a flag, so that the file or the default counts.

        Returns:
            Whether a value was stored.

        Raises:
            InvalidSettings: There is no such flag.
        """
        found = yield from unset_flag(self._collection, flag)
        yield from self.current(fresh=True)
        return found

    def enabled(self, flag: str, project: str, branch: str | None = None) -> Operation[bool]:
        """Whether a feature is on for a project or a branch."""
        return (yield from self.current()).enabled(flag, project, branch)

    def require(self, flag: str, project: str, branch: str | None = None) -> Operation[None]:
        """Check that a feature is on for a project or a branch; fast, for every write asks.

        Raises:
            FeatureDisabled: It is off; the message says where that was set.
        """
        flags = yield from self.current()
        place = (flag, project, branch)
        if self._on.get(place) is not flags:
            flags.require(flag, project, branch)
            self._on[place] = flags

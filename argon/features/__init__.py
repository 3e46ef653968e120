"""Feature flags: what they are, where their values come from, what they decide.

A flag is a boolean or a :class:`Rollout`. Its value is the one from the
strongest source that has one:

1. the environment: ``ARGON_FEATURES__WAL_ENABLED=false``, or JSON for a rollout
2. the database: ``argon features set``, seen by every process within seconds
3. ``config/features.yaml``, in the working directory or above it
4. on

The others need ``wal_enabled``: where it is off, they are off. Switching a flag
changes what is made next and what is refused (see :mod:`argon.classic.branches`);
a branch that is in the log stays there, and one that is classic too.

:func:`configured_flags` reads what does not change while a process runs; a
process refreshes the rest with ``flags.with_stored(run(load_stored(c)))``.
"""

from argon.features.flags import FLAGS, Flags, FlagValue, Setting
from argon.features.in_force import FlagsInForce
from argon.features.rollout import Rollout
from argon.features.sources import configured_flags, parse_flag_value
from argon.features.stored import load_stored, store_flag, unset_flag

__all__ = [
    "FLAGS",
    "FlagValue",
    "Flags",
    "FlagsInForce",
    "Rollout",
    "Setting",
    "configured_flags",
    "load_stored",
    "parse_flag_value",
    "store_flag",
    "unset_flag",
]

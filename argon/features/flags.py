"""The flags, and the answer to whether one is on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from argon.errors import FeatureDisabled, InvalidSettings
from argon.features.rollout import Rollout

FLAGS: Mapping[str, str] = {
    "wal_enabled": "off: everything is an ordinary database, the shim passes through",
    "wal_create_branch": "off: new branches are classic ones, physical copies",
    "wal_data_operations": "off: WAL branches are read-only through the shim",
    "wal_time_travel": "off: at=, restore and log answer FeatureDisabled",
}
"""Every flag, all on by default, with what it means to switch it off."""

_FOUNDATION = "wal_enabled"
"""Without it the others have nothing to work on."""

FlagValue = bool | Rollout


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a flag, where it comes from and how to change it there."""

    value: FlagValue
    source: str
    mend: str


@dataclass(frozen=True, slots=True)
class Flags:
    """All flags at one moment, from all their sources."""

    file: Mapping[str, Setting] = field(default_factory=dict)
    stored: Mapping[str, Setting] = field(default_factory=dict)
    environment: Mapping[str, Setting] = field(default_factory=dict)

    def setting(self, flag: str) -> Setting:
        """Find the value in force.

        Args:
            flag: The flag's name.

        Returns:
            The value with its source.

        Raises:
            InvalidSettings: There is no such flag.
        """
        check_flag_name(flag)
        for layer in (self.environment, self.stored, self.file):
            if flag in layer:
                return layer[flag]
        return Setting(True, "default", set_command(flag))

    def source(self, flag: str) -> str:
        """Tell where the value in force comes from.

        Args:
            flag: The flag's name.

        Returns:
            ``default``, ``database``, the variable or the file.

        Raises:
            InvalidSettings: There is no such flag.
        """
        return self.setting(flag).source

    def enabled(self, flag: str, project: str, branch: str | None = None) -> bool:
        """Decide whether a flag is on; where ``wal_enabled`` is off, all of them are.

        Args:
            flag: The flag's name.
            project: The project concerned.
            branch: The branch concerned, if one is.

        Returns:
            Whether it is on there.

        Raises:
            InvalidSettings: There is no such flag.
        """
        return self._switched_off_by(flag, project, branch) is None

    def require(self, flag: str, project: str, branch: str | None = None) -> None:
        """Refuse to go on where a flag is off.

        Args:
            flag: The flag's name.
            project: The project concerned.
            branch: The branch concerned, if one is.

        Raises:
            FeatureDisabled: The flag is off there; the message names the flag,
                where its value comes from and how to switch it on.
            InvalidSettings: There is no such flag.
        """
        cause = self._switched_off_by(flag, project, branch)
        if cause is None:
            return
        setting = self.setting(cause)
        if cause != flag:
            flag = f"{flag} needs {cause}, which"
        place = f"{project}@{branch}" if branch else project
        value = setting.value.as_document() if isinstance(setting.value, Rollout) else "false"
        raise FeatureDisabled(
            f"the feature {flag} is off for {place}: {setting.source} says {value}; "
            f"to switch it on, {setting.mend}"
        )

    def _switched_off_by(self, flag: str, project: str, branch: str | None) -> str | None:
        """Return the flag that a feature is off for, if it is."""
        for one in dict.fromkeys((_FOUNDATION, flag)):
            value = self.setting(one).value
            if not (value.includes(project, branch) if isinstance(value, Rollout) else value):
                return one
        return None

    def with_stored(self, values: Mapping[str, FlagValue]) -> Flags:
        """Take over what the database holds now.

        Args:
            values: What :func:`argon.features.load_stored` returned.

        Returns:
            New flags; the other sources are as they were.
        """
        stored = {flag: Setting(value, "database", set_command(flag)) for flag, value in values.items()}
        return replace(self, stored=stored)


def set_command(flag: str) -> str:
    """Write the command that switches a flag on."""
    return f"run 'argon features set {flag} true'"


def check_flag_name(flag: str, source: str | None = None) -> str:
    """Check that a flag exists.

    Args:
        flag: The name.
        source: Where it was read, for the message.

    Returns:
        The name itself.

    Raises:
        InvalidSettings: There is no such flag.
    """
    if flag in FLAGS:
        return flag
    near = difflib.get_close_matches(flag, FLAGS, n=1)
    mend = f"did you mean {near[0]!r}?" if near else f"the flags are {', '.join(FLAGS)}"
    raise InvalidSettings(f"unknown feature flag {flag!r}{f' in {source}' if source else ''}: {mend}")


def check_flag_value(flag: str, value: Any, source: str) -> FlagValue:
    """Check the value of a flag.

    Args:
        flag: The flag's name.
        value: A boolean, a rollout or a mapping that describes one.
        source: Where it was read, for the message.

    Returns:
        The value, a mapping as a :class:`Rollout`.

    Raises:
        InvalidSettings: It is none of these.
    """
    if isinstance(value, bool | Rollout):
        return value
    if not isinstance(value, Mapping):
        raise InvalidSettings(
            f"wrong value {value!r} for the feature flag {flag} in {source}: "
            "give true, false or a rollout such as {enabled: true, projects: [shop], percent: 25}"
        )
    try:
        return Rollout.model_validate(dict(value))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise InvalidSettings(
            f"wrong rollout for the feature flag {flag} in {source}: {where}: {problem['msg']}; "
            "a rollout is {enabled: true or false, projects: [names], percent: 0 to 100}"
        ) from None

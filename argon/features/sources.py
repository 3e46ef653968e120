"""The sources of flags that belong to a process: its file and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from argon.config_files import find_upwards, read_mapping
from argon.errors import InvalidSettings
from argon.features.flags import Flags, FlagValue, Setting, check_flag_name, check_flag_value

FILE_NAME = "config/features.yaml"
PREFIX = "ARGON_FEATURES__"


def configured_flags(environment: Mapping[str, str] | None = None, start: Path | None = None) -> Flags:
    """Read the flags of the file and the environment.

    Args:
        environment: The variables; ``os.environ`` if not given.
        start: Where the search for the file begins; the working directory if
            not given.

    Returns:
        The flags, with nothing stored.

    Raises:
        InvalidSettings: A flag is unknown or has a value it cannot have; the
            message names the file or variable.
    """
    path = find_upwards(FILE_NAME, start)
    return Flags(
        file=_in_file(path) if path else {},
        environment=_in_environment(os.environ if environment is None else environment),
    )


def parse_flag_value(flag: str, text: str, source: str = "the arguments") -> FlagValue:
    """Read the value of a flag from text.

    Args:
        flag: The flag's name.
        text: ``true``, ``false`` (also on, off, yes, no, 1, 0) or a rollout as
            JSON or YAML.
        source: Where it was read, for the message.

    Returns:
        The value.

    Raises:
        InvalidSettings: The text is none of these, or there is no such flag.
    """
    check_flag_name(flag, source)
    if text.strip() in ("0", "1"):
        return text.strip() == "1"
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    return check_flag_value(flag, value, source)


def _in_environment(environment: Mapping[str, str]) -> dict[str, Setting]:
    settings = {}
    for variable, text in environment.items():
        if variable.startswith(PREFIX) and text:
            flag = variable.removeprefix(PREFIX).lower()
            value = parse_flag_value(flag, text, f"the environment ({variable})")
            settings[flag] = Setting(
                value, f"environment ({variable})", f"unset {variable} or set it to true"
            )
    return settings


def _in_file(path: Path) -> dict[str, Setting]:
    return {
        check_flag_name(flag, str(path)): Setting(
            check_flag_value(flag, value, str(path)), str(path), f"write '{flag}: true' in {path}"
        )
        for flag, value in _argons_own(read_mapping(path).get("features"), path).items()
    }


def _argons_own(features: Any, path: Path) -> dict[str, Any]:
    """Leave a file of the same name alone that belongs to another program."""
    if not isinstance(features, dict | list) or not any(str(name).startswith("wal") for name in features):
        return {}
    if isinstance(features, list):
        raise InvalidSettings(f"{path}: the flags below 'features:' are written 'wal_enabled: true'")
    return {str(flag): value for flag, value in features.items()}

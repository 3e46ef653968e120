"""Find and read the YAML files that configure Argon."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from argon.errors import InvalidSettings


def find_upwards(name: str, start: Path | None = None) -> Path | None:
    """Look for a file in a directory and in those above it.

    The search ends at the home directory where it starts inside it. Elsewhere
    it ends below a directory that everybody may write, such as ``/tmp``, where
    anybody could leave a file that names a program to run.

    Args:
        name: The file's name, or its path below each directory.
        start: Where to begin; the working directory if not given.

    Returns:
        The nearest such file, or None.
    """
    for directory in _upwards((start or Path.cwd()).resolve()):
        path = directory / name
        if path.is_file():
            return path
    return None


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping with text for keys, or nothing.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        InvalidSettings: The file cannot be read or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InvalidSettings(f"{path} is not YAML: {_first_line(error)}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InvalidSettings(f"{path} must hold lines of the form 'name: value', not {content!r:.60}")
    return content


def _upwards(start: Path) -> Iterator[Path]:
    home = _home()
    yield start
    if start == home:
        return
    for directory in start.parents:
        if directory.stat().st_mode & stat.S_IWOTH:
            return
        yield directory
        if directory == home:
            return


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except RuntimeError:  # a user without a home, as in some containers
        return None


def _first_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{error.problem} in line {mark.line + 1}, column {mark.column + 1}"
    return str(error)

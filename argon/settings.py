"""Settings: arguments over the environment over ``argon.yaml`` over defaults.

The settings file is the one that ``ARGON_CONFIG`` names, or the first
``argon.yaml`` found in the working directory and the directories above it (up
to the home directory, where the working directory is inside it)::

    mongodb_uri: mongodb://h1,h2/?replicaSet=rs0
    project: shop

In the environment the same names are upper case and begin with ``ARGON_``. A
path in the file is relative to the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from argon.config_files import find_upwards, read_mapping
from argon.errors import InvalidSettings
from argon.names import check_branch_name, check_database_name, check_project_name
from argon.periods import read_period

PREFIX = "ARGON_"
FILE_NAME = "argon.yaml"
FILE_VARIABLE = "ARGON_CONFIG"

_MENDS = {
    "string_type": "it must be text: put it in quotes",
    "path_type": "it must be a path: put it in quotes",
}


class Settings(BaseSettings):
    """What Argon needs to know before it opens anything.

    Made by :func:`load_settings`, or directly; arguments that are None count
    as not given.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    mongodb_uri: str | None = None
    """The MongoDB to use; without it an embedded one is started."""
    database: str = "argon"
    """The MongoDB database that holds everything Argon keeps."""
    project: str | None = None
    """The project where none is named; given as ``project@branch`` it sets the branch as well."""
    branch: str | None = None
    """The branch where none is named."""
    author: str | None = None
    """Who writes, for the log."""
    run_hooks: bool = False
    """Whether commands that are stored as hooks are run here, when something is committed or merged."""
    data_dir: Path | None = None
    """Where the embedded server keeps its data."""
    mongod: Path | None = None
    """The ``mongod`` program to use as the embedded server."""
    ttl_interval: float = Field(default=60.0, gt=0)
    """Seconds between two looks for documents that a TTL index says have expired."""
    retention: float = Field(default=7 * 24 * 3600.0, ge=0)
    """How long history is kept where nobody says it for the branch: ``7d``, ``forever``, or seconds."""
    gc_interval: float = Field(default=3600.0, gt=0)
    """How long to wait between two garbage collections, as ``1h`` or in seconds."""
    gc_grace: float = Field(default=10.0, ge=2)
    """How long a garbage collection lets reads that are under way end: ``10s``, or seconds; 2 at least."""
    gc_batch: int = Field(default=1000, ge=1, le=10_000)
    """How many versions of documents a garbage collection removes at once."""

    def __init__(self, **arguments: Any) -> None:
        given = {name: value for name, value in arguments.items() if value is not None}
        _check_environment(os.environ)
        try:
            super().__init__(**given)
        except ValidationError as error:
            problems = (_explain(problem, given) for problem in error.errors(include_url=False))
            # The original would show values, and a connection string may hold a password.
            raise InvalidSettings("; ".join(problems)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (named by pydantic-settings)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, the strongest first."""
        path = settings_file()
        in_file = _anchor(read_mapping(path), path.parent) if path else {}
        layers = (init_settings(), env_settings(), in_file)
        return tuple(InitSettingsSource(settings_cls, _split_target(layer)) for layer in layers)

    @field_validator("mongodb_uri")
    @classmethod
    def _check_uri(cls, uri: str | None) -> str | None:
        if uri is not None and not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("a connection string begins with mongodb:// or mongodb+srv://")
        return uri

    @field_validator("database")
    @classmethod
    def _check_database(cls, name: str) -> str:
        return check_database_name(name)

    @field_validator("project")
    @classmethod
    def _check_project(cls, name: str | None) -> str | None:
        return name if name is None else check_project_name(name)

    @field_validator("branch")
    @classmethod
    def _check_branch(cls, name: str | None) -> str | None:
        return name if name is None else check_branch_name(name)

    @field_validator("data_dir", "mongod")
    @classmethod
    def _expand_user(cls, path: Path | None) -> Path | None:
        return path.expanduser() if path else None

    @field_validator("retention", "gc_interval", "gc_grace", mode="before")
    @classmethod
    def _read_period(cls, period: Any) -> Any:
        return read_period(period) if isinstance(period, str) else period

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        from argon.server import redact_uri  # below settings in weight: it brings the driver along

        for name, value in super().__repr_args__():
            yield name, redact_uri(value) if name == "mongodb_uri" and value else value


def load_settings(**arguments: Any) -> Settings:
    """Load the settings of this process.

    Args:
        **arguments: Settings that go before all other sources; None counts as
            not given.

    Returns:
        The settings.

    Raises:
        InvalidSettings: A setting is unknown or wrong; the message names the
            argument, variable or file it came from, and what to do.
    """
    return Settings(**arguments)


def settings_file() -> Path | None:
    """Find the settings file in force.

    Returns:
        The file, or None where there is none.

    Raises:
        InvalidSettings: ``ARGON_CONFIG`` names a file that does not exist.
    """
    named = os.environ.get(FILE_VARIABLE)
    if not named:
        return find_upwards(FILE_NAME)
    path = Path(named).expanduser()
    if not path.is_file():
        raise InvalidSettings(f"{FILE_VARIABLE} names {named!r}, which is no file: correct or unset it")
    return path.resolve()


def _anchor(values: dict[str, Any], directory: Path) -> dict[str, Any]:
    return {
        name: directory / Path(value).expanduser()
        if name in ("data_dir", "mongod") and isinstance(value, str)
        else value
        for name, value in values.items()
        if value is not None
    }


def _split_target(values: dict[str, Any]) -> dict[str, Any]:
    project = values.get("project")
    if not isinstance(project, str) or "@" not in project:
        return values
    project, _, branch = project.partition("@")
    return {"branch": branch, **values, "project": project}


def _explain(problem: ErrorDetails, given: Mapping[str, Any]) -> str:
    name = str(problem["loc"][0])
    source = _source(name, given)
    if problem["type"] == "extra_forbidden":
        return f"unknown setting {name!r} in {source}: {_suggest(name)}"
    mend = _MENDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    return f"wrong setting {name!r} in {source}: {mend}"


def _source(name: str, given: Mapping[str, Any]) -> str:
    if name in given:
        return "the arguments"
    variable = next((key for key in os.environ if key.lower() == f"{PREFIX}{name}".lower()), None)
    if variable and os.environ[variable]:
        return f"the environment ({variable})"
    return str(settings_file())


def _suggest(name: str) -> str:
    near = _nearest(name)
    known = ", ".join(Settings.model_fields)
    return f"did you mean {near!r}?" if near else f"the settings are {known}"


def _nearest(name: str) -> str | None:
    fields = list(Settings.model_fields)
    near = difflib.get_close_matches(name, fields, n=1, cutoff=0.75)
    return near[0] if near else next((field for field in fields if field.endswith(f"_{name}")), None)


def _check_environment(environment: Mapping[str, str]) -> None:
    """Refuse a misspelt variable: ignored, ARGON_MONGO_URI would mean another server.

    Variables that resemble no setting are let be: others use the prefix too,
    as Kubernetes does for a service of that name (ARGON_SERVICE_HOST), and so
    do Argon's tests (ARGON_TEST_MONGODB_URI).
    """
    for variable in environment:
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or "__" in name or variable == FILE_VARIABLE:
            continue
        if name.startswith("test_"):
            continue
        near = None if name in Settings.model_fields else _nearest(name)
        if near:
            meant = f"{PREFIX}{near.upper()}"
            raise InvalidSettings(f"the variable {variable} is no setting: did you mean {meant}?")

"""What a command works on: the flags, the environment, the ``.argon`` file, the open Argon.

A project and branch come from, in this order: a flag, ``ARGON_PROJECT`` and
``ARGON_BRANCH``, the nearest ``.argon`` file above the working directory
(one line, ``PROJECT[@BRANCH]``), the settings file, and for the branch the
project's default one.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argon_cli.failures import Failed
from argon_cli.output import Output

if TYPE_CHECKING:
    from pymongo import MongoClient

    from argon import Argon, Branch, Project, WALDatabase
    from argon.driver.collection import WALCollection
    from argon.settings import Settings
    from argon_cli.points import Place

CONTEXT_FILE = ".argon"
_TIMEOUT = "serverSelectionTimeoutMS=5000"


@dataclass
class Flags:
    """What was given on the command line; ``None`` where nothing was."""

    uri: str | None = None
    database: str | None = None
    project: str | None = None
    branch: str | None = None
    space: str | None = None
    output: str | None = None
    author: str | None = None
    message: str | None = None
    force: bool = False
    yes: bool = False


@dataclass(frozen=True)
class Setting:
    """A value and where it comes from."""

    value: str | None
    source: str


@dataclass
class Context:
    """One run of the command line."""

    flags: Flags = field(default_factory=Flags)

    @cached_property
    def output(self) -> Output:
        """Where results go, in the format asked for."""
        return Output(self.flags.output or "table")

    @cached_property
    def settings(self) -> Settings:
        """Argon's settings: the flags over the environment over ``argon.yaml``."""
        from argon.settings import load_settings

        given = {"mongodb_uri": self.flags.uri, "database": self.flags.database, "author": self.flags.author}
        return load_settings(**{name: value for name, value in given.items() if value})

    @cached_property
    def uri(self) -> str:
        """The server to use; the embedded one is started where none is named."""
        from argon.server import EmbeddedServer

        named = self.settings.mongodb_uri or EmbeddedServer(self.settings.data_dir).start()
        return with_timeout(named)

    @cached_property
    def client(self) -> MongoClient[dict[str, Any]]:
        """The connection to the server; it is opened here, on first use."""
        from pymongo import MongoClient

        opened: MongoClient[dict[str, Any]] = MongoClient(self.uri, tz_aware=True, appname="argon")
        click.get_current_context().find_root().call_on_close(opened.close)
        return opened

    @cached_property
    def argon(self) -> Argon:
        """Argon on that connection."""
        from argon import Argon

        settings = self.settings
        return Argon(self.uri, database=settings.database, author=settings.author, client=self.client)

    def sibling(self) -> Context:
        """Return a context for another command on the same server, with no other flag set."""
        other = Context(Flags(uri=self.flags.uri, database=self.flags.database, author=self.flags.author))
        other.client = self.client
        other.argon = self.argon
        return other

    @cached_property
    def file(self) -> Path | None:
        """The context file in force, if there is one."""
        from argon.config_files import find_upwards

        return find_upwards(CONTEXT_FILE)

    @cached_property
    def project_setting(self) -> Setting:
        """The project in use and where it was named."""
        for value, source in (
            (self.flags.project, "-p/--project"),
            (os.environ.get("ARGON_PROJECT"), "ARGON_PROJECT"),
            (self._in_file[0], str(self.file)),
            (self.settings.project, "settings"),
        ):
            if value:
                return Setting(value.partition("@")[0], source)
        return Setting(None, "not set")

    @cached_property
    def branch_setting(self) -> Setting:
        """The branch in use and where it was named.

        A branch named together with a project counts for that project only.
        """
        project, source = self.project_setting.value, self.project_setting.source
        beside = {"-p/--project": self.flags.project, "ARGON_PROJECT": os.environ.get("ARGON_PROJECT")}
        in_project, in_branch = self._in_file
        for value, origin in (
            (self.flags.branch, "-b/--branch"),
            ((beside.get(source) or "").partition("@")[2], source),
            (os.environ.get("ARGON_BRANCH"), "ARGON_BRANCH"),
            (in_branch if in_project == project else None, str(self.file)),
            (self.settings.branch, "settings"),
        ):
            if value:
                return Setting(value, origin)
        return Setting(None, "default")

    @cached_property
    def branch_name(self) -> str:
        """The branch in use; the project's default one where none is named."""
        return self.branch_setting.value or self.project.default_branch

    @cached_property
    def _in_file(self) -> tuple[str | None, str | None]:
        return read_context_file(self.file) if self.file else (None, None)

    @cached_property
    def project(self) -> Project:
        """The project in use."""
        name = self.project_setting.value
        if not name:
            raise click.UsageError(
                "no project is chosen: name one with -p, or choose it once with 'argon use PROJECT'"
            )
        return self.argon.project(name)

    def branch(self, name: str | None = None) -> Branch:
        """Open a branch of the project in use.

        Args:
            name: The branch; without it the one in use.
        """
        found = self.project.branch(name or self.branch_setting.value)
        return found.forced() if self.flags.force else found

    def data(self, at: Place | None = None) -> WALDatabase[dict[str, Any]]:
        """Open the data of the branch in use, or of the branch that the point names, in the space in use.

        Args:
            at: The point of the past to look at; without it, now.
        """
        from argon import WALDatabase
        from argon_cli.points import arguments

        database: WALDatabase[dict[str, Any]] = WALDatabase(
            self.branch(at.branch if at else None), message=self.flags.message
        )
        if at:
            database = database.at(**arguments(at.point))
        return database.space(self.flags.space) if self.flags.space else database

    def collection(self, name: str, at: Place | None = None) -> WALCollection[dict[str, Any]]:
        """Open a collection so that every BSON value comes out as it is.

        Args:
            name: The collection.
            at: The point of the past to look at; without it, now.
        """
        from bson.codec_options import CodecOptions, DatetimeConversion

        # Dates that Python cannot hold must not stop a listing; times are shown in UTC.
        exact: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
        )
        return self.data(at).get_collection(name, codec_options=exact)

    def confirm(self, question: str) -> None:
        """Ask before something is lost.

        Only a terminal is asked; elsewhere ``--yes`` must have been given.

        Raises:
            click.UsageError: Nobody can be asked.
            Failed: The answer was no.
        """
        if self.flags.yes:
            return
        if not is_terminal():
            raise click.UsageError(f"--yes is needed where nobody can be asked: {question}")
        if not click.confirm(question, err=True):
            raise Failed("nothing was done")


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def with_timeout(uri: str) -> str:
    """Let a server that does not answer be given up after seconds, not the driver's half minute."""
    if "serverselectiontimeoutms=" in uri.lower():
        return uri
    if "?" in uri:
        return f"{uri}&{_TIMEOUT}"
    return f"{uri if '/' in uri.partition('://')[2] else f'{uri}/'}?{_TIMEOUT}"


def read_context_file(path: Path) -> tuple[str, str | None]:
    """Read the project and branch that a context file names.

    Raises:
        click.UsageError: It is not one line ``PROJECT[@BRANCH]``.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        text = ""
    project, _, branch = text.partition("@")
    if not project or len(text.split()) != 1 or "@" in branch:
        raise click.UsageError(
            f"{path} is no context file: it holds one line PROJECT[@BRANCH]; "
            "'argon use PROJECT' writes it anew"
        )
    return project, branch or None


def write_context_file(path: Path, project: str, branch: str) -> None:
    """Write the project and branch to use into a context file."""
    path.write_text(f"{project}@{branch}\n", encoding="utf-8")


pass_context = click.make_pass_decorator(Context, ensure=True)

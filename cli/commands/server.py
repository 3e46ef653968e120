"""``argon server``: start, stop and show the embedded MongoDB server."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from argon.server import EmbeddedServer
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options


@global_options
@click.group(cls=NounGroup)
def server() -> None:
    """Start and stop the embedded MongoDB server.

    It is started on first use where no other server is named, and is shared
    by all your programs. ARGON_DATA_DIR says where it keeps its data.
    """


@server.command("start")
@global_options
@pass_context
def start(context: Context) -> None:
    """Start it, unless it runs already."""
    embedded = EmbeddedServer(context.settings.data_dir)
    running = embedded.status().running
    uri = embedded.start()
    context.output.note(f"the embedded server {'runs already' if running else 'was started'}: {uri}")
    _show(context, embedded)


@server.command("stop")
@global_options
@pass_context
def stop(context: Context) -> None:
    """Stop it; what was written stays."""
    embedded = EmbeddedServer(context.settings.data_dir)
    stopped = embedded.stop()
    context.output.note(
        "the embedded server was stopped" if stopped else "the embedded server was not running"
    )
    _show(context, embedded)


@server.command("status")
@global_options
@pass_context
def status(context: Context) -> None:
    """Show whether it runs, and where."""
    _show(context, EmbeddedServer(context.settings.data_dir))


def _show(context: Context, embedded: EmbeddedServer) -> None:
    facts = asdict(embedded.status())
    context.output.record(
        {name: str(value) if isinstance(value, Path) else value for name, value in facts.items()}
    )

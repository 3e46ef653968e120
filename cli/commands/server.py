"""``argon server``: start, stop and show the embedded MongoDB server."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

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
    state = "runs already" if running else "was started"
    context.output.done(f"the embedded server {state}: {uri}", _facts(embedded))


@server.command("stop")
@global_options
@pass_context
def stop(context: Context) -> None:
    """Stop it; what was written stays."""
    embedded = EmbeddedServer(context.settings.data_dir)
    state = "was stopped" if embedded.stop() else "was not running"
    context.output.done(f"the embedded server {state}", _facts(embedded))


@server.command("status")
@global_options
@pass_context
def status(context: Context) -> None:
    """Show whether it runs, and where."""
    context.output.record(_facts(EmbeddedServer(context.settings.data_dir)))


def _facts(embedded: EmbeddedServer) -> dict[str, Any]:
    facts = asdict(embedded.status())
    return {name: str(value) if isinstance(value, Path) else value for name, value in facts.items()}

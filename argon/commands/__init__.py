"""Database commands: what ``db.command()`` does on a branch, in terms of the engine's operations.

A command is a document, and so is its answer, in the shape that the server
gives. Drivers, consoles and tools that speak in commands get the same here as
from a database; what cannot be on a branch is refused with a word about what
to use instead.
"""

from __future__ import annotations

from argon.commands.dispatch import is_about_branches, is_about_server, only_reads, run_command

__all__ = ["is_about_branches", "is_about_server", "only_reads", "run_command"]

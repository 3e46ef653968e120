"""The command ``profile``, and what ``system.profile`` is on a branch; see :mod:`argon.profiling`."""

from __future__ import annotations

from argon.commands.request import Command, Reply, Request
from argon.engine.errors import command_error
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.profiling import profile_of


def profile(request: Request, command: Command) -> Operation[Reply]:
    """Run ``profile``."""
    level = command["profile"]
    if "filter" in command:
        raise UnsupportedOperation("a profile on a branch takes no filter: filter system.profile instead")
    if not isinstance(level, int | float) or isinstance(level, bool):
        text = "BSON field 'profile.profile' is the wrong type, expected types '[long, int, decimal, double']"
        raise command_error({"code": 14, "codeName": "TypeMismatch", "errmsg": text})
    yield from request.handle.snapshot()
    line = request.handle.line
    known = profile_of(line.engine.place, line.record.id)
    reply = {"was": known.level, "slowms": known.slow_ms, "sampleRate": known.rate, "ok": 1.0}
    known.configure(int(level))
    known.slow_ms = int(command.get("slowms", known.slow_ms))
    known.rate = float(command.get("sampleRate", known.rate))
    return reply

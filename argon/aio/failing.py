"""What fail points do on a connection that ends at branches; see :mod:`argon.fail_points`."""

from __future__ import annotations

from typing import Any, NoReturn

from pymongo.asynchronous.mongo_client import _ClientCheckout
from pymongo.errors import AutoReconnect, NetworkTimeout

from argon.aio._world import settle
from argon.commands import is_about_branches, wire
from argon.commands.changes import Changes
from argon.fail_points import FAIL_COMMAND, KINDS, TIME_OUT, Failure, configure, failure_of


class AsyncFailing:
    """The part of a connection that fails on demand."""

    _client: Any
    _server: Any
    _patience: float | None = None
    """For how many seconds PyMongo waits for an answer."""
    fails = False
    """Whether a fail point is behind what goes wrong on it."""

    def _failure_of(self, command: dict[str, Any]) -> Failure | None:
        application = self._client.options.pool_options.appname
        more = next(iter(command)) == "getMore"
        held = self._client.argon.engine.held_cursors.get(int(command["getMore"])) if more else None
        address = self._server.description.address
        return failure_of(address, application, command, of_stream=isinstance(held, Changes))

    def _keeps(self, name: str) -> bool:
        """Whether a fail point is one for commands on branches, and kept here."""
        return name in KINDS and self._client._keeps_fail_points

    async def _undergo(self, failure: Failure) -> None:
        """Wait for as long as a fail point holds up a command, and break the connection if it says so."""
        host, port = self._server.description.address
        patience = failure.delay if self._patience is None else self._patience
        late, delay = patience < failure.delay, min(patience, failure.delay)
        if delay:
            await settle(self._client.argon.engine.world.sleep(delay))
        self.fails = True
        if failure.runs:
            return
        if late:
            raise NetworkTimeout(f"{host}:{port}: timed out, as a fail point asks for")
        if failure.disconnects:
            self._disconnect()

    def _disconnect(self) -> NoReturn:
        host, port = self._server.description.address
        raise AutoReconnect(f"{host}:{port}: connection closed, as a fail point asks for")

    async def _configure(self, command: dict[str, Any]) -> dict[str, Any]:
        """Set a fail point for commands on branches; those that the server answers are left to it.

        It is asked in any case, since one without test commands has no such command.
        """
        data = dict(command.get("data") or {})
        names = data.get("failCommands", [])
        ours = [name for name in names if is_about_branches(name)]
        theirs = [name for name in names if name not in ours]
        asked = wire.without_envelope(command)
        if theirs:
            asked["data"] = {**data, "failCommands": theirs}
        elif command["configureFailPoint"] != TIME_OUT:  # which is over for what is read underneath, too
            asked.pop("data", None)
            asked["mode"] = "off"
        async with _ClientCheckout(self._client._plain, self._server, None) as connection:
            reply = await connection.command("admin", asked)
        if command["configureFailPoint"] == FAIL_COMMAND and names and not ours:
            command = {**command, "mode": "off"}
        from argon.aio.commanding import follow_commands

        follow_commands()
        mine = configure(
            self._server.description.address, {**command, "data": {**data, "failCommands": ours}}
        )
        return {"count": reply["count"] + mine["count"], "ok": 1.0}

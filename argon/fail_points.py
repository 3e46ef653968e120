"""Fail points of a server that has test commands: errors that are asked for, in commands on branches.

Tests of drivers and of applications make a server fail with ``configureFailPoint``.
On a branch a command of the application is no command of the server's, so what
shall fail there is kept here and answered in this process, for each server as
that server would keep it. While none is set this does nothing.

The sources of the fields, and of who gets which label, are MongoDB's
``failCommand`` and ``error_labels.cpp``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argon.engine.errors import command_error

Server = tuple[str, int | None]

FAIL_COMMAND = "failCommand"
TIME_OUT = "maxTimeAlwaysTimeOut"
RETRIED_WRITE = "onPrimaryTransactionalWrite"
GET_MORE = "failGetMoreAfterCursorCheckout"
KINDS = (FAIL_COMMAND, GET_MORE, RETRIED_WRITE, TIME_OUT)
"""The fail points that are about commands which branches answer."""
_ENDS = frozenset({"abortTransaction", "commitTransaction"})
_TIMED_OUT = 50
_TOGETHER = 256 * 1024
"""The server's ``insertVectorMaxBytes``."""
_NO_TRANSACTION = 251

_RETRYABLE = {
    6: "HostUnreachable",
    7: "HostNotFound",
    89: "NetworkTimeout",
    91: "ShutdownInProgress",
    189: "PrimarySteppedDown",
    262: "ExceededTimeLimit",
    9001: "SocketException",
    10107: "NotWritablePrimary",
    11600: "InterruptedAtShutdown",
    11602: "InterruptedDueToReplStateChange",
    13435: "NotPrimaryNoSecondaryOk",
    13436: "NotPrimaryOrSecondary",
}
_TRANSIENT = {
    24: "LockTimeout",
    112: "WriteConflict",
    239: "SnapshotTooOld",
    246: "SnapshotUnavailable",
    267: "PreparedTransactionInProgress",
}
_RESUMABLE = {
    63: "StaleShardVersion",
    133: "FailedToSatisfyReadPreference",
    150: "StaleEpoch",
    234: "RetryChangeStream",
    13388: "StaleConfig",
}
_NAMES = {
    1: "InternalError",
    2: "BadValue",
    8: "UnknownError",
    43: "CursorNotFound",
    _TIMED_OUT: "MaxTimeMSExpired",
    64: "WriteConcernFailed",
    117: "ConflictingOperationInProgress",
    136: "CappedPositionLost",
    237: "CursorKilled",
    _NO_TRANSACTION: "NoSuchTransaction",
    11000: "DuplicateKey",
    11601: "Interrupted",
    **_RETRYABLE,
    **_TRANSIENT,
    **_RESUMABLE,
}


@dataclass(frozen=True)
class Failure:
    """What becomes of one command.

    Attributes:
        error: The reply, instead of running it.
        added: What the reply gets beside what comes of running it.
        disconnects: Whether the connection breaks.
        runs: Whether it runs before that.
        delay: How many seconds it waits first.
    """

    error: Mapping[str, Any] | None = None
    added: Mapping[str, Any] | None = None
    disconnects: bool = False
    runs: bool = False
    delay: float = 0


@dataclass
class _Point:
    data: Mapping[str, Any]
    times: int | None
    skip: int
    entered: int = 0

    def enter(self, number: int = 1) -> bool:
        """Tell whether it comes into effect for what would pass it so many times."""
        if self.skip >= number:
            self.skip -= number
            return False
        if self.times is not None:
            if not self.times:
                return False
            self.times -= 1
        self.entered += 1
        return True


@dataclass
class _Registry:
    points: dict[tuple[Server, str], _Point] = field(default_factory=dict)
    replies: dict[tuple[bytes, int], dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_registry = _Registry()


def any_set() -> bool:
    """Whether a fail point is set in this process."""
    return bool(_registry.points)


def configure(server: Server, command: Mapping[str, Any]) -> dict[str, Any]:
    """Set or lift a fail point.

    Args:
        server: Whose.
        command: ``configureFailPoint`` with one of :data:`KINDS`.

    Returns:
        The server's reply: how often the one before it was entered.

    Raises:
        OperationFailure: The mode is none.
    """
    name, mode = str(command["configureFailPoint"]), command.get("mode")
    times, skip = None, 0
    if isinstance(mode, Mapping) and set(mode) in ({"times"}, {"skip"}):
        [(kind, number)] = mode.items()
        times, skip = (int(number), 0) if kind == "times" else (None, int(number))
    elif mode not in ("off", "alwaysOn"):
        text = f"unknown mode {mode!r} of the fail point {name!r}: off, alwaysOn, {{times: n}} or {{skip: n}}"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    with _registry.lock:
        before = _registry.points.pop((server, name), None)
        if mode != "off":
            _registry.points[server, name] = _Point(command.get("data") or {}, times, skip)
        elif not _registry.points:
            _registry.replies.clear()
    return {"count": before.entered if before else 0, "ok": 1.0}


def failure_of(
    server: Server, application: str | None, command: Mapping[str, Any], *, of_stream: bool = False
) -> Failure | None:
    """Return what shall become of a command; None if it just runs.

    Args:
        server: Where it would have been sent.
        application: The ``appName`` of the client.
        command: The command.
        of_stream: Whether it asks a change stream for more.
    """
    points, verb = _registry.points, next(iter(command))
    with _registry.lock:
        late = points.get((server, TIME_OUT))
        if late is not None and command.get("maxTimeMS") and verb != "getMore" and late.enter():
            return Failure(error=_error(_TIMED_OUT, "operation exceeded time limit", [], {}))
        write = points.get((server, RETRIED_WRITE))
        key = _of_write(command)
        if (
            write is not None
            and key is not None
            and key not in _registry.replies
            and write.enter(_written(command))
        ):
            return Failure(disconnects=True, runs="failBeforeCommitExceptionCode" not in write.data)
        more = points.get((server, GET_MORE))
        if more is not None and verb == "getMore" and more.enter():
            return _failure(more.data, verb, command, of_stream=of_stream)
        point = points.get((server, FAIL_COMMAND))
        if point is None or not _is_meant(point.data, application, verb) or not point.enter():
            return None
    # This is before the server knows whose cursor it is.
    return _failure(point.data, verb, command, of_stream=False)


def _is_meant(data: Mapping[str, Any], application: str | None, verb: str) -> bool:
    return verb in data.get("failCommands", ()) and data.get("appName") in (None, application)


def _failure(data: Mapping[str, Any], verb: str, command: Mapping[str, Any], *, of_stream: bool) -> Failure:
    delay = data.get("blockTimeMS", 0) / 1000 if data.get("blockConnection") else 0
    if data.get("closeConnection"):
        return Failure(disconnects=True, delay=delay)
    if "errorCode" in data:
        code = int(data["errorCode"])
        labels = _labels(code, verb, command, of_concern=False)
        if of_stream and code in {*_RETRYABLE, *_RESUMABLE}:
            labels = ["ResumableChangeStreamError"]
        labels = data.get("errorLabels", labels)
        text = f"Failing command via '{FAIL_COMMAND}' failpoint"
        return Failure(error=_error(code, text, labels, data.get("errorExtraInfo") or {}), delay=delay)
    if "writeConcernError" in data:
        concern = data["writeConcernError"]
        labels = data.get("errorLabels", _labels(int(concern["code"]), verb, command, of_concern=True))
        added = {"writeConcernError": concern, **({"errorLabels": labels} if labels else {})}
        return Failure(added=added, delay=delay)
    return Failure(delay=delay)


def _error(code: int, text: str, labels: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    name = _NAMES.get(code, f"Location{code}")
    reply = {"ok": 0.0, "errmsg": text, "code": code, "codeName": name, **more}
    return {**reply, "errorLabels": list(labels)} if labels else reply


def _labels(code: int, verb: str, command: Mapping[str, Any], *, of_concern: bool) -> list[str]:
    """Return the labels that a server gives an error by itself."""
    if verb not in _ENDS and command.get("autocommit") is False:
        transient = not of_concern and code in {*_RETRYABLE, *_TRANSIENT, _NO_TRANSACTION}
        return ["TransientTransactionError"] if transient else []
    if verb in _ENDS and not of_concern and code in {*_TRANSIENT, _NO_TRANSACTION}:
        return ["TransientTransactionError"]
    retried = verb in _ENDS or "txnNumber" in command
    return ["RetryableWriteError"] if retried and code in _RETRYABLE else []


def is_transient(failure: Failure) -> bool:
    """Whether the error is one by which a driver knows that the transaction is gone."""
    return failure.error is not None and "TransientTransactionError" in failure.error.get("errorLabels", ())


def keep_reply(command: Mapping[str, Any], reply: dict[str, Any]) -> None:
    """Remember what came of a write that its driver will send again, as servers do."""
    if (key := _of_write(command)) is not None:
        _registry.replies[key] = reply


def kept_reply(command: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what came of a write that is sent again; None if it is sent for the first time."""
    return _registry.replies.get(key) if (key := _of_write(command)) is not None else None


def _written(command: Mapping[str, Any]) -> int:
    """Count the writes that the server would make of a command: small documents are inserted together."""
    writes, together = 0, _TOGETHER
    for document in command.get("documents", ()):
        if together >= _TOGETHER:
            writes, together = writes + 1, 0
        together += len(getattr(document, "raw", b""))
    return writes or len(command.get("updates") or command.get("deletes") or [command])


def _of_write(command: Mapping[str, Any]) -> tuple[bytes, int] | None:
    if "txnNumber" not in command or "autocommit" in command:
        return None
    return bytes(command["lsid"]["id"]), int(command["txnNumber"])

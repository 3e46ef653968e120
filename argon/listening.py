"""Who listens to an application's commands, and is told of those that it sent.

PyMongo tells listeners of every command that it puts on a connection, and its
log where that is asked for. On a branch those are physical ones. So a client
that Argon makes tells nobody of its commands, and what works on branches tells
the listeners, and the log, of the commands that PyMongo would have sent to a
database. A client that the application made itself keeps its listeners, who
hear what is sent on it.

This hangs on a protected part of PyMongo's ``_EventListeners``; that is why
PyMongo's minor version is pinned.
"""

from __future__ import annotations

import copy
import functools
import logging
from typing import Any

from pymongo import AsyncMongoClient, MongoClient
from pymongo.write_concern import WriteConcern

from argon.fail_points import any_set
from argon.profiling import any_on

_LISTENERS = "_EventListeners__command_listeners"
_ENABLED = "_EventListeners__enabled_for_commands"
_OF_POOL = "_PoolOptions__event_listeners"
_OF_CLIENT = "_ClientOptions__pool_options"
_APART = "_argon_options"
_LOG = logging.getLogger("pymongo.command")


@functools.cache
def _quiet(kind: Any) -> Any:
    """Return the same class of clients, of whose commands nobody is told."""
    return type(kind.__name__, (kind,), {"_topology_id": None})  # by which PyMongo would log them


def set_apart(client: Any) -> None:
    """Take the listeners and the log of commands off a new client, and keep them for what works on branches.

    Listeners of other things, as of its pool or of the servers, stay.

    Args:
        client: A client of PyMongo's, on which nothing has been sent yet.
    """
    listeners = client.options.pool_options._event_listeners
    if not listeners.enabled_for_commands and not _LOG.isEnabledFor(logging.DEBUG):
        return
    kind: Any = type(client)
    client.__class__ = _quiet(kind)
    # The options as the application gave them; the client itself and its pool go by the others.
    given, pool = copy.copy(client.options), copy.copy(client.options.pool_options)
    setattr(pool, _OF_POOL, copy.copy(listeners))
    setattr(given, _OF_CLIENT, pool)
    vars(client)[_APART] = given
    vars(listeners).update({_LISTENERS: [], _ENABLED: False})


def send_always(client: Any) -> None:
    """Let a client send commands to branches where nobody listens, too.

    Args:
        client: A client whose databases are branches.
    """
    vars(client).setdefault(_APART, vars(client)["_options"])


def given_options(client: Any) -> Any:
    """Return the options of a client as the application gave them."""
    return vars(client).get(_APART) or vars(client)["_options"]


def listeners_of(client: Any) -> Any:
    """Return the listeners that are told of commands on branches; None if others are told already."""
    if (given := vars(client).get(_APART)) is not None:
        return given.pool_options._event_listeners
    own = vars(client)["_event_listeners"]
    return None if own.enabled_for_commands else own


def sends_commands(client: Any) -> bool:
    """Whether a client sends commands to branches: for listeners, a fail point, or a profile."""
    return _APART in vars(client) or ((any_set() or any_on()) and is_pymongos(client))


def is_pymongos(client: Any) -> bool:
    """Whether a client is PyMongo's own, and not Motor's, which only holds one."""
    return isinstance(client, MongoClient | AsyncMongoClient)


def is_special(concern: WriteConcern) -> bool:
    """Whether the server may have something to say about a write concern."""
    asked = concern.document.get("w", 1)
    return asked not in (0, 1, "majority")

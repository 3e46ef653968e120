"""Which MongoDB server to use: one that is named, or one of our own.

:func:`resolve_uri` answers with the URI of the server to use, starting the
embedded ``mongod`` (:class:`EmbeddedServer`) where none is named;
:func:`check_server` refuses servers that cannot carry branches.
"""

from __future__ import annotations

from argon.server.connect import check_server, redact_uri, resolve_uri
from argon.server.embedded import EmbeddedServer, ServerStatus

__all__ = ["EmbeddedServer", "ServerStatus", "check_server", "redact_uri", "resolve_uri"]

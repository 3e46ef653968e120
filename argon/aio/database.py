"""PyMongo's database on a branch."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.aio.argon import open_branch
from argon.aio.commands import AsyncCommands
from argon.aio.listing import AsyncListing
from argon.aio.spaces import AsyncSpaces
from argon.listening import sends_commands

if TYPE_CHECKING:
    from argon.aio.branch import AsyncBranch

D = TypeVar("D", bound=Any)


class AsyncWALDatabase(AsyncSpaces[D], AsyncListing[D], AsyncCommands[D]):
    """A branch as a database; see :class:`pymongo.asynchronous.database.AsyncDatabase`.

    Args:
        branch: A branch, or ``"project@branch"`` to open it with the default settings.
    """

    def __new__(
        cls, branch: AsyncBranch | str | None = None, *_args: Any, **_kwargs: Any
    ) -> AsyncWALDatabase[Any]:
        """Make a handle whose calls are commands, where somebody listens to those."""
        if isinstance(branch, str):
            branch = open_branch(branch)
        if cls is AsyncWALDatabase and branch is not None and sends_commands(branch.client):
            from argon.aio.commanding import AsyncCommandingDatabase

            return super().__new__(AsyncCommandingDatabase)
        return super().__new__(cls)

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> AsyncWALDatabase[Any]:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.with_options`."""
        options = (codec_options, read_preference, write_concern, read_concern)
        return self._with_handle(self._handle, options)


# What Python says of an object, such as that it is not iterable, names its class as PyMongo does.
AsyncWALDatabase.__name__ = AsyncDatabase.__name__
# What Python says of wrong arguments names the class that is known.
for _part in AsyncWALDatabase.__bases__:
    for _name, _method in vars(_part).items():
        if inspect.isfunction(_method) and not _name.startswith("_"):
            _method.__qualname__ = f"{AsyncWALDatabase.__qualname__}.{_name}"

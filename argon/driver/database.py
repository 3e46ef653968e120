# Generated from argon/aio/database.py by tools/async_to_sync.py: edit that.

"""PyMongo's database on a branch."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from bson.codec_options import CodecOptions
from pymongo.read_concern import ReadConcern
from pymongo.synchronous.database import Database
from pymongo.write_concern import WriteConcern

from argon.driver.argon import open_branch
from argon.driver.commands import Commands
from argon.driver.listing import Listing
from argon.driver.spaces import Spaces
from argon.listening import sends_commands

if TYPE_CHECKING:
    from argon.driver.branch import Branch

D = TypeVar("D", bound=Any)


class WALDatabase(Spaces[D], Listing[D], Commands[D]):
    """A branch as a database; see :class:`pymongo.database.Database`.

    Args:
        branch: A branch, or ``"project@branch"`` to open it with the default settings.
    """

    def __new__(cls, branch: Branch | str | None = None, *_args: Any, **_kwargs: Any) -> WALDatabase[Any]:
        """Make a handle whose calls are commands, where somebody listens to those."""
        if isinstance(branch, str):
            branch = open_branch(branch)
        if cls is WALDatabase and branch is not None and sends_commands(branch.client):
            from argon.driver.commanding import CommandingDatabase

            return super().__new__(CommandingDatabase)
        return super().__new__(cls)

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> WALDatabase[Any]:
        """See :meth:`pymongo.database.Database.with_options`."""
        options = (codec_options, read_preference, write_concern, read_concern)
        return self._with_handle(self._handle, options)


# What Python says of an object, such as that it is not iterable, names its class as PyMongo does.
WALDatabase.__name__ = Database.__name__
# What Python says of wrong arguments names the class that is known.
for _part in WALDatabase.__bases__:
    for _name, _method in vars(_part).items():
        if inspect.isfunction(_method) and not _name.startswith("_"):
            _method.__qualname__ = f"{WALDatabase.__qualname__}.{_name}"

"""A collection as a handle: the branch, the moment, and how it is read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from bson.codec_options import CodecOptions
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from argon.aio.session import bind
from argon.engine.handle import Handle
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.names import check_collection_name

if TYPE_CHECKING:
    from argon.aio.database import AsyncWALDatabase

D = TypeVar("D", bound=Any)


class AsyncCollectionHandle(AsyncCollection[D]):
    """A collection of a branch, without the operations.

    Args:
        database: The database handle.
        name: The collection's name.
        space: Its namespace within the branch.
        handle: The branch and the moment.
    """

    def __init__(
        self,
        database: AsyncWALDatabase[D],
        name: str,
        space: str,
        handle: Handle,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None:
        check_collection_name(name)
        super().__init__(
            database,
            name,
            create=False,
            codec_options=codec_options,
            read_preference=read_preference,
            write_concern=write_concern,
            read_concern=read_concern,
        )
        self._space = space
        self._handle = handle
        self._reader: Reader | None = None

    @property
    def space(self) -> str:
        """The namespace within the branch."""
        return self._space

    @property
    def handle(self) -> Handle:
        """The branch and the moment that this collection looks at."""
        return self._handle

    def with_options(
        self,
        codec_options: CodecOptions[Any] | None = None,
        read_preference: Any = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Any:
        """See :meth:`pymongo.asynchronous.collection.AsyncCollection.with_options`."""
        options = (codec_options, read_preference, write_concern, read_concern)
        return self._like(self._wal_database(), self.name, self._handle, options)

    def __getattr__(self, name: str) -> Self:
        if name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}. To access the {self.name}.{name} "
                f"collection, use database['{self.name}.{name}']."
            )
        return self[name]

    def __getitem__(self, name: str) -> Self:
        return self._like(self._wal_database(), f"{self.name}.{name}", self._handle)

    def __next__(self) -> NoReturn:
        raise TypeError("'AsyncCollection' object is not iterable")

    next = __next__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return another collection of the database, if this one is called ``collection``."""
        if self._name == "collection":
            return self._wal_database().get_collection(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, AsyncCollectionHandle):
            mine = (self._database, self._name, self._space, self._handle.moment)
            return mine == (other._database, other._name, other._space, other._handle.moment)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self._database, self._name))

    def __repr__(self) -> str:
        return f"{type(self).__qualname__}({self._database!r}, {self._name!r})"

    # What operations need to know of this handle

    def reader(self, session: Any = None) -> Reader:
        """Return how this handle reads."""
        if self._reader is None:
            options: dict[str, Any] = {"read_preference": self.read_preference}
            if self.read_concern.level is not None:
                options["read_concern"] = self.read_concern
            self._reader = Reader(self.codec_options, options)
        return self._reader

    def _acknowledges(self, session: Any) -> bool:
        """Whether a write is told of; in a transaction each is, whatever the collection's concern."""
        return self.write_concern.acknowledged or (session is not None and session.in_transaction)

    def _target(self, bypass: bool | None = None) -> Target:
        return Target(self._space, self.name, self.codec_options, bypass)

    def _bound(self, session: Any, *, reads: bool = False) -> Handle:
        return bind(session, self._handle, reads=reads)

    def _wal_database(self) -> AsyncWALDatabase[Any]:
        database: Any = self._database
        return database  # type: ignore[no-any-return]

    def _like(
        self,
        database: AsyncWALDatabase[Any],
        name: str,
        handle: Handle,
        options: tuple[Any, Any, Any, Any] = (None, None, None, None),
    ) -> Self:
        """Return another collection that is read and written as this one is, but for the options given."""
        codec_options, read_preference, write_concern, read_concern = options
        write_concern = write_concern or self.write_concern
        kind: Any = database._kind(write_concern)
        same: Self = kind(
            database,
            name,
            self._space,
            handle,
            codec_options or self.codec_options,
            read_preference or self.read_preference,
            write_concern,
            read_concern or self.read_concern,
        )
        return same

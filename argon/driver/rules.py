# Generated from argon/aio/rules.py by tools/async_to_sync.py: edit that.

"""What a project says of its branches: which is the default one, and which are protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon.engine import rules
from argon.io import run
from argon.models import ProjectRecord
from argon.models.recorded import Recorded

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class Rules(Recorded[ProjectRecord]):
    """The part of a project that has to do with rules for its branches."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def author(self) -> str | None:
            """Who commits."""

    @property
    def default_branch(self) -> str:
        """The name of the branch that is meant where none is named, read anew."""
        return run(self.engine.branches(self._record).default()).name

    def set_default_branch(self, name: str, *, author: str | None = None, message: str | None = None) -> None:
        """Choose the branch that is meant where none is named; it cannot be deleted then.

        Args:
            name: The branch.
            author: Who chooses it; by default whoever commits through this project.
            message: Why.

        Raises:
            BranchNotFound: There is none of this name.
            BranchProtected: It has a time to expire at.
        """
        chosen = rules.set_default(
            self.engine, self._record, name, author=author or self.author, message=message
        )
        self._record = run(chosen)

    def protected(self) -> list[str]:
        """Return the patterns of names of branches that take no changes, read anew."""
        return run(self.engine.branches(self._record).project()).protected

    def set_protected(self, pattern: str, *, author: str | None = None, message: str | None = None) -> None:
        """Protect branches: writes, merges, renaming and deletion are refused unless they are forced.

        Other processes see it within seconds.

        Args:
            pattern: A name, or a pattern of names as a shell has them: ``release/*``, ``v[0-9]``. ``*``
                stands for slashes, too, and branches made later are protected as well.
            author: Who protects them; by default whoever commits through this project.
            message: Why.

        Raises:
            InvalidName: It is no pattern that a branch's name can match.
            Conflict: It matches a branch that has a time to expire at.
        """
        said = rules.protect(
            self.engine, self._record, pattern, author=author or self.author, message=message
        )
        self._record = run(said)

    def unset_protected(self, pattern: str, *, author: str | None = None, message: str | None = None) -> None:
        """Take a protection away.

        Args:
            pattern: As it was given.
            author: Who does it; by default whoever commits through this project.
            message: Why.

        Raises:
            NotFound: Nothing is protected by this pattern.
        """
        said = rules.unprotect(
            self.engine, self._record, pattern, author=author or self.author, message=message
        )
        self._record = run(said)

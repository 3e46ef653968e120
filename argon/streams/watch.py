"""What a change stream was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from argon.streams.events import Images
from argon.streams.pipeline import Pipeline
from argon.streams.scope import Scope
from argon.streams.start import Start

if TYPE_CHECKING:
    from argon.engine.line import Line


@dataclass(frozen=True)
class Watch:
    """What is to be watched, and how.

    Attributes:
        scope: What.
        line: The branch; None for the default branches of all projects.
        project: The name that it has as a database.
        start: Where to begin.
        images: Which images of documents events carry.
        pipeline: The user's stages.
        batch_size: How many entries to read at once.
        max_await_time_ms: How long to wait for one.
    """

    scope: Scope
    line: Line | None = None
    project: str = ""
    start: Start = field(default_factory=Start)
    images: Images = field(default_factory=Images)
    pipeline: Pipeline = field(default_factory=Pipeline)
    batch_size: int | None = None
    max_await_time_ms: int | None = None

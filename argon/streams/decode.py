"""Events as the user's handle wants them."""

from __future__ import annotations

from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument


def decode_event(event: Any, codec_options: CodecOptions[Any]) -> Any:
    """Decode an event the way the user's handle does."""
    raw = event.raw if isinstance(event, RawBSONDocument) else bson.encode(event)
    return bson.decode(raw, codec_options=codec_options)

"""A set of LSNs of a whole log, one bit for each."""

from __future__ import annotations

_SHIFT = 16
_CHUNK = 1 << _SHIFT


class LsnSet:
    """A set of LSNs that takes an eighth of a byte for each LSN around those in it."""

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def add(self, lsn: int) -> bool:
        """Add an LSN.

        Returns:
            Whether it was new.
        """
        chunk = self._chunks.setdefault(lsn >> _SHIFT, bytearray(_CHUNK // 8))
        place, bit = (lsn % _CHUNK) >> 3, 1 << (lsn & 7)
        new = not chunk[place] & bit
        chunk[place] |= bit
        return new

    def __contains__(self, lsn: int) -> bool:
        chunk = self._chunks.get(lsn >> _SHIFT)
        return chunk is not None and bool(chunk[(lsn % _CHUNK) >> 3] & (1 << (lsn & 7)))

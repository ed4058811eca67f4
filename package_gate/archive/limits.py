"""The policy's limits, counted while reading: a declared size is never believed."""

from package_gate.core.limits import MIB, Limits

RATIO_FLOOR = 10 * MIB
"""Below so many unpacked bytes no ratio is a bomb."""
CHUNK = MIB
"""Content is handled in pieces of at most so many bytes."""


class LimitReachedError(Exception):
    """Reading must stop: `rule` says which limit was reached."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.detail = detail


class Budget:
    """What one archive may still unpack; an archive within it shares the totals."""

    def __init__(self, limits: Limits, packed: int, outer: "Budget | None" = None) -> None:
        """`packed` is the archive's own size in bytes; `outer` the budget it lies within."""
        self.limits = limits
        self._outer = outer
        self._bytes = 0
        self._entries = 0
        self._ratio_bytes = max(RATIO_FLOOR, limits.ratio * packed)

    def spend(self, count: int) -> None:
        """Count unpacked bytes, before they are written.

        Raises:
            LimitReachedError: the total or the ratio is exceeded, here or in an outer archive.
        """
        if self._outer is not None:
            self._outer.spend(count)
        self._bytes += count
        if self._bytes > self.limits.unpacked_bytes:
            limit = f"limit {self.limits.unpacked_bytes} bytes"
            raise LimitReachedError("limit-bytes", limit)
        if self._bytes > self._ratio_bytes:
            rule = "limit-ratio" if self._outer is None else "nested-ratio"
            raise LimitReachedError(rule, f"limit {self.limits.ratio} to 1")

    def enter(self) -> None:
        """Count an entry: a file, a folder, a link, or a header of its own.

        Raises:
            LimitReachedError: there are too many.
        """
        if self._outer is not None:
            self._outer.enter()
        self._entries += 1
        if self._entries > self.limits.entries:
            raise LimitReachedError("limit-entries", f"limit {self.limits.entries}")

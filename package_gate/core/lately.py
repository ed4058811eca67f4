"""What was made lately and is kept, up to a size: large packages have thousands of modules."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lately(Generic[Key, Value]):
    """Keeps values for those that ask for them soon; the longest unasked for goes first."""

    def __init__(self, most: int) -> None:
        """Take how large all values may be together; one alone may be larger."""
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Give a value, if it is kept."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def keep(self, key: Key, value: Value, size: int) -> None:
        """Keep a value that was not kept, of this size."""
        self._kept[key] = value, size
        self._size += size
        while self._size > self._most and len(self._kept) > 1:
            _, (_, freed) = self._kept.popitem(last=False)
            self._size -= freed

"""What was made of sources, kept while they are used and small enough."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[str, ...])
T = TypeVar("T")


class SourceCache(Generic[K, T]):
    """What was made of the most recently used sources, up to a number and a total length.

    A key begins with the source that it stands for.
    """

    def __init__(self, make: Callable[[K], T], *, entries: int, characters: int) -> None:
        self._make = make
        self._entries, self._characters = entries, characters
        self._kept: OrderedDict[K, T] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> T:
        """Return what is made of a key, made now if it is not there; what making raises, passes."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._make(key)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += len(key[0])
            self._shrink()
        return made

    def _shrink(self) -> None:
        while len(self._kept) > self._entries or self._size > self._characters:
            key, _made = self._kept.popitem(last=False)
            self._size -= len(key[0])

"""A waiting line in which visitors take turns, however many requests each has in it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from vlm_demo.errors import QueueFullError

T = TypeVar("T")


def gave_way_error() -> QueueFullError:
    """Return the error of a request that `FairQueue.make_room` has removed."""
    return QueueFullError(
        "This model is busy, and several of your requests were waiting for it: the newest one "
        "made way for another visitor's. Try again in a moment."
    )


class FairQueue(Generic[T]):
    """Requests that wait, by visitor; the first of each visitor comes before anybody's second.

    It is no safer with threads than a list. Requests without a visitor ("") are one visitor's.
    """

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[T]] = OrderedDict()  # whose turn is next comes first

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def __iter__(self) -> Iterator[T]:
        """Iterate in the order in which requests come to their turn."""
        lanes = [list(lane) for lane in self._lanes.values()]
        for place in range(max(map(len, lanes), default=0)):
            for lane in lanes:
                if place < len(lane):
                    yield lane[place]

    def add(self, visitor: str, request: T) -> None:
        """Let a request wait."""
        self._lanes.setdefault(visitor, deque()).append(request)

    def take(self) -> T:
        """Take the next one, whose visitor then comes after the others.

        Raises:
            IndexError: nobody waits.
        """
        if not self._lanes:
            raise IndexError("nobody waits")
        visitor, lane = next(iter(self._lanes.items()))
        request = lane.popleft()
        del self._lanes[visitor]
        if lane:
            self._lanes[visitor] = lane
        return request

    def remove(self, request: T) -> bool:
        """Remove a request; return whether it was waiting."""
        for visitor, lane in self._lanes.items():
            if request in lane:
                lane.remove(request)
                if not lane:
                    del self._lanes[visitor]
                return True
        return False

    def make_room(self, visitor: str) -> T | None:
        """Remove the newest request of the visitor who has most, for one of another visitor.

        Returns None, and removes nothing, where that would not be fairer: nobody has two more than
        the other one.
        """
        own = len(self._lanes.get(visitor, ()))
        name, lane = max(
            self._lanes.items(), key=lambda item: len(item[1]), default=("", deque[T]())
        )
        if name == visitor or len(lane) < own + 2:
            return None
        return lane.pop()

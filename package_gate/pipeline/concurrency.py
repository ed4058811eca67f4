"""Doing many things at once, some of which turn out to be done already."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Slowly(Enum):
    """When the slow way is gone with an item that has no quick one."""

    NOW = "now"
    TOGETHER = "together"
    """Once all such items are known."""


def quick_or_slow(
    items: Iterable[Item],
    quick: Callable[[Item], Result | Slowly],
    prepare: Callable[[Sequence[Item]], None],
    slow: Callable[[Item], Result],
    *,
    quick_threads: int,
    slow_threads: int,
) -> list[Result]:
    """Try the quick way with each item; begin the slow way as soon as that says so.

    A queue takes the place of a future for each item, because there may be very many quick ones.

    Args:
        items: what is to be done.
        quick: gives the result, or when to go the slow way.
        prepare: is given the items that go it together, before the first of them does.
        slow: gives the result.
        quick_threads: how many go the quick way at once.
        slow_threads: how many go the slow way at once.

    Returns:
        The results, in no particular order.
    """
    waiting: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        waiting.put(item)
    quickly: list[Result] = []
    together: list[Item] = []
    slowly: list[Future[Result]] = []
    quick_pool = ThreadPoolExecutor(quick_threads)
    slow_pool = ThreadPoolExecutor(slow_threads)

    def work() -> None:
        with suppress(Empty):
            while True:
                item = waiting.get_nowait()
                result = quick(item)
                if result is Slowly.NOW:
                    slowly.append(slow_pool.submit(slow, item))
                elif isinstance(result, Slowly):
                    together.append(item)
                else:
                    quickly.append(result)

    try:
        for worker in [quick_pool.submit(work) for _ in range(quick_threads)]:
            worker.result()
        if together:
            prepare(together)
            slowly += [slow_pool.submit(slow, item) for item in together]
        return quickly + [future.result() for future in slowly]
    finally:
        with suppress(Empty):  # after an interrupt nothing further is begun
            while True:
                waiting.get_nowait()
        quick_pool.shutdown(wait=False)
        slow_pool.shutdown(wait=False, cancel_futures=True)

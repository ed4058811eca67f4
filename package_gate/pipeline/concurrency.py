"""Doing many things at once, some of which turn out to be done already."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def quick_or_slow(
    items: Iterable[Item],
    quick: Callable[[Item], Result | None],
    slow: Callable[[Item], Result],
    *,
    quick_threads: int,
    slow_threads: int,
) -> list[Result]:
    """Try the quick way with each item; begin the slow way as soon as that gives None.

    A queue takes the place of a future for each item, because there may be very many quick ones.

    Returns:
        The results, in no particular order.
    """
    waiting: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        waiting.put(item)
    quickly: list[Result] = []
    slowly: list[Future[Result]] = []
    quick_pool = ThreadPoolExecutor(quick_threads)
    slow_pool = ThreadPoolExecutor(slow_threads)

    def work() -> None:
        with suppress(Empty):
            while True:
                item = waiting.get_nowait()
                result = quick(item)
                if result is None:
                    slowly.append(slow_pool.submit(slow, item))
                else:
                    quickly.append(result)

    try:
        for worker in [quick_pool.submit(work) for _ in range(quick_threads)]:
            worker.result()
        return quickly + [future.result() for future in slowly]
    finally:
        with suppress(Empty):  # after an interrupt nothing further is begun
            while True:
                waiting.get_nowait()
        quick_pool.shutdown(wait=False)
        slow_pool.shutdown(wait=False, cancel_futures=True)

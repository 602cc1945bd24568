"""One function for many items, on every core at once: what is done with trained networks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from mlplab.runner.environment import COMPUTING, compute_on, usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_every_core(
    do: Callable[[Item], Result], items: Iterable[Item], at_most: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with what `do` makes of it, as they are done.

    In threads of one core each: products release Python's lock, and their libraries start no
    threads of their own, so that results do not depend on how many cores there are. No more items
    are under way than there are cores, or than `at_most`, which bounds memory. What `do` raises is
    raised here, after what was under way with it has come back.
    """
    from threadpoolctl import threadpool_limits

    cores = min(usable_cores(), at_most)
    pool = ThreadPoolExecutor(cores, f"{COMPUTING}tests-", initializer=partial(compute_on, 1))
    under_way: dict[Future[Result], Item] = {}
    with threadpool_limits(1):
        try:
            fault: BaseException | None = None
            for item in items:
                under_way[pool.submit(do, item)] = item
                if len(under_way) == cores:
                    fault = yield from _done(under_way)
                if fault is not None:
                    break
            while under_way:
                fault = (yield from _done(under_way)) or fault
            if fault is not None:
                raise fault
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _done(
    under_way: dict[Future[Result], Item],
) -> Generator[tuple[Item, Result], None, BaseException | None]:
    """Wait for one at the least; what is done is no longer under way. Gives what was raised."""
    fault = None
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        item = under_way.pop(future)
        if future.exception() is None:
            yield item, future.result()
        else:
            fault = future.exception()
    return fault

"""Map blocks over processes in order, with a bounded number of blocks in flight."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

BLOCKS_PER_WORKER = 3  # one at work, one waiting, one to be read


def blocks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut a sequence into runs of `size`; the last one may be shorter.

    Examples
    --------
    >>> list(blocks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    return (items[start : start + size] for start in range(0, len(items), size))


def map_ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    initializer: Callable[..., None],
    initargs: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """Yield `function(item)` in the order of the items, whatever the number of workers.

    Parameters
    ----------
    function, initializer : functions at the top of a module, since they are pickled for fresh
        processes; `initializer(*initargs)` runs once in each process.
    items : consumed only a little ahead of the results, so that memory does not grow with their
        number.
    workers : number of processes; with 1 all work is done in this process.
    """
    if workers == 1:
        initializer(*initargs)
        yield from map(function, items)
        return
    # spawn, not fork: threads of the caller (BLAS, torch) would not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=initializer, initargs=initargs) as pool:
        rest = iter(items)
        flying: deque[Future[Result]] = deque(
            pool.submit(function, item) for item in islice(rest, BLOCKS_PER_WORKER * workers)
        )
        while flying:
            result = flying.popleft().result()
            flying.extend(pool.submit(function, item) for item in islice(rest, 1))
            yield result

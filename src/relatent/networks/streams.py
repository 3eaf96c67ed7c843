"""Spawn independent random streams, and work on blocks that have a stream each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def spawn(seed: int, count: int, device: str = "cpu") -> list[torch.Generator]:
    """Return independent generators on a device, all spawned from one seed."""
    return [_generator(child, device) for child in np.random.SeedSequence(seed).spawn(count)]


def stream(*seeds: int) -> torch.Generator:
    """Return the CPU generator of a sequence of seeds, such as a seed and the number of a run.

    Examples
    --------
    >>> bool(torch.rand((), generator=stream(0, 1)) == torch.rand((), generator=stream(0, 2)))
    False
    """
    return _generator(np.random.SeedSequence(seeds), "cpu")


def draw_seed(generator: torch.Generator) -> int:
    """Draw a seed from a generator, for `seeds_of_block`."""
    return int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))


def seeds_of_block(seed: int, block: int) -> np.random.SeedSequence:
    """Return the seeds of one block's stream; they depend on the block's number and on nothing
    else."""
    return np.random.SeedSequence(seed, spawn_key=(block,))


def by_blocks(
    work: Callable[[int, torch.Generator], Tensor],
    blocks: int,
    *,
    seed: int,
    device: torch.device,
    workers: int = 1,
    dropped_bits: int = 0,
) -> Tensor:
    """Call a function for every block with a stream of its own, and join what it returns.

    Parameters
    ----------
    work : (number of the block, its stream) -> tensor (rows, ...); called in inference mode.
    blocks : int, how many.
    seed : int, of all streams, see `draw_seed`. torch's CPU generator keeps 32 bits of what is
        spawned from it: two of 200 blocks share their draws with a chance of 5 in a million.
    device : of the streams.
    workers : int, default 1, threads over the blocks; each runs torch's operations on one thread.
    dropped_bits : int, default 0, low bits of the spawned seeds that are left out.

    Returns
    -------
    tensor (rows of all blocks, ...)
    """

    def one(number: int) -> Tensor:
        spawned = int(seeds_of_block(seed, number).generate_state(1, np.uint64)[0])
        with torch.inference_mode():
            return work(number, torch.Generator(device).manual_seed(spawned >> dropped_bits))

    with single_threads(workers) as pool:
        return torch.cat([*pool.map(one, range(blocks))])


@contextmanager
def single_threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool whose threads run torch's operations on one thread each; restore the caller's
    setting."""
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _generator(seeds: np.random.SeedSequence, device: str) -> torch.Generator:
    word = seeds.generate_state(1)[0]  # 32 bits: torch's CPU generator uses no more of a seed
    return torch.Generator(device).manual_seed(int(word))

"""Streams: independent of each other, the same whoever works on a block, and settings are
restored."""

import numpy as np
import pytest
import torch

from relatent.networks.streams import by_blocks, draw_seed, seeds_of_block, single_threads, spawn, stream


def draw(_: int, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(3, generator=generator)


def test_spawned_streams_differ_and_more_of_them_change_none():
    first, more = spawn(5, 2), spawn(5, 4)
    drawn = [torch.rand(3, generator=generator).tolist() for generator in more]
    assert [torch.rand(3, generator=generator).tolist() for generator in first] == drawn[:2]
    assert len({tuple(row) for row in drawn}) == 4


def test_a_stream_follows_all_of_its_seeds_in_their_order():
    drawn = {tuple(torch.rand(3, generator=stream(*seeds)).tolist()) for seeds in [(0, 1), (1, 0), (0,)]}
    assert len(drawn) == 3
    word = np.random.SeedSequence([0, 1]).generate_state(1)[0]
    expected = torch.rand(3, generator=torch.Generator().manual_seed(int(word)))
    assert torch.equal(torch.rand(3, generator=stream(0, 1)), expected)


@pytest.mark.parametrize("dropped_bits", [0, 1])
def test_no_draw_depends_on_the_workers_or_on_how_many_blocks_follow(dropped_bits):
    options = {"seed": 2, "device": torch.device("cpu"), "dropped_bits": dropped_bits}
    alone = by_blocks(draw, 5, workers=1, **options)
    assert torch.equal(by_blocks(draw, 5, workers=3, **options), alone)
    assert torch.equal(by_blocks(draw, 2, workers=2, **options), alone[:6])
    assert len(alone.unique()) == 15
    word = int(seeds_of_block(2, 1).generate_state(1, np.uint64)[0]) >> dropped_bits
    assert torch.equal(alone[3:6], draw(1, torch.Generator().manual_seed(word)))


def test_a_seed_is_one_draw_of_the_generator():
    generator = torch.Generator().manual_seed(0)
    seeds = {draw_seed(generator), draw_seed(generator)}
    assert len(seeds) == 2
    assert draw_seed(torch.Generator().manual_seed(0)) in seeds


def test_workers_have_one_thread_each_and_the_callers_threads_come_back():
    before = torch.get_num_threads()
    with single_threads(2) as pool:
        assert list(pool.map(lambda _: torch.get_num_threads(), range(3))) == [1, 1, 1]
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="max_workers"), single_threads(0):
        pass
    assert torch.get_num_threads() == before


def test_streams_of_one_seed_differ_and_repeat() -> None:
    """Weights, order and draws never share a stream."""
    first, second = ([g.initial_seed() for g in spawn(7, 3)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert max(first) < 2**32

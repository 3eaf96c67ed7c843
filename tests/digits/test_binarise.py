"""Binarisation: probabilities, how often it is drawn, and that every choice is named."""

import pytest
import torch

from relatent.digits.binarise import HOWS, binarise, reader
from relatent.errors import InputError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("how", ["dynamic", "static"])
def test_a_pixel_is_on_with_its_intensity_as_the_probability(how):
    levels = torch.tensor([0, 51, 128, 254, 255], dtype=torch.uint8)
    drawn = binarise(levels.expand(40_000, 5), how=how, generator=seeded())
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    expected = levels.double() / 255
    error = (expected * (1 - expected) / 40_000).sqrt()  # of a mean of Bernoulli draws
    assert ((drawn.double().mean(0) - expected).abs() <= 4 * error).all()


def test_a_black_pixel_is_never_on_even_at_the_smallest_draw(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.zeros(shape))
    levels = torch.tensor([0, 1, 255], dtype=torch.uint8)
    assert binarise(levels, how="dynamic", generator=seeded()).tolist() == [0, 1, 1]


@pytest.mark.parametrize("how", HOWS)
def test_bytes_and_fractions_give_the_same_pixels(how):
    levels = torch.arange(256, dtype=torch.uint8)
    from_bytes = binarise(levels, how=how, generator=seeded())
    from_floats = binarise(levels.double() / 255, how=how, generator=seeded())
    assert from_bytes.dtype == from_floats.dtype == torch.float32
    torch.testing.assert_close(from_bytes, from_floats)


def test_threshold_cuts_at_one_half_and_none_keeps_grey():
    levels = torch.tensor([0.0, 0.499, 0.5, 1.0])
    assert binarise(levels, how="threshold", generator=seeded()).tolist() == [0, 0, 1, 1]
    assert torch.equal(binarise(levels, how="none", generator=seeded()), levels)


def test_dynamic_draws_anew_at_each_read_and_static_never():
    images = torch.full((3, 784), 128, dtype=torch.uint8)
    rows = torch.tensor([2, 0])
    for how, same in [("dynamic", False), ("static", True), ("threshold", True), ("none", True)]:
        read, generator = reader(images, how=how, generator=seeded()), seeded(1)
        assert torch.equal(read(rows, generator), read(rows, generator)) is same


def test_static_is_one_draw_of_the_readers_generator_whatever_rows_are_read():
    images = torch.full((3, 784), 128, dtype=torch.uint8)
    read = reader(images, how="static", generator=seeded())
    whole = binarise(images, how="static", generator=seeded())
    assert torch.equal(read(torch.tensor([2, 0]), seeded(5)), whole[[2, 0]])


def test_a_dynamic_read_is_repeated_by_its_generator():
    images = torch.full((3, 784), 128, dtype=torch.uint8)
    read = reader(images, how="dynamic", generator=seeded())
    rows = torch.tensor([1, 2])
    assert torch.equal(read(rows, seeded(4)), read(rows, seeded(4)))


def test_an_unknown_way_is_one_line_that_names_all_ways():
    with pytest.raises(InputError, match=r"one of dynamic, static, threshold, none, got 'sometimes'"):
        binarise(torch.zeros(3), how="sometimes", generator=seeded())

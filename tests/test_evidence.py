"""What only the claims need: looks of faces, visible units, epochs that wrap around, unit pictures, orders."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latents.bptt.bias import bias_over_seeds, document_lengths
from latents.errors import InputError
from latents.face_models import measure as face_looks
from latents.face_models import units as face_units
from latents.face_models.unit_map import UnitMap
from latents.rnn import unit_weights
from latents.rnn.model import RowRNN
from latents.timing.orders import compare as orders
from latents.timing.orders import random_sets
from latents.timing.sequences import Work, compare, waste

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(1, 30, size=200)


def test_looks_have_the_intervals_of_their_values() -> None:
    """Two kinds of faces, half each: the mean between, and an interval by groups that is wider than by faces."""
    faces = np.concatenate([np.full((10, 6, 6), 0.2), np.full((10, 6, 6), 0.4)])
    centre = np.zeros((6, 6))
    alone = face_looks.looks(faces, centre, blur_px=1.0, prefix="a")
    people = np.repeat(["x", "y"], 10)
    by_person = face_looks.looks(faces, centre, blur_px=1.0, groups=people, prefix="a")
    assert alone["a_distance_to_mean"] == pytest.approx(0.3)
    assert by_person["a_distance_to_mean_interval"] > alone["a_distance_to_mean_interval"] > 0
    assert alone["a_roughness"] == pytest.approx(0)
    assert alone["a_detail_interval"] == pytest.approx(0)


def test_visible_units_are_compared_over_seeds_and_repeat() -> None:
    """Each kind is measured; binary draws are at the ends, Gaussian ones sometimes, Beta ones hardly ever."""
    values = torch.from_numpy(RNG.beta(2, 2, size=(120, 6)).astype(np.float32))
    unit_map = UnitMap(low=torch.zeros(6), span=torch.ones(6), eps=1e-3)
    settings = {
        "n_hidden": 4, "sigma": 0.3, "std": 0.01, "epochs": 1, "batch_size": 20, "learning_rate": 0.1, "chains": 10,
        "centring": 0.01,
    }  # fmt: skip
    options = {"kinds": ("bernoulli", "beta", "gaussian"), "seeds": 2, "chains": 50, "steps": 3, "settings": settings}
    found = face_units.compare(values[:100], values[100:], unit_map, **options)
    assert found == face_units.compare(values[:100], values[100:], unit_map, **options)
    assert found["n_seeds"] == 2
    assert found["bernoulli_clipped_share"] == 1
    assert found["beta_clipped_share"] < found["gaussian_clipped_share"] < 1
    assert found["bernoulli_frechet"] > found["beta_frechet"] > 0


def test_wrapping_around_uses_the_first_sequences_more_than_the_last_and_a_drain_does_not() -> None:
    """Over seeds; the drain uses all exactly once."""
    found = bias_over_seeds(LENGTHS, slots=5, bptt=8, batches=20, seeds=4, epochs=3)
    assert found["n_seeds"] == 4
    assert found["drained_first_sequences_uses"] == found["drained_last_sequences_uses"] == 1
    assert found["notes_first_sequences_uses"] > found["notes_last_sequences_uses"]
    assert found["wrapped_extra_share"] > 0
    assert found["alike_batches"] == 0
    alike = bias_over_seeds(np.full(40, 3), slots=5, bptt=8, batches=8, seeds=2, epochs=2)
    assert alike["alike_batches"] == 1


def test_empty_documents_are_left_out_and_long_ones_cut() -> None:
    """Offsets -> lengths."""
    np.testing.assert_array_equal(document_lengths(np.array([0, 2, 2, 9]), longest=4), [2, 4])


def test_every_way_over_sequences_is_timed_and_padding_wastes() -> None:
    """A row a method and number of slots; packed and swapped compute next to nothing for nothing."""
    options = {"cell": "GRU", "hidden": 3, "batches": 6, "enough": 100, "repeats": 1, "seed": 0}
    methods = ("swapped", "packed", "padded", "bucketed", "loop")
    rows = list(compare(LENGTHS, slots=[2, 4], methods=methods, **options))
    assert [(row["batch"], row["method"]) for row in rows] == [(n, method) for n in (2, 4) for method in methods]
    wasted = {row["method"]: row["waste"] for row in rows if row["batch"] == 4}
    assert wasted["padded"] > 0.2 > wasted["bucketed"] >= wasted["packed"] == 0
    assert all(row["per_second"] > 0 for row in rows)


def test_a_unit_of_work_fills_the_gradients_of_all_weights() -> None:
    """Of each way: no weight is left out of the backward pass."""
    work = Work("GRU", 3, 4, LENGTHS[:24], "cpu", 100)
    for method in ("auto", "packed", "padded", "loop"):
        units = work.units(method)
        units[0].run()
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in work.rnn.parameters())
        assert 0 <= waste(units) < 1


def test_weights_of_the_average_are_compared_on_the_same_sequences() -> None:
    """By hand: two sequences, a unit whose drive they set apart."""
    model = RowRNN(width_px=2, hidden=12, cell="rnn", tied=False)
    sequences = torch.rand(40, 4, 2, generator=torch.Generator().manual_seed(0))
    average = unit_weights.by_activation(model, sequences)
    weights = torch.sigmoid(model.drive(sequences)).detach().numpy()  # (40, 12)
    expected = np.einsum("nh,ntx->htx", weights, sequences.numpy()) / weights.sum(0)[:, None, None]
    np.testing.assert_allclose(average.numpy(), expected, rtol=1e-4)
    found = unit_weights.compare(model, sequences, lead_rows=1, blur_px=0.5)
    assert found["best_detail"] > found["average_detail"]
    assert 2 <= found["n_units"] <= 12
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    with pytest.raises(InputError, match="drive 0 of 12 hidden units"):
        unit_weights.compare(model, sequences, lead_rows=1, blur_px=0.5)


def test_orders_are_timed_for_each_set_and_method() -> None:
    """One row each, with the number of features."""
    rows = list(orders(random_sets([5, 9], width=4, seed=0), methods=("greedy",), repeats=2, kicks=1, seed=0))
    assert [(row["set"], row["n"], row["method"], row["repeats"]) for row in rows] == [
        ("random_5", 5, "greedy", 2), ("random_9", 9, "greedy", 2),
    ]  # fmt: skip

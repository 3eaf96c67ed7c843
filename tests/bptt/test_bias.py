"""Epochs that wrap around use some sequences more than others."""

from __future__ import annotations

import numpy as np

from relatent.bptt.bias import bias_over_seeds, document_lengths

RNG = np.random.default_rng(0)

LENGTHS = RNG.integers(1, 30, size=200)


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

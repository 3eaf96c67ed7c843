"""Truncated backpropagation through time without padding.

A sequence that ends is replaced in its slot of the batch by the next one.
"""

from relatent.bptt.decoder import RecurrentDecoder
from relatent.bptt.evenness import sampling_bias
from relatent.bptt.schedule import Block, SwapSchedule
from relatent.bptt.swapped import METHODS, swapped
from relatent.bptt.train import train_bptt

__all__ = ["METHODS", "Block", "RecurrentDecoder", "SwapSchedule", "sampling_bias", "swapped", "train_bptt"]

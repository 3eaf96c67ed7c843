"""Truncated backpropagation through time without padding.

A sequence that ends is replaced in its slot of the batch by the next one.
"""

from latents.bptt.decoder import RecurrentDecoder
from latents.bptt.evenness import sampling_bias
from latents.bptt.schedule import Block, SwapSchedule
from latents.bptt.swapped import METHODS, swapped
from latents.bptt.train import train_bptt

__all__ = ["METHODS", "Block", "RecurrentDecoder", "SwapSchedule", "sampling_bias", "swapped", "train_bptt"]

"""Truncated backpropagation through time without padding: ended sequences are swapped for the next ones."""

from latents.bptt.decoder import RecurrentDecoder
from latents.bptt.schedule import Block, SwapSchedule, sampling_bias
from latents.bptt.swapped import METHODS, swapped
from latents.bptt.train import train_bptt

__all__ = ["METHODS", "Block", "RecurrentDecoder", "SwapSchedule", "sampling_bias", "swapped", "train_bptt"]

"""Latent-variable models, exact ranking evaluation and figures of two sets of research notes."""

__version__ = "0.1.0"

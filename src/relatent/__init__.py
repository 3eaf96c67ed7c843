"""Latent-variable models, exact ranking evaluation and figures of two sets of research notes."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return `__version__`, which pyproject.toml holds: a new version is no edit of the code that
    jobs run on."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version(__name__)

"""Errors that a user can correct, shown as one line without a traceback, and the end of a probe."""


class InputError(ValueError):
    """Mistake in an input; one line says what was given, what is allowed, what to do."""


class ProbeEnded(Exception):  # noqa: N818 not an error: the job did all that was asked
    """End of a job of which only the probe was wanted; see `relatent.networks.probes`."""

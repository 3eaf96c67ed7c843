"""A user's mistake, not ours: its message is one line, shown without a traceback. And an end that is no mistake."""


class InputError(ValueError):
    """What was given, what is allowed, what to do; in one line."""


class ProbeEnded(Exception):  # noqa: N818 no error: the job has done all that it was asked for
    """A job's probe is written, and nothing else was wanted; see `latents.networks.probes`."""

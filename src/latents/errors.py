"""The one error that is a user's mistake, not ours: its message is one line, shown without a traceback."""


class InputError(ValueError):
    """What was given, what is allowed, what to do; in one line."""

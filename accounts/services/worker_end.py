"""Whether this worker process was told to end; work that lasts asks now and then, and ends early.

No Event: a signal that arrives while one is waited for could wait for itself.
"""

_asked = [False]


def ask() -> None:
    """Have lasting work end soon."""
    _asked[0] = True


def forget() -> None:
    """Begin anew: a process that works again."""
    _asked[0] = False


def is_asked() -> bool:
    """Tell whether lasting work is to end now."""
    return _asked[0]

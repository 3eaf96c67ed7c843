"""Use Landlock, by which a Linux process restricts itself.

See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Mapping

# system calls; the same on every architecture
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NO_NEW_PRIVS = 38  # linux/prctl.h
KNOWN = (0, 13, 14, 15, 15, 16)  # number of file rights in each version of the interface
# linux/landlock.h, from the lowest bit: execute, write, read, list, remove folder, remove file,
# make ..., truncate
RIGHTS = {"r": 0b1101, "rw": -1, "rmdir": 0b10000}
OF_A_FILE = 0b1100_0000_0000_0111  # the others concern folders
TCP = 0b11  # bind and connect; from version 4


def version() -> int:
    """Return the version of the kernel's interface, 0 if it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1))


def restrict(grants: Mapping[str, str], *, network: bool) -> None:
    """Restrict this thread, and all threads and processes it starts later, to what is granted.

    This cannot be undone.

    Parameters
    ----------
    grants : maps a file, or a folder with all below it, to one of RIGHTS; missing files are
        skipped.
    network : allow to bind and connect by TCP.
    """
    every = (1 << KNOWN[min(version(), 5)]) - 1
    handled = [every, 0 if network else TCP][: 2 if version() >= 4 else 1]
    ruleset = _call("syscall", CREATE_RULESET, struct.pack(f"={len(handled)}Q", *handled), 8 * len(handled), 0)
    for path, how in grants.items():
        try:
            below = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rights = every & RIGHTS[how] & (-1 if os.path.isdir(path) else OF_A_FILE)
        _call("syscall", ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, below), 0)
        os.close(below)
    _call("prctl", NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("syscall", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _call(function: str, *arguments: int | bytes) -> int:
    found = getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return found

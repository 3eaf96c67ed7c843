"""Guard a sealed job with Python's audit hook, file by file: check each path before it is used."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any, NamedTuple

CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# audit events -> indices of their arguments that are paths, or that a refusal names
CHANGES = {"os.link": (0, 1), "os.rename": (0, 1), "os.symlink": (1,), "os.chmod": (0,), "os.chown": (0,)}
CHANGES |= dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.utime"), (0,))
NETWORK = dict.fromkeys(("socket.bind", "socket.connect", "socket.sendmsg", "socket.sendto"), 1)
NETWORK |= dict.fromkeys(("socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname"), 0)


class SealedError(PermissionError):
    """Error for what a sealed job tried; `strerror` is the line to show."""


class Seal(NamedTuple):
    """What a job may do."""

    job: str
    # file or folder -> "", "r" or "rw"; the nearest one above a path decides
    grants: dict[str, str]
    beside: dict[str, tuple[str, ...]]  # folder of outputs -> prefixes of their temporary files
    network: bool

    def allows(self, path: str) -> str:
        """Return the rights to a path: "", "r" or "rw".

        A link is checked both as itself and as the file it leads to.
        """
        return max(self._at(place(path)), self._at(os.path.realpath(path)))

    def _at(self, path: str) -> str:
        if path in self.beside and path not in self.grants:
            return "r"  # may be listed and flushed; its files are checked one by one
        while path not in self.grants and path != os.path.dirname(path):
            folder, name = os.path.split(path)
            if name.startswith(self.beside.get(folder, ())):
                return "rw"
            path = folder
        return self.grants.get(path, "")

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuse what the job did not declare; this is Python's audit hook."""
        # tempfile opens a folder to make a file without a name, which changes nothing in the folder
        if event == "open":
            self._check(args[0], args[2] if not os.path.isdir(args[0]) else os.O_RDONLY)
        elif event in ("os.listdir", "os.scandir"):
            self._check(args[0], os.O_RDONLY)
        elif event in CHANGES and (
            args[-1] == -1 or event == "os.truncate"
        ):  # other calls name a file relative to an open folder
            for path in (args[index] for index in CHANGES[event]):
                if event != "os.mkdir" or not os.path.isdir(path):
                    self._check(path, CHANGING)
        elif event in NETWORK and not self.network and getattr(args[0], "family", None) != socket.AF_UNIX:
            raise self.refused(f"the network ({args[NETWORK[event]]})")

    def _check(self, name: Any, flags: int) -> None:
        if not isinstance(name, (str, bytes, os.PathLike)):
            return  # a file that is already open
        path = os.fsdecode(name)
        allowed = self.allows(path)
        changes = flags & CHANGING
        # the file is missing: the job reports that itself
        if allowed != "rw" and (changes or (not allowed and os.path.lexists(path))):
            raise self.refused(path)

    def refused(self, what: str) -> SealedError:
        """Make the error that names the job and what it tried."""
        shown = what.removeprefix(os.getcwd() + os.sep)
        advice = "add it to its rule's input or output, or set RELATENT_UNSEALED=1 to run without the seal"
        return SealedError(errno.EACCES, f"{self.job}: sealed: {shown} is not among what it declares; {advice}", what)


def place(path: str | Path) -> str:
    """Resolve the links in a path, except for the last part."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)

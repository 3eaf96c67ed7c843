"""What the claims are judged by: numbers of other stages' artifacts, each with its standard error and its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatent.claims.rules import Number, bounded_error, share_error
from relatent.errors import InputError
from relatent.files.tables import read_csv, read_json


class NotMeasuredError(Exception):
    """A claim's numbers are of runs that this pipeline's parameters do not have, or of a machine that is too small."""


@dataclass(frozen=True)
class Terms:
    """Which runs stand for the notes' models, and what the notes' words mean in numbers; see params.yaml."""

    perceptron: str
    recurrent: Sequence[str]
    row_rnn: str
    faces: str
    times: float
    share: float
    delay_seconds: float
    about: float
    lone_run: float


class Evidence:
    """Artifacts by name.

    Parameters
    ----------
    files : paths "results/...", JSON or CSV; nothing else is read.
    terms : see `Terms`.
    """

    def __init__(self, files: Iterable[Path], terms: Terms) -> None:
        self.terms = terms
        self._files = {path.as_posix().rpartition("results/")[2]: path for path in files}
        self._read: dict[str, Any] = {}

    def names(self, start: str, end: str) -> list[str]:
        """Names of the artifacts that begin and end so, in order."""
        return [name for name in self._files if name.startswith(start) and name.endswith(end)]

    def table(self, name: str) -> Any:
        """The content of an artifact below results/; InputError when it is none of the files."""
        if name not in self._files:
            near = self.names(name.split("/")[0], "") or list(self._files)
            raise InputError(f"results/{name}: not among the artifacts of the claims; these are: {', '.join(near[:8])}")
        if name not in self._read:
            path = self._files[name]
            self._read[name] = read_json(path) if path.suffix == ".json" else read_csv(path)
        return self._read[name]

    def value(self, name: str, *keys: str) -> Any:
        """What stands under nested keys of a JSON; InputError when there is none."""
        found = self.table(name)
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                there = ", ".join(list(found)[:8]) if isinstance(found, dict) else repr(found)
                raise InputError(f"results/{name}: no {'.'.join(keys)!r}; it has {there}")
            found = found[key]
        return found

    def _number(self, label: str, name: str, keys: Sequence[str], error: float, runs: int = 1) -> Number:
        value = self.value(name, *keys)
        source = f"results/{name}: {'.'.join(keys)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{source}: got {value!r}, need a number")
        return Number(label, float(value), error, runs, source)

    def exact(self, label: str, name: str, *keys: str) -> Number:
        """A count, or what is computed without any draw."""
        return self._number(label, name, keys, 0.0)

    def lone(self, label: str, name: str, *keys: str) -> Number:
        """A number of one training run, with the relative error that seeds were seen to make."""
        found = self._number(label, name, keys, 0.0)
        return Number(label, found.value, abs(found.value) * self.terms.lone_run, 1, found.source)

    def seeded(self, label: str, name: str, *keys: str) -> Number:
        """A mean over seeds, whose standard error stands beside it as `<key>_se`; a lone one if there is none."""
        *above, key = keys
        error = self.value(name, *above).get(f"{key}_se")
        runs = int(self.value(name, *above).get("n_seeds", 1))
        if error is None and runs > 1:  # a whole number that was the same for all seeds
            error = 0.0
        return self.lone(label, name, *keys) if error is None else self._number(label, name, keys, error, runs)

    def share(self, label: str, name: str, *keys: str, items: int) -> Number:
        """A share of so many items, with its binomial error."""
        found = self._number(label, name, keys, 0.0)
        return Number(label, found.value, share_error(found.value, items), 1, found.source)

    def mean_of_shares(self, label: str, name: str, *keys: str, items: int) -> Number:
        """A mean of so many values in [0, 1], with the largest error that it can have."""
        return self._number(label, name, keys, bounded_error(items))

    def interval(self, label: str, name: str, *keys: str) -> Number:
        """A mean whose 95 % interval stands beside it, half of it, as `<key>_interval`."""
        *above, key = keys
        half = self.value(name, *above, f"{key}_interval")
        return self._number(label, name, keys, half / 1.96)

    def timed(self, label: str, name: str, key: str = "seconds", **match: Any) -> Number:
        """A median of repeats in a row of a CSV that `relatent.timing.repeats.summary` wrote."""
        row = self.row(name, **match)
        where = ", ".join(str(value) for value in match.values())
        source = f"results/{name}: {key} of {where}"
        return Number(label, float(row[key]), float(row["std_error"]), int(row["repeats"]), source)

    def row(self, name: str, **match: Any) -> dict[str, str]:
        """The one row of a CSV with these values; NotMeasuredError when there is none."""
        wanted = {key: str(value) for key, value in match.items()}
        rows = [row for row in self.table(name) if all(row.get(key) == value for key, value in wanted.items())]
        if not rows:
            raise NotMeasuredError(f"results/{name} has no row of {', '.join(wanted.values())}")
        return rows[0]

    def column(self, name: str, key: str) -> list[str]:
        """The different values of a column, in order."""
        if not all(key in row for row in self.table(name)):
            raise InputError(f"results/{name}: no column {key!r}; it has {', '.join(self.table(name)[0])}")
        return list(dict.fromkeys(row[key] for row in self.table(name)))

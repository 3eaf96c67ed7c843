"""Read numbers from the artifacts of other stages, each with its standard error and its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatent.claims.rules import Number, bounded_error, share_error
from relatent.errors import InputError
from relatent.files.tables import read_csv, read_json
from relatent.stats.intervals import NORMAL


class NotMeasuredError(Exception):
    """Raised if the parameters lack the runs that a claim needs, or the machine was too small to
    measure them."""


@dataclass(frozen=True)
class Terms:
    """Say which runs stand for the notes' models, and what the notes' words mean in numbers; see
    params.yaml."""

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
    """Look up numbers in artifacts by name.

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
        """Return the names of artifacts with this start and this end, in order."""
        return [name for name in self._files if name.startswith(start) and name.endswith(end)]

    def table(self, name: str) -> Any:
        """Return the content of an artifact below results/; InputError if it is not among the
        files."""
        if name not in self._files:
            near = self.names(name.split("/")[0], "") or list(self._files)
            raise InputError(f"results/{name}: not among the artifacts of the claims; these are: {', '.join(near[:8])}")
        if name not in self._read:
            path = self._files[name]
            self._read[name] = read_json(path) if path.suffix == ".json" else read_csv(path)
        return self._read[name]

    def value(self, name: str, *keys: str) -> Any:
        """Return the value under nested keys of a JSON; InputError if there is none."""
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
        """Return a number without error: a count, or a computation without draws."""
        return self._number(label, name, keys, 0.0)

    def lone(self, label: str, name: str, *keys: str) -> Number:
        """Return a number of one training run; its relative error is `lone_run`, the spread
        observed over seeds."""
        found = self._number(label, name, keys, 0.0)
        return Number(label, found.value, abs(found.value) * self.terms.lone_run, 1, found.source)

    def seeded(self, label: str, name: str, *keys: str) -> Number:
        """Return a mean over seeds with its standard error from `<key>_se`; as `lone` if there is
        none."""
        *above, key = keys
        error = self.value(name, *above).get(f"{key}_se")
        runs = int(self.value(name, *above).get("n_seeds", 1))
        if error is None and runs > 1:  # a whole number that was the same for all seeds
            error = 0.0
        return self.lone(label, name, *keys) if error is None else self._number(label, name, keys, error, runs)

    def share(self, label: str, name: str, *keys: str, items: int) -> Number:
        """Return a share of `items` items, with its binomial error."""
        found = self._number(label, name, keys, 0.0)
        return Number(label, found.value, share_error(found.value, items), 1, found.source)

    def mean_of_shares(self, label: str, name: str, *keys: str, items: int) -> Number:
        """Return a mean of `items` values in [0, 1], with the largest error that it can have."""
        return self._number(label, name, keys, bounded_error(items))

    def interval(self, label: str, name: str, *keys: str) -> Number:
        """Return a mean; `<key>_interval` beside it is half of its 95 % interval."""
        *above, key = keys
        half = self.value(name, *above, f"{key}_interval")
        return self._number(label, name, keys, half / NORMAL)

    def timed(self, label: str, name: str, key: str = "seconds", **match: Any) -> Number:
        """Return a median of repeats from a row of a CSV that `relatent.timing.repeats.summary`
        wrote."""
        row = self.row(name, **match)
        where = ", ".join(str(value) for value in match.values())
        source = f"results/{name}: {key} of {where}"
        return Number(label, float(row[key]), float(row["std_error"]), int(row["repeats"]), source)

    def row(self, name: str, **match: Any) -> dict[str, str]:
        """Return the first row of a CSV with these values; NotMeasuredError if there is none."""
        wanted = {key: str(value) for key, value in match.items()}
        rows = [row for row in self.table(name) if all(row.get(key) == value for key, value in wanted.items())]
        if not rows:
            raise NotMeasuredError(f"results/{name} has no row of {', '.join(wanted.values())}")
        return rows[0]

    def column(self, name: str, key: str) -> list[str]:
        """Return the distinct values of a column, in order."""
        if not all(key in row for row in self.table(name)):
            raise InputError(f"results/{name}: no column {key!r}; it has {', '.join(self.table(name)[0])}")
        return list(dict.fromkeys(row[key] for row in self.table(name)))

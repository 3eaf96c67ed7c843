"""Train any model in one epoch loop, with validation, history, checkpoints and exact resume.

A model gives one function, `loss_parts(rows, generator)`. The objective, which weighs its parts,
and the schedule of the rate are functions of the step: neither has a state that a checkpoint could
miss.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from tqdm import tqdm

from relatent.errors import InputError
from relatent.networks.checkpoints import Keeper
from relatent.networks.objectives import LossParts, Parts
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.watching import watched

log = logging.getLogger(__name__)

Row = dict[str, float]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
KEPT_BYTES = 2**28
VALIDATION_SEED = 0
NOWHERE = Journal()


@dataclass
class Fitted:
    """The history of a training.

    Attributes
    ----------
    history : list of dict
        A row per epoch: `epoch` (from 1), `train_<part>` and, if asked, `validation_<part>`: means
        over rows.
    seconds_per_epoch : list of float
        Wall time of each epoch, validation included; apart, since timing may differ between runs.
    best_epoch : int
        With early stopping the epoch of the module's weights, otherwise 0.
    """

    history: list[Row] = field(default_factory=list)
    seconds_per_epoch: list[float] = field(default_factory=list)
    best_epoch: int = 0


def set_threads(threads: int) -> None:
    """Set torch's CPU threads, flush denormals and keep freed memory; call it first.

    Results are bit-identical for a given thread count only. Denormal numbers are flushed to zero:
    the moments of weights whose inputs are rarely on decay into them, and arithmetic on denormals
    is many times slower. Memory that a step frees stays with the process: glibc would map an LSTM's
    workspace again at each step, a fifth of its seconds.
    """
    if threads < 1:
        raise InputError(f"threads must be at least 1, got {threads}")
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    # another C library: it has no such setting
    with contextlib.suppress(AttributeError, OSError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            set_option(option, KEPT_BYTES)


def fit(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_parts: LossParts,
    *,
    train_rows: Tensor,
    validation_rows: Tensor | None = None,
    recipe: Recipe,
    generator: torch.Generator,
    journal: Journal = NOWHERE,
) -> Fitted:
    """Train `module` in place; module, data and generator live on one device, the generator's.

    Parameters
    ----------
    module : the parameters and buffers to keep in checkpoints; set to train or eval mode as needed.
    optimizer : fresh, over the parameters to train; its rate is the one that the recipe's schedule
        scales.
    loss_parts : (rows (batch,) int64, generator) -> {part: (batch,)}
        Fetches the rows by itself, so that arrays, sparse rows and ragged sequences all fit.
    train_rows, validation_rows : int64 tensors of row numbers, kept apart by the caller.
    recipe : epochs, size of batches, objective, schedule and early stopping.
    generator : draws the order of the rows and all that `loss_parts` draws in training. Validation
        sees the same draws each epoch, so that epochs compare.
    journal : checkpoint, probe, and the name of the progress bar; default: none.

    Returns
    -------
    Fitted
        The history and the seconds of every epoch, those before a resume included.

    Raises
    ------
    InputError
        When the loss is nan or infinite (names the epoch, the batch and the parts), nothing is to
        be done, or patience has no validation rows to watch.
    """
    _check(recipe, train_rows, validation_rows)
    name, epochs = journal.name or "training", recipe.epochs
    loop = _Loop(module, optimizer, loss_parts, recipe, generator)
    keeper = Keeper(journal.checkpoint, module, optimizer, generator, journal.digest, journal.probe)
    fitted = Fitted()
    if kept := keeper.resume():
        fitted, loop.best = Fitted(**kept.record), kept.best
    steps = math.ceil(len(train_rows) / recipe.batch_size)  # per epoch
    done = len(fitted.history)
    with (
        watched(journal.probe, module, optimizer, generator, validate=loop.first_validation(validation_rows)),
        tqdm(total=epochs * steps, initial=done * steps, desc=name, unit="batch", disable=None) as bar,
    ):
        for epoch in range(done + 1, epochs + 1):
            if recipe.patience and epoch - 1 - fitted.best_epoch >= recipe.patience:
                break
            began = time.perf_counter()
            row: Row = {"epoch": epoch} | _prefixed("train", loop.train(train_rows, epoch, bar))
            if validation_rows is not None:
                row |= _prefixed("validation", loop.validate(validation_rows, epoch))
            fitted.history.append(row)
            fitted.seconds_per_epoch.append(time.perf_counter() - began)
            if recipe.patience and _lowest(fitted.history) == epoch:
                fitted.best_epoch = epoch
                loop.keep()
            _report(name, row, epochs=epochs, bar=bar)
            keeper.save(vars(fitted), loop.best)
    if recipe.patience:
        module.load_state_dict(loop.best)
        log.info("%s: the weights are those of epoch %d of %d", name, fitted.best_epoch, len(fitted.history))
    return fitted


def _check(recipe: Recipe, train_rows: Tensor, validation_rows: Tensor | None) -> None:
    epochs, batch_size, patience = recipe.epochs, recipe.batch_size, recipe.patience
    if epochs < 1 or batch_size < 1 or len(train_rows) == 0:
        given = f"{epochs} epochs, batches of {batch_size}, {len(train_rows)} rows"
        raise InputError(f"training needs at least one epoch, a batch of one and one row, got {given}")
    if patience < 0 or (patience and validation_rows is None):
        raise InputError(f"patience must be at least 0, and 0 without validation rows, got {patience}")


def mean_parts(
    loss_parts: LossParts,
    rows: Tensor,
    *,
    batch_size: int,
    generator: torch.Generator,
    where: str = "evaluation",
) -> Row:
    """Return the mean of each part over `rows`, without gradients; the caller sets the module's
    mode.

    Parameters
    ----------
    loss_parts, rows, batch_size, generator : as in `fit`.
    where : named in the error when a part is nan or infinite.

    Returns
    -------
    dict of float
        {part: mean over rows}, in the parts' own unit.
    """
    sums: Row = {}
    batches = rows.split(batch_size)
    with torch.no_grad():
        for batch, batch_rows in enumerate(batches, start=1):
            parts = loss_parts(batch_rows, generator)
            _add(sums, parts)
            if not all(math.isfinite(value) for value in sums.values()):
                raise _not_finite(parts, f"{where}, batch {batch} of {len(batches)}")
    return {part: value / len(rows) for part, value in sums.items()}


@dataclass
class _Loop:
    """The arguments of `fit` that all epochs share."""

    module: nn.Module
    optimizer: torch.optim.Optimizer
    loss_parts: LossParts
    recipe: Recipe
    generator: torch.Generator
    # the best epoch's weights, with early stopping
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.optimizer.param_groups]

    def train(self, rows: Tensor, epoch: int, bar: tqdm) -> Row:
        """Pass over `rows` once in a new order; return the parts' means, each batch's before its
        step."""
        self.module.train()
        device = self.generator.device
        order = rows.to(device)[torch.randperm(len(rows), generator=self.generator, device=device)]
        batches = order.split(self.recipe.batch_size)
        sums: Row = {}
        for batch, batch_rows in enumerate(batches, start=1):
            step = (epoch - 1) * len(batches) + batch - 1
            parts = self.loss_parts(batch_rows, self.generator)
            loss = self.recipe.objective(parts, step)
            if not math.isfinite(loss.item()):
                raise _not_finite(parts, f"training, epoch {epoch}, batch {batch} of {len(batches)}")
            self._descend(loss, step)
            _add(sums, parts)
            bar.update()
        return {part: value / len(rows) for part, value in sums.items()}

    def _descend(self, loss: Tensor, step: int) -> None:
        if self.recipe.schedule is not None:
            factor = self.recipe.schedule(step)
            for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * factor
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def keep(self) -> None:
        """Copy the module's weights as the best ones so far."""
        self.best = {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def validate(self, rows: Tensor, epoch: int) -> Row:
        """Return the parts' means over `rows`, with the same draws in every epoch."""
        self.module.eval()
        device = self.generator.device
        generator = torch.Generator(device).manual_seed(VALIDATION_SEED)
        where = f"validation, epoch {epoch}"
        size = self.recipe.batch_size
        return mean_parts(self.loss_parts, rows.to(device), batch_size=size, generator=generator, where=where)

    def first_validation(self, rows: Tensor | None) -> Callable[[], Row] | None:
        """Return a function that validates one batch; None where there are no rows."""
        return None if rows is None else lambda: self.validate(rows[: self.recipe.batch_size], 0)


def _add(sums: Row, parts: Parts) -> None:
    for part, values in parts.items():
        sums[part] = sums.get(part, 0.0) + values.detach().sum(dtype=torch.float64).item()


def _prefixed(prefix: str, row: Row) -> Row:
    return {f"{prefix}_{part}": value for part, value in row.items()}


def _lowest(history: list[Row]) -> int:
    """Return the first epoch of the lowest validation loss, the sum of its parts."""
    losses = [sum(value for key, value in row.items() if key.startswith("validation_")) for row in history]
    return 1 + losses.index(min(losses))


def _report(name: str, row: Row, *, epochs: int, bar: tqdm) -> None:
    shown = {key: f"{value:.2f}" for key, value in row.items() if key != "epoch"}
    bar.set_postfix(shown, refresh=False)
    log.info("%s: epoch %d of %d: %s", name, row["epoch"], epochs, shown)


def _not_finite(parts: Parts, where: str) -> InputError:
    """Return the error of a diverged run, which names the place and the mean of each part."""
    means = ", ".join(f"{part} {values.mean().item():.4g}" for part, values in parts.items())
    return InputError(
        f"{where}: the loss is not finite ({means}); look for nan in the data, or lower the learning rate"
    )

"""Train any step-wise decoder by truncated backpropagation through time, without padding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from torch import Tensor, nn

from relatent.bptt.decoder import Hidden, RecurrentDecoder
from relatent.bptt.schedule import Block, Drain, Order, SwapSchedule
from relatent.bptt.state import State, spread, where_reset
from relatent.bptt.swapped import METHODS, swapped, why_not
from relatent.errors import InputError

Cost = Callable[[Tensor, Tensor], Tensor]
Feedback = str | Callable[[Tensor], Tensor]


class Options(TypedDict, total=False):
    """Further keywords of `train_bptt`."""

    drain: Drain
    order: Order
    generator: torch.Generator | None
    clip: float | None
    method: str


def train_bptt(
    decoder: nn.Module,
    contexts: Sequence[Tensor] | None,
    targets: Sequence[Tensor],
    visible_seed: Tensor,
    hidden_seed: Hidden,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    bptt: int,
    cost: Cost | None = None,
    *,
    feedback: Feedback = "teacher",
    **options: Unpack[Options],
) -> list[float]:
    """Train for one epoch; a sequence that ends is replaced in its slot by the next one.

    The method is that of [B], 2018-04-13.

    Parameters
    ----------
    decoder : forward(visible (1, batch, features), context (batch, context features), hidden) ->
        output, hidden. The output is (1, batch, ...). The caller sets its mode (train or eval).
        With feedback "teacher", all visible inputs are known in advance, and a `RecurrentDecoder`
        is run block by block.
    contexts : n tensors (length_i, context features); None if there are no contexts: the decoder
        then gets (batch, 0).
    targets : n tensors (length_i, *features); (length_i,) for token numbers.
    visible_seed : (*features), the visible input at the first step of a sequence.
    hidden_seed : (layers, hidden units), a pair of these for an LSTM: the state before the first
        step. Both seeds may require gradients.
    optimizer : optimizer of the parameters to train.
    batch_size, bptt : number of slots, and steps between two steps of the optimizer. Memory grows
        with their product, not with the lengths of the sequences. Gradients end at the block's
        first step.
    cost : function of predicted (n, ...) and actual (n, *features), where n counts the elements of
        a block, step by step; the mean of its values, of any shape, is the loss. None for
        nn.PairwiseDistance().
    feedback : visible input at the next step of a sequence
        "teacher": the target. "free": the decoder's output. A function: its value at the output.
    drain, order, generator : as in `SwapSchedule.from_lengths`.
    clip : largest norm of all gradients together; None for no clipping.
    method : as in `swapped`; "auto" uses "steps" if a block cannot be run at once.

    Returns
    -------
    list of float
        Loss at each step of the optimizer.

    Raises
    ------
    InputError
        If shapes, lengths or options do not fit, or the loss is nan or infinite.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> targets = [torch.ones(length, 1) for length in (3, 1, 2)]
    >>> decoder = RecurrentDecoder(nn.GRU(1, 1))
    >>> optimizer = torch.optim.SGD(decoder.parameters(), lr=0.1)
    >>> len(train_bptt(decoder, None, targets, torch.zeros(1), torch.zeros(1, 1), optimizer, 2, 2))
    2
    """
    data = _Data.of(contexts, targets, visible_seed)
    clip, method, ordered = _options(**options)
    schedule = SwapSchedule.from_lengths(data.lengths, batch_size=batch_size, bptt=bptt, **ordered)
    run = _runner(decoder, feedback, method)
    cost = nn.PairwiseDistance() if cost is None else cost
    seed: State = (hidden_seed,) if isinstance(hidden_seed, Tensor) else tuple(hidden_seed)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    carried = _Carried(np.arange(batch_size), spread(seed, batch_size), _spread_visible(visible_seed, batch_size))
    losses: list[float] = []
    for block in schedule.blocks():
        carried = carried.of_slots(block.slots)
        read = data.read(block)
        predicted, carried = run(decoder, read, carried, visible_seed, seed)
        loss = cost(predicted, read.actual).mean()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise InputError(
                f"block {len(losses)} of {len(schedule)}: the loss is {losses[-1]}; "
                f"look for nan in the data, or lower the learning rate"
            )
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        carried = carried.detached()
    return losses


def _options(
    *,
    drain: Drain = True,
    order: Order = "given",
    generator: torch.Generator | None = None,
    clip: float | None = 1.0,
    method: str = "auto",
) -> tuple[float | None, str, dict[str, Any]]:
    """Return clip, method, and the keywords of the schedule."""
    return clip, method, {"drain": drain, "order": order, "generator": generator}


@dataclass(frozen=True)
class _Read:
    """Tensors that a block reads.

    Context and target are (time, batch, ...); resets and valid are (time, batch), on the CPU.
    """

    context: Tensor
    target: Tensor
    previous: Tensor  # the target one step before; arbitrary where a sequence begins
    resets: Tensor
    valid: Tensor
    actual: Tensor  # (n, *features), the valid targets step by step

    def at(self, values: Tensor) -> Tensor:
        """Select the valid entries of (time, batch, ...), as (n, ...), step by step."""
        if self.valid.all():
            return values.flatten(0, 1)
        return values[self.valid.to(values.device)]


@dataclass(frozen=True)
class _Data:
    """All sequences laid end to end."""

    contexts: Tensor
    targets: Tensor
    lengths: np.ndarray

    @classmethod
    def of(cls, contexts: Sequence[Tensor] | None, targets: Sequence[Tensor], visible_seed: Tensor) -> _Data:
        """Check and join the sequences.

        There must be as many contexts as targets, of the same lengths; targets must have the seed's
        shape.
        """
        if len(targets) == 0:
            raise InputError("targets are empty; at least one sequence is needed")
        lengths = np.array([len(target) for target in targets])
        if contexts is None:
            return cls(targets[0].new_zeros(int(lengths.sum()), 0), _laid(targets, visible_seed), lengths)
        if len(contexts) != len(targets):
            raise InputError(f"as many contexts as targets are needed, got {len(contexts)} and {len(targets)}")
        for number, (context, length) in enumerate(zip(contexts, lengths, strict=True)):
            if len(context) != length:
                raise InputError(
                    f"sequence {number}: its context has length {len(context)} and its target {length}; "
                    f"they must be the same"
                )
        return cls(torch.cat(list(contexts)), _laid(targets, visible_seed), lengths)

    def read(self, block: Block) -> _Read:
        """Fetch the tensors of a block; a slot that has run out reads row 0, which is not used."""
        device = self.targets.device
        index = torch.from_numpy(block.index.clip(min=0)).to(device)
        resets, valid = torch.from_numpy(block.resets), torch.from_numpy(block.valid)
        target = self.targets[index]
        previous = self.targets[(index - 1).clamp_(min=0)]
        actual = target.flatten(0, 1) if block.valid.all() else target[valid.to(device)]
        return _Read(self.contexts[index], target, previous, resets, valid, actual)


def _laid(targets: Sequence[Tensor], visible_seed: Tensor) -> Tensor:
    for number, target in enumerate(targets):
        if target.shape[1:] != visible_seed.shape:
            raise InputError(
                f"sequence {number}: a target of shape {tuple(target.shape)} does not fit a visible_seed of "
                f"{tuple(visible_seed.shape)}; the target must be (length, *visible_seed's)"
            )
    return torch.cat(list(targets))


@dataclass(frozen=True)
class _Carried:
    """State and next visible input of each slot, carried from one block to the next."""

    slots: np.ndarray
    state: State
    visible: Tensor  # (1, batch, *features)

    def of_slots(self, slots: np.ndarray) -> _Carried:
        """Select these slots."""
        if len(slots) == len(self.slots):
            return self
        kept = torch.from_numpy(np.searchsorted(self.slots, slots)).to(self.visible.device)
        return _Carried(slots, tuple(s[:, kept] for s in self.state), self.visible[:, kept])

    def detached(self) -> _Carried:
        """Detach the tensors, which frees the graph of the block before."""
        return _Carried(self.slots, tuple(s.detach() for s in self.state), self.visible.detach())


Run = Callable[[nn.Module, _Read, _Carried, Tensor, State], tuple[Tensor, _Carried]]


def _runner(decoder: nn.Module, feedback: Feedback, method: str) -> Run:
    """Choose how blocks are run: at once if the decoder and the feedback allow it."""
    if not (callable(feedback) or feedback in ("teacher", "free")):
        raise InputError(f'feedback must be "teacher", "free" or a function of the output, got {feedback!r}')
    if method not in ("auto", *METHODS):
        raise InputError(f"method must be one of auto, {', '.join(METHODS)}; got {method!r}")
    reason = ""
    if not isinstance(decoder, RecurrentDecoder):
        reason = f"the decoder is a {type(decoder).__name__}, no RecurrentDecoder"
    elif feedback != "teacher":
        reason = "what is fed back is known one step at a time only"
    else:
        reason = why_not(decoder.rnn)
    if method == "steps" or (method == "auto" and reason):
        return _steps(feedback)
    if reason:
        raise InputError(f'method {method!r} cannot be used: {reason}; use "auto" or "steps"')
    return _at_once(method)


def _at_once(method: str) -> Run:
    def run(
        decoder: nn.Module, read: _Read, carried: _Carried, visible_seed: Tensor, seed: State
    ) -> tuple[Tensor, _Carried]:
        assert isinstance(decoder, RecurrentDecoder)
        visible = torch.cat([carried.visible, read.previous[1:]])
        visible = _begun(visible, read.resets, visible_seed)
        inputs = decoder.embed(visible, read.context)
        hidden, first = _hidden(carried.state), _hidden(seed)
        outputs, hidden = swapped(decoder.rnn, inputs, read.resets, hidden, seed=first, method=method)
        state = (hidden,) if isinstance(hidden, Tensor) else hidden
        return decoder.readout(read.at(outputs)), _Carried(carried.slots, state, read.target[-1:])

    return run


def _steps(feedback: Feedback) -> Run:
    """Return a function that calls the decoder once per step."""

    def run(
        decoder: nn.Module, read: _Read, carried: _Carried, visible_seed: Tensor, seed: State
    ) -> tuple[Tensor, _Carried]:
        state, visible = carried.state, carried.visible
        predicted = []
        for t in range(len(read.target)):
            resets, valid = read.resets[t], read.valid[t]
            state = where_reset(resets, seed, state)
            visible = _begun(visible, resets[None], visible_seed)
            output, hidden = decoder(visible, read.context[t], _hidden(state))
            state = (hidden,) if isinstance(hidden, Tensor) else tuple(hidden)
            predicted.append(output[0] if valid.all() else output[0, valid.to(output.device)])
            if callable(feedback):
                visible = feedback(output)
            else:
                visible = read.target[t : t + 1] if feedback == "teacher" else output
        return torch.cat(predicted), _Carried(carried.slots, state, visible)

    return run


def _begun(visible: Tensor, resets: Tensor, seed: Tensor) -> Tensor:
    """Put the seed where a sequence begins: (time, batch, *features)."""
    if not resets.any():
        return visible
    mask = resets.to(visible.device).reshape(*resets.shape, *[1] * seed.ndim)
    return torch.where(mask, seed, visible)


def _spread_visible(seed: Tensor, batch: int) -> Tensor:
    return seed.expand(1, batch, *seed.shape)


def _hidden(state: State) -> Hidden:
    return (state[0], state[1]) if len(state) == 2 else state[0]

"""Stack two RBMs as one deep Boltzmann machine, trained greedily, then jointly.

E(v, h1, h2) = E_bottom(v, h1) + E_top(h1, h2) (Salakhutdinov & Hinton 2009): the middle layer reads
both sides, the outer layers are independent given it. The gradient takes mean-field states of data
and persistent chains of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from relatent.errors import InputError
from relatent.networks.initialisation import fill
from relatent.rbm.model import EVALUATION_ROWS, RBM, build
from relatent.rbm.sampling import State

# within 2e-3 of 41 rounds on the tests' small models; not measured on large ones
MEAN_FIELD_STEPS = 10


class DeepRBM(nn.Module):
    """A deep Boltzmann machine of two hidden layers.

    Parameters
    ----------
    bottom : visible units and middle layer.
    top : middle layer and top; its visible units are of the kind and number of `bottom`'s hidden
        ones.

    Raises
    ------
    InputError
        When the two do not fit together.
    """

    def __init__(self, bottom: RBM, top: RBM) -> None:
        super().__init__()
        below, above = (bottom.n_hidden, bottom.hidden.name), (top.n_visible, top.visible.name)
        if below != above:
            raise InputError(f"the top must read the bottom's hidden layer, {below}, it reads {above}")
        self.bottom, self.top = bottom, top

    def architecture(self) -> dict[str, Any]:
        """Return what `load` needs beside the weights, in JSON's types."""
        return {
            "model": "deep_rbm",
            "bottom": self.bottom.architecture(),
            "top": self.top.architecture(),
        }

    # --- passes -----------------------------------------------------------------------------------

    @torch.no_grad()
    def up(self, v: Tensor, *, steps: int = MEAN_FIELD_STEPS) -> tuple[Tensor, Tensor]:
        """Return means of both hidden layers given v, by mean field.

        Parameters
        ----------
        v : (n, n_visible).
        steps : rounds of mean field; 0 is a plain pass upwards.

        Returns
        -------
        h1 (n, middle), h2 (n, top)
            In [0, 1].
        """
        below = self.bottom.hidden_input(v)
        h1 = self.bottom.hidden.mean(below)
        h2 = self.top.mean_hidden(h1)
        for _ in range(steps):
            h1 = self.bottom.hidden.mean(below + self.top.visible_natural(h2))
            h2 = self.top.mean_hidden(h1)
        return h1, h2

    @torch.no_grad()
    def down(self, h2: Tensor, *, steps: int = MEAN_FIELD_STEPS) -> tuple[Tensor, Tensor]:
        """Return means of the middle and the visible layer given the top, by mean field.

        Parameters
        ----------
        h2 : (n, top), in [0, 1]; means or anything between them, as in an interpolation.
        steps : rounds of mean field; 0 is a plain pass downwards.

        Returns
        -------
        h1 (n, middle), v (n, n_visible)
        """
        above = self.top.visible_natural(h2)
        h1 = self.bottom.hidden.mean(above)
        v = self.bottom.mean_visible(h1)
        for _ in range(steps):
            h1 = self.bottom.hidden.mean(self.bottom.hidden_input(v) + above)
            v = self.bottom.mean_visible(h1)
        return h1, v

    @torch.no_grad()
    def mix(self, v: Tensor, share: float, *, steps: int = MEAN_FIELD_STEPS) -> Tensor:
        """Return visible means of a middle layer that is mixed from the pass up and the pass down.

        The pass up has the weight `share`: at 1 the middle layer is that of v, at 0 that of the
        top's reconstruction. The smaller the share, the more regular the result.

        Returns
        -------
        tensor (n, n_visible)
        """
        if not 0 <= share <= 1:
            raise InputError(f"share must be in [0, 1], got {share}")
        h1_up, h2 = self.up(v, steps=steps)
        h1_down, _ = self.down(h2, steps=steps)
        return self.bottom.mean_visible(share * h1_up + (1 - share) * h1_down)

    @torch.no_grad()
    def step(self, state: State, *, generator: torch.Generator, workers: int = 1) -> State:
        """Draw the middle, then the outer layers: one step of a Gibbs chain; its first is a plain
        pass upwards."""
        if state.top is None:
            h1 = self.bottom.sample_hidden(state.visible, generator=generator, workers=workers)
        else:
            h1 = self.sample_middle(state.visible, state.top, generator=generator, workers=workers)
        return State(*self.sample_outer(h1, generator=generator, workers=workers))

    def sample_outer(self, h1: Tensor, *, generator: torch.Generator, workers: int = 1) -> tuple[Tensor, Tensor]:
        """Draw v and h2 given the middle layer."""
        v = self.bottom.sample_visible(h1, generator=generator, workers=workers)
        return v, self.top.sample_hidden(h1, generator=generator, workers=workers)

    @torch.no_grad()
    def sample_middle(self, v: Tensor, h2: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
        """Draw h1 given both sides."""
        heard = self.bottom.hidden_input(v) + self.top.visible_natural(h2)
        return self.bottom.hidden.sample(heard, generator=generator, workers=workers)

    def energy(self, v: Tensor, h1: Tensor, h2: Tensor) -> Tensor:
        """Return E(v, h1, h2) with gradients to the parameters, (n,), in nats."""
        return self.bottom.energy(v, h1) + self.top.energy(h1, h2)


def load(state: Mapping[str, Tensor], architecture: Mapping[str, Any]) -> DeepRBM:
    """Return a trained deep RBM on the CPU: `load(*read_weights(path))`; InputError when the
    weights do not fit."""
    if architecture.get("model") != "deep_rbm":
        raise InputError(f"the weights are of a model {architecture.get('model')!r}, need 'deep_rbm'")
    deep = DeepRBM(build(architecture["bottom"]), build(architecture["top"]))
    fill(deep, state)
    return deep.eval()


@torch.no_grad()
def reconstruction_error(deep: DeepRBM, v: Tensor) -> Tensor:
    """Return the mean squared error of the means, v -> top -> v, of each row: (n, n_visible) ->
    (n,)."""
    return torch.cat([(deep.mix(rows, 0.0) - rows).square().mean(1) for rows in v.split(EVALUATION_ROWS)])

"""The restricted Boltzmann machine over any two kinds of units.

With t(v) the visible units' statistics, mu and lambda the centres, x(v) = c + (t(v) - mu) W and o
the visible offset,

    E(v, h) = e(v) - o.t(v) - (h - lambda).x(v)
    F(v)    = e(v) - o.t(v) + lambda.x(v) - sum_j log(1 + exp x_j(v))

With both centres at zero this is the textbook's RBM; centring (Montavon & Mueller 2012; Melchior,
Fischer & Wiskott 2016) changes the gradient that training follows, not what can be modelled. RBM,
RRBM and R3BM of the notes are ("bernoulli", "bernoulli"), ("beta", "bernoulli") and ("beta",
"beta").
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.errors import InputError
from relatent.networks.initialisation import fill
from relatent.networks.products import product, product_with_gradients
from relatent.rbm.sampling import State
from relatent.rbm.units import unit

VISIBLE = ("bernoulli", "beta", "gaussian", "exact_beta")
HIDDEN = ("bernoulli", "beta")
EVALUATION_ROWS = 2000  # rows evaluated at once, where a result takes no gradient
FREE_WEIGHTS = 2**22  # weights that an architecture may ask for, however small its file


class RBM(nn.Module):
    """A layer of visible and one of hidden units; its weights are zero until `initialise` or
    `load`.

    Parameters
    ----------
    n_visible, n_hidden : units of each layer.
    visible : "bernoulli", "beta" (by moments), "gaussian" (clipped) or "exact_beta"; see
        `relatent.rbm.units`.
    hidden : "bernoulli" or "beta".
    sigma : standard deviation of "beta" and "gaussian" units.

    Raises
    ------
    InputError
        When a layer is empty, or a kind of unit unknown.

    Examples
    --------
    >>> rbm = RBM(6, 3, visible="beta")
    >>> rbm.mean_hidden(torch.zeros(2, 6)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_visible: int,
        n_hidden: int,
        *,
        visible: str = "bernoulli",
        hidden: str = "bernoulli",
        sigma: float = 0.1,
    ) -> None:
        super().__init__()
        if n_visible < 1 or n_hidden < 1:
            raise InputError(f"an RBM needs units in both layers, got {n_visible} visible, {n_hidden} hidden")
        if visible not in VISIBLE:
            raise InputError(f"visible must be one of {', '.join(VISIBLE)}, got {visible!r}")
        if hidden not in HIDDEN:
            raise InputError(f"hidden must be one of {', '.join(HIDDEN)}, got {hidden!r}")
        self.n_visible, self.n_hidden, self.sigma = n_visible, n_hidden, sigma
        self.visible, self.hidden = unit(visible, sigma=sigma), unit(hidden, sigma=sigma)
        n_statistics = self.visible.statistics_per_unit * n_visible
        self.weight = nn.Parameter(torch.zeros(n_statistics, n_hidden))
        self.visible_bias = nn.Parameter(torch.zeros(n_statistics))
        self.hidden_bias = nn.Parameter(torch.zeros(n_hidden))
        self.register_buffer("visible_centre", torch.zeros(n_statistics))
        self.register_buffer("hidden_centre", torch.zeros(n_hidden))
        self.visible_centre: Tensor
        self.hidden_centre: Tensor

    @property
    def has_energy(self) -> bool:
        """Say whether both conditionals follow from one energy, so that there is a likelihood."""
        return self.visible.log_partition is not None and self.hidden.log_partition is not None

    def architecture(self) -> dict[str, Any]:
        """Return the input of `build`, in JSON's types, to be kept beside the weights."""
        return {
            "model": "rbm",
            "n_visible": self.n_visible,
            "n_hidden": self.n_hidden,
            "visible": self.visible.name,
            "hidden": self.hidden.name,
            "sigma": self.sigma,
        }

    # --- from one layer to the other --------------------------------------------------------------

    def hidden_input(self, v: Tensor) -> Tensor:
        """Return x(v) with gradients: (n, n_visible) -> (n, n_hidden)."""
        self.check_visible(v)
        return product_with_gradients(self.visible.statistics(v) - self.visible_centre, self.weight) + self.hidden_bias

    def visible_natural(self, h: Tensor) -> Tensor:
        """Return natural parameters of the visible units, without gradients: (n, n_hidden) -> (n, k
        n_visible)."""
        self._check(h, self.n_hidden, "hidden")
        with torch.no_grad():
            offset = self.visible.offset(self.visible_bias, self.weight)
            return product(h - self.hidden_centre, self.weight.t()).add_(offset)

    @torch.no_grad()
    def mean_hidden(self, v: Tensor) -> Tensor:
        """Return means of the hidden units: (n, n_visible) -> (n, n_hidden), in [0, 1]."""
        return self.hidden.mean(self.hidden_input(v))

    @torch.no_grad()
    def mean_visible(self, h: Tensor) -> Tensor:
        """Return means of the visible units: (n, n_hidden) -> (n, n_visible), in [0, 1]."""
        return self.visible.mean(self.visible_natural(h))

    @torch.no_grad()
    def sample_hidden(self, v: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
        """Draw the hidden units: (n, n_visible) -> (n, n_hidden).

        The number of workers (threads) changes no draw.
        """
        return self.hidden.sample(self.hidden_input(v), generator=generator, workers=workers)

    @torch.no_grad()
    def sample_visible(self, h: Tensor, *, generator: torch.Generator, workers: int = 1) -> Tensor:
        """Draw the visible units: (n, n_hidden) -> (n, n_visible); workers (threads) change no
        draw."""
        return self.visible.sample(self.visible_natural(h), generator=generator, workers=workers)

    def step(self, state: State, *, generator: torch.Generator, workers: int = 1) -> State:
        """Draw the hidden, then the visible units: one step of a Gibbs chain."""
        h = self.sample_hidden(state.visible, generator=generator, workers=workers)
        return State(self.sample_visible(h, generator=generator, workers=workers))

    # --- the energy -------------------------------------------------------------------------------

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """Return E(v, h) with gradients to the parameters: (n, n_visible), (n, n_hidden) -> (n,),
        in nats."""
        self._check(h, self.n_hidden, "hidden")
        pulled = ((h - self.hidden_centre) * self.hidden_input(v)).sum(1)
        return self._visible_energy(v) - pulled

    def free_energy(self, v: Tensor) -> Tensor:
        """Return F(v) with gradients to the parameters: (n, n_visible) -> (n,), in nats.

        log p(v) = -F(v) - log Z where `has_energy`. For units by moments and clipped ones
        contrastive divergence descends F, but their conditionals are not those of its energy.
        """
        return self.free_energy_of(v, self.hidden_input(v))

    def free_energy_of(self, v: Tensor, hidden_input: Tensor) -> Tensor:
        """Return F(v) for a known x(v)."""
        summed_out = hidden_input @ self.hidden_centre - F.softplus(hidden_input).sum(1)
        return self._visible_energy(v) + summed_out

    def _visible_energy(self, v: Tensor) -> Tensor:
        """Return e(v) - o.t(v), the part without hidden units."""
        energy = -(self.visible.statistics(v) @ self.visible.offset(self.visible_bias, self.weight))
        return energy if self.visible.base_energy is None else energy + self.visible.base_energy(v)

    # --- start ------------------------------------------------------------------------------------

    @torch.no_grad()
    def initialise(self, v: Tensor, *, generator: torch.Generator, std: float = 0.01, centring: bool = True) -> None:
        """Draw the weights, and set biases and centres by data.

        Parameters
        ----------
        v : (n, n_visible), training rows: the visible biases reproduce their marginals.
        generator : draws the weights from N(0, std^2).
        centring : centres at the statistics' mean and, where the visible units allow it, one half;
            else zero.
        """
        self.check_visible(v)
        self.weight.normal_(0, std, generator=generator)
        self.visible_bias.copy_(self.visible.bias(self.visible.fit(v), self.weight))
        self.hidden_bias.zero_()
        self.visible_centre.copy_(self.visible.statistics(v).mean(0) if centring else torch.tensor(0.0))
        self.hidden_centre.fill_(0.5 if centring and self.visible.centred else 0.0)

    def check_visible(self, v: Tensor) -> None:
        """Raise InputError where rows are not (n, n_visible)."""
        self._check(v, self.n_visible, "visible")

    def _check(self, rows: Tensor, width: int, layer: str) -> None:
        if rows.dim() != 2 or rows.shape[1] != width:
            raise InputError(f"{layer} rows must be (n, {width}), got {tuple(rows.shape)}")


def build(architecture: Mapping[str, Any]) -> RBM:
    """Build the RBM of an architecture, its weights zero.

    Raises
    ------
    InputError
        When the architecture is for another kind of model, or lacks a value.
    """
    if architecture.get("model") != "rbm":
        raise InputError(f"the weights are of a model {architecture.get('model')!r}, need 'rbm'")
    kinds = {"n_visible": int, "n_hidden": int, "visible": str, "hidden": str, "sigma": int | float}
    for name, kind in kinds.items():
        if name not in architecture:
            raise InputError(f"the architecture of the RBM lacks {name!r}")
        if not isinstance(architecture[name], kind) or isinstance(architecture[name], bool):
            raise InputError(f"the architecture's {name!r} is {reprlib.repr(architecture[name])}")
    values = {name: architecture[name] for name in kinds}
    return RBM(values.pop("n_visible"), values.pop("n_hidden"), **values)


def load(state: Mapping[str, Tensor], architecture: Mapping[str, Any]) -> RBM:
    """Return a trained RBM on the CPU: `load(*read_weights(path))`.

    Raises
    ------
    InputError
        When the weights are not those of the architecture.
    """
    held = sum(tensor.numel() for tensor in state.values())
    sizes = [size for name in ("n_visible", "n_hidden") if isinstance(size := architecture.get(name), int)]
    if math.prod(sizes) > max(held, FREE_WEIGHTS):
        raise InputError(f"an RBM of {sizes} units has more weights than the {held} given")
    rbm = build(architecture)
    fill(rbm, state)
    return rbm.eval()


@torch.no_grad()
def reconstruction_error(rbm: RBM, v: Tensor) -> Tensor:
    """Return the mean squared error of the means, v -> h -> v, of each row: (n, n_visible) -> (n,);
    for every unit."""
    return torch.cat(
        [(rbm.mean_visible(rbm.mean_hidden(rows)) - rows).square().mean(1) for rows in v.split(EVALUATION_ROWS)]
    )

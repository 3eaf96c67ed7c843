"""Draw the first weights of networks from a given generator, not from torch's global one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from relatent.errors import InputError

AnyModule = TypeVar("AnyModule", bound=nn.Module)

EMBEDDING_STD = 0.1  # of the first word embeddings


def initialise(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw the weights of every linear layer and of every recurrent layer (`nn.LSTM`, `nn.GRU`).

    Linear: weights and biases from U(-1/sqrt(inputs), 1/sqrt(inputs)), torch's default. Recurrent:
    see `initialise_recurrent`.

    Examples
    --------
    >>> layer = nn.Linear(4, 2)
    >>> initialise(layer, generator=torch.Generator().manual_seed(0))
    >>> bool(layer.weight.abs().max() <= 0.5)
    True
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            _draw_uniform(layer, 1 / math.sqrt(layer.in_features), generator)
        elif isinstance(layer, nn.LSTM | nn.GRU):
            initialise_recurrent(layer, generator=generator)


def initialise_recurrent(layer: nn.LSTM | nn.GRU, *, generator: torch.Generator) -> None:
    """Draw a recurrent layer's weights so that its first hidden values carry the first inputs to
    the end.

    Input weights from U(-sqrt(6/inputs), sqrt(6/inputs)) (He et al. 2015), recurrent weights
    orthogonal per gate (Saxe et al. 2014). Biases are 0, except 1 at the gate that keeps the state:
    the LSTM's forget gate (Jozefowicz et al. 2015), the GRU's update gate. With torch's default, a
    VAE that reads images row by row stays at the ELBO of independent pixels for its first epochs.
    """
    units = layer.hidden_size
    for name, parameter in layer.named_parameters():
        if name.startswith("weight_ih"):
            bound = math.sqrt(6 / layer.input_size)
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        elif name.startswith("weight_hh"):
            for gate in parameter.split(units):
                nn.init.orthogonal_(gate, generator=generator)
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_hh"):
                # torch's order: input, forget, ...; reset, update, ...
                nn.init.ones_(parameter[units : 2 * units])


def initialise_cells(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw the weights of every recurrent cell (`nn.LSTMCell`, `nn.GRUCell`) and of every
    embedding.

    Cells: U(-1/sqrt(units), 1/sqrt(units)), torch's default. Embeddings: N(0, `EMBEDDING_STD`^2).
    """
    for layer in module.modules():
        if isinstance(layer, nn.GRUCell | nn.LSTMCell):
            _draw_uniform(layer, 1 / math.sqrt(layer.hidden_size), generator)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, std=EMBEDDING_STD, generator=generator)


def restored(model: AnyModule, state: Mapping[str, Tensor]) -> AnyModule:
    """Load trained weights into a model; return it in eval mode."""
    model.load_state_dict(state)
    return model.eval()


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy weights into a module; InputError names the first that does not fit."""
    for name, own in module.state_dict().items():
        if name not in state:
            raise InputError(f"the weights lack {name!r}: they are of another architecture")
        if state[name].shape != own.shape:
            given, wanted = tuple(state[name].shape), tuple(own.shape)
            raise InputError(f"the weights' {name!r} is {given}, the architecture needs {wanted}")
    module.load_state_dict(dict(state), strict=False)


def _draw_uniform(layer: nn.Module, bound: float, generator: torch.Generator) -> None:
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)

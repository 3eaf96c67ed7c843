"""Matrix products by oneDNN, in float32 on a CPU, and torch's own (MKL's) everywhere else.

On processors with AVX-512 that are not Intel's, oneDNN is twice as fast as MKL: (100, 784) @ (784,
500) took 313 us and 690 us on one thread of an EPYC. Torch brings oneDNN for convolutions, and its
compiler calls the two private operators used here; a torch without them loses nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_OPS = torch.ops.mkldnn
_FOUND = torch.backends.mkldnn.is_available() and all(
    hasattr(_OPS, name) for name in ("_linear_pointwise", "_reorder_linear_weight")
)
WORTH_PACKING = 16  # products by the same weights, from which laying them out again pays
SMALLEST = 2**15  # entries of the weights; below it oneDNN's start costs more than its speed gains


def usable(tensor: Tensor) -> bool:
    """Say whether oneDNN multiplies this tensor here."""
    return _FOUND and tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.numel() > 0


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a (m, k) @ b (k, n) of any size; records no gradient.

    Examples
    --------
    >>> product(torch.eye(2), torch.tensor([[1.0], [2.0]]))
    tensor([[1.],
            [2.]])
    """
    return _linear(a, b.t()) if usable(a) else a @ b


def product_with_gradients(a: Tensor, b: Tensor) -> Tensor:
    """Return a (m, k) @ b (k, n), with gradients to both."""
    return _Product.apply(a, b)


def large_product(a: Tensor, b: Tensor) -> Tensor:
    """Return a (m, k) @ b (k, n), by oneDNN only where the size pays for it; records no
    gradient."""
    if not usable(a) or a.shape[0] * b.numel() < SMALLEST * 16:
        return a @ b
    return _linear(a, b.contiguous().t())  # oneDNN multiplies rows with gaps a hundred times slower


def product_by(weights: Tensor, *, rows: int, times: int) -> Callable[[Tensor], Tensor]:
    """Return the function x (rows, k) -> x @ weights; it records no gradient.

    Parameters
    ----------
    weights : float (k, n), which must stay the same while the function is in use.
    rows : int, rows of every x.
    times : int, calls to expect; from `WORTH_PACKING` on the weights are laid out again for oneDNN.

    Examples
    --------
    >>> product_by(torch.eye(2), rows=1, times=1)(torch.tensor([[1.0, 2.0]]))
    tensor([[1., 2.]])
    """
    if not usable(weights) or weights.numel() < SMALLEST:
        return lambda x: x @ weights
    transposed = weights.t()
    if times >= WORTH_PACKING:
        transposed = _OPS._reorder_linear_weight(transposed.contiguous(), rows)
    return lambda x: _linear(x, transposed)


def _linear(x: Tensor, transposed: Tensor) -> Tensor:
    return _OPS._linear_pointwise.default(x, transposed, None, "none", [], "")


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return product(a, b)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        to_a, to_b = ctx.needs_input_grad
        return product(gradient, b.t()) if to_a else None, product(a.t(), gradient) if to_b else None

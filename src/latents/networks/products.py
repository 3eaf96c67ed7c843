"""Matrix products by oneDNN, in float32 on a CPU, and torch's own (MKL's) everywhere else.

On processors with AVX-512 that are not Intel's, oneDNN's are twice as fast as MKL's. Torch brings oneDNN for
convolutions, and its compiler calls the two inner functions used here; a torch without them loses nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_OPS = torch.ops.mkldnn
_FOUND = torch.backends.mkldnn.is_available() and all(
    hasattr(_OPS, name) for name in ("_linear_pointwise", "_reorder_linear_weight")
)
WORTH_PACKING = 16  # products by the same weights, from which laying them out anew pays
SMALLEST = 2**15  # entries of the weights; below it oneDNN's start costs more than its speed gains


def usable(tensor: Tensor) -> bool:
    """Is this something that oneDNN multiplies here?"""
    return _FOUND and tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.numel() > 0


def product_by(weights: Tensor, *, rows: int, times: int) -> Callable[[Tensor], Tensor]:
    """The function x (rows, k) -> x @ weights, for weights (k, n) that stay the same for so many `times`.

    Call it where no gradient is recorded.

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


def product(a: Tensor, b: Tensor) -> Tensor:
    """a (m, k) @ b (k, n), where no gradient is recorded.

    Examples
    --------
    >>> product(torch.eye(2), torch.tensor([[1.0], [2.0]]))
    tensor([[1.],
            [2.]])
    """
    if not usable(a) or a.shape[0] * b.numel() < SMALLEST * 16:
        return a @ b
    return _linear(a, b.contiguous().t())  # rows with gaps it would multiply a hundred times slower


def _linear(x: Tensor, transposed: Tensor) -> Tensor:
    return _OPS._linear_pointwise.default(x, transposed, None, "none", [], "")

"""The matrix product on a CUDA device, through torch; ranking stays on the CPU.

Full rankings use float64 products. Cutoffs alone use float32 products, and float64 scores on the
CPU rank the items that these cannot tell apart: in both cases the metrics are those of
`device="cpu"`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from relatent.errors import InputError

Floats = NDArray[Any]


def product_on(matrix: Floats, device: str) -> Callable[[Floats, Floats], Any]:
    """Return a function (rows, out) that fills out with rows @ matrix.T on `device`.

    Parameters
    ----------
    matrix : float array of shape (n_database, d), sent to the device once
    device : {"cuda", "torch-cpu"}
        "torch-cpu" runs the same code without a GPU.

    Raises
    ------
    InputError
        If torch is missing, or has no CUDA device.
    """
    try:
        import torch
    except ImportError:
        raise InputError(f"device={device!r} needs torch, which is not installed") from None
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device='cuda' was asked for, torch finds no CUDA device")
    place = torch.device("cuda" if device == "cuda" else "cpu")
    items = torch.from_numpy(matrix).to(place).T

    def multiply(rows: Floats, out: Floats) -> None:
        # full float32: TF32 keeps 10 bits, far outside the error that the kernels allow for
        if place.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = False
        torch.from_numpy(out).copy_(torch.from_numpy(rows).to(place) @ items)

    return multiply

"""Products by oneDNN: what torch's own give, whatever the layout in memory, and torch's own where oneDNN cannot."""

import pytest
import torch

from latents.networks import products as onednn

SHAPES = [(20, 28, 384), (100, 128, 512), (3, 200, 200), (1, 5, 7), (400, 3200, 60)]


def drawn(*shape: int, layout: str) -> torch.Tensor:
    """Normal numbers; transposed, or every row with a gap after it."""
    generator = torch.Generator().manual_seed(sum(shape))
    if layout == "transposed":
        return torch.randn(shape[::-1], generator=generator).t()
    return torch.randn(shape[0], shape[1] + (layout == "gaps"), generator=generator)[:, : shape[1]]


@pytest.mark.parametrize("layout", ["plain", "transposed", "gaps"])
@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_those_of_double_precision(shape, layout):
    rows, inner, columns = shape
    a, b = drawn(rows, inner, layout=layout), drawn(inner, columns, layout=layout)
    whole = (a.double() @ b.double()).float()
    with torch.no_grad():
        torch.testing.assert_close(onednn.product(a, b), whole, rtol=1e-4, atol=1e-3)
        for times in (1, onednn.WORTH_PACKING):
            torch.testing.assert_close(onednn.product_by(b, rows=rows, times=times)(a), whole, rtol=1e-4, atol=1e-3)


def test_without_onednn_torchs_own_products_are_taken(monkeypatch):
    monkeypatch.setattr(onednn, "_FOUND", False)
    monkeypatch.setattr(onednn, "_linear", None)  # whoever calls it fails
    a, b = drawn(100, 128, layout="plain"), drawn(128, 512, layout="plain")
    assert torch.equal(onednn.product(a, b), a @ b)
    assert torch.equal(onednn.product_by(b, rows=100, times=32)(a), a @ b)
    assert not onednn.usable(a)


def test_doubles_are_multiplied_in_double_precision():
    a, b = drawn(100, 128, layout="plain").double(), drawn(128, 512, layout="plain").double()
    assert torch.equal(onednn.product(a, b), a @ b)
    assert torch.equal(onednn.product_by(b, rows=100, times=32)(a), a @ b)

"""Products by oneDNN: what torch's own give, whatever the layout in memory, and torch's own where
oneDNN cannot."""

import subprocess
import sys

import pytest
import torch

from relatent.networks import products as onednn

WITHOUT_THE_OPERATOR = """
import types
import numpy as np
import torch

torch.ops.__dict__["mkldnn"] = types.SimpleNamespace()  # a torch without the private operators
from relatent.networks import products
from relatent.rbm.model import RBM
from relatent.rbm import training as rbm_training
from relatent.vae import train as vae_training

assert not products._FOUND
images = np.random.default_rng(0).integers(0, 2, (40, 784), np.uint8)
rows, generator = torch.from_numpy(images).float(), torch.Generator().manual_seed(0)
rbm = RBM(784, 50)
rbm.initialise(rows, generator=generator)
options = rbm_training.Options(epochs=1)
_, fitted = rbm_training.train(rbm, lambda chosen, _: rows[chosen], options, n_train=40, generator=generator)
print(fitted.history[0]["train_free_energy"])
sizes = {"latent_dim": 2, "encoder_widths": (50,), "decoder_widths": (50,)}
options = vae_training.Options(encoder="mlp", epochs=1, batch_size=20, learning_rate=1e-3, **sizes)
_, _, fitted = vae_training.train(255 * images, images, options, binarisation="threshold", seed=0)
print(fitted.history[0]["train_kl"])
"""
SHAPES = [(20, 28, 384), (100, 128, 512), (3, 200, 200), (1, 5, 7), (400, 3200, 60)]


def drawn(*shape: int, layout: str) -> torch.Tensor:
    """Draw normal numbers; transposed, or every row with a gap after it."""
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
        torch.testing.assert_close(onednn.large_product(a, b), whole, rtol=1e-4, atol=1e-3)
        for times in (1, onednn.WORTH_PACKING):
            torch.testing.assert_close(onednn.product_by(b, rows=rows, times=times)(a), whole, rtol=1e-4, atol=1e-3)


def test_without_onednn_torchs_own_products_are_taken(monkeypatch):
    monkeypatch.setattr(onednn, "_FOUND", False)
    monkeypatch.setattr(onednn, "_linear", None)  # whoever calls it fails
    a, b = drawn(100, 128, layout="plain"), drawn(128, 512, layout="plain")
    assert torch.equal(onednn.product(a, b), a @ b)
    assert torch.equal(onednn.large_product(a, b), a @ b)
    assert torch.equal(onednn.product_by(b, rows=100, times=32)(a), a @ b)
    assert not onednn.usable(a)


def test_doubles_are_multiplied_in_double_precision():
    a, b = drawn(100, 128, layout="plain").double(), drawn(128, 512, layout="plain").double()
    assert torch.equal(onednn.product(a, b), a @ b)
    assert torch.equal(onednn.large_product(a, b), a @ b)
    assert torch.equal(onednn.product_by(b, rows=100, times=32)(a), a @ b)


def test_without_the_private_operator_an_rbm_and_a_vae_train():
    done = subprocess.run([sys.executable, "-c", WITHOUT_THE_OPERATOR], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(torch.tensor(float(line)).isfinite() for line in done.stdout.split())
    assert len(done.stdout.split()) == 2


def test_gradients_of_a_product_agree_with_torchs():
    x, weight = (
        torch.randn(9, 6, generator=torch.Generator().manual_seed(0)),
        torch.randn(6, 4, generator=torch.Generator().manual_seed(1)),
    )
    grads = []
    for multiply in (onednn.product_with_gradients, torch.matmul):
        a, b = x.clone().requires_grad_(), weight.clone().requires_grad_()
        multiply(a, b).sin().sum().backward()
        grads.append((a.grad, b.grad))
    torch.testing.assert_close(grads[0], grads[1])

"""Compare seconds per epoch of our epoch loop with a plain PyTorch loop of the same VAE.

    python benchmarks/vae.py [--epochs 6] [--rows 60000] [--threads 1]

The plain loop is what one would write by hand: one `nn.Sequential` each for encoder and decoder,
fused Adam, OneCycleLR, one permutation per epoch, `torch.bernoulli`, and the same validation. Our
loop also checks every loss, keeps its parts, reports, and writes a checkpoint per epoch. Epochs of
the two alternate, so that both see the same load; the ratio is that of the medians. Pixels are
random, with MNIST's shape and share of ink.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from relatent.digits.binarise import reader
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.training import fit, set_threads
from relatent.vae.model import architecture, build

BATCH, LATENT_DIM, WIDTH = 100, 2, 500


def digits(rows: int) -> Tensor:
    """Draw random uint8 (rows, 784), about a fifth ink, as in MNIST."""
    generator = torch.Generator().manual_seed(0)
    grey = torch.randint(1, 256, (rows, 784), generator=generator, dtype=torch.uint8)
    return grey * (torch.rand(rows, 784, generator=generator) < 0.19)


def sequential(*widths: int) -> nn.Sequential:
    layers = [layer for a, b in itertools.pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def plain_loop(images: Tensor, epochs: int) -> Iterator[float]:
    """Run the loop by hand; yield the seconds of each epoch."""
    torch.manual_seed(0)
    encoder = sequential(784, WIDTH, WIDTH, 2 * LATENT_DIM)
    decoder = sequential(LATENT_DIM, WIDTH, WIDTH, 784)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True)
    train, validation = images[: len(images) * 11 // 12], images[len(images) * 11 // 12 :]
    steps = -(-len(train) // BATCH)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=epochs * steps)

    def loss_of(grey: Tensor) -> Tensor:
        x = torch.bernoulli(grey.float() / 255)
        mu, logvar = encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        reconstruction = nn.functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum()
        return (reconstruction + kl) / len(x)

    for _ in range(epochs):
        began = time.perf_counter()
        for rows in torch.randperm(len(train)).split(BATCH):
            loss = loss_of(train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        with torch.no_grad():
            sum(loss_of(grey).item() for grey in validation.split(BATCH))
        yield time.perf_counter() - began


def our_loop(images: Tensor, epochs: int, folder: Path) -> Iterator[float]:
    """Run the library's loop; yield the seconds of each epoch.

    Each call runs one epoch and resumes from the checkpoint.
    """
    sizes = architecture(n_visible=784, latent_dim=LATENT_DIM, encoder_widths=(WIDTH,) * 2, decoder_widths=(WIDTH,) * 2)
    train = len(images) * 11 // 12
    read = reader(images, how="dynamic", generator=torch.Generator())
    for epoch in range(1, epochs + 1):
        model = build(sizes, generator=torch.Generator().manual_seed(0))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        began = time.perf_counter()
        fit(
            model,
            optimizer,
            lambda rows, draws, model=model: model.elbo_parts(read(rows, draws), generator=draws),
            train_rows=torch.arange(train),
            validation_rows=torch.arange(train, len(images)),
            recipe=Recipe(epochs=epoch, batch_size=BATCH, schedule=one_cycle(total_steps=epochs * -(-train // BATCH))),
            generator=torch.Generator().manual_seed(1),
            journal=Journal(folder / "checkpoint.safetensors"),
        )
        yield time.perf_counter() - began  # includes reading and writing the checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6, help="epochs of each loop (default 6)")
    parser.add_argument("--rows", type=int, default=60_000, help="digits, a twelfth for validation")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    options = parser.parse_args()
    set_threads(options.threads)
    images = digits(options.rows)
    with tempfile.TemporaryDirectory() as folder:
        ours = our_loop(images, options.epochs, Path(folder))
        pairs = list(zip(plain_loop(images, options.epochs), ours, strict=True))  # they take turns
    plain, own = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    figures = {
        "plain_seconds": plain,
        "relatent_seconds": own,
        "ratio": own / plain,
        "threads": options.threads,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()

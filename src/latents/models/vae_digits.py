"""What the project does with a VAE of digits: train it, measure it, embed digits with it, generate digits from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latents.binarise import How, reader
from latents.likelihood import importance_weighted_bound, mean_interval, monte_carlo_elbo
from latents.models.vae import VAE, architecture, build, gaussian_kl
from latents.training import Fitted, fit, one_cycle

EMBED_ROWS = 10_000  # rows embedded at once
ELBO_SAMPLES = 10  # draws of z a digit: the error left is far below that of which digits there are


def train(
    images: np.ndarray,
    validation: np.ndarray,
    *,
    binarisation: How,
    encoder: str,
    latent_dim: int,
    encoder_widths: Sequence[int],
    decoder_widths: Sequence[int],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> tuple[VAE, dict[str, Any], Fitted]:
    """Train a VAE with Adam and a one-cycle rate.

    Parameters
    ----------
    images : uint8 (n, 784), grey training digits, binarised as `binarisation` says.
    validation : uint8 (m, 784), in {0, 1}: validation digits under their fixed draw.
    encoder, latent_dim, encoder_widths, decoder_widths : see `latents.models.vae.architecture`.
    learning_rate : the peak of the one-cycle schedule.
    seed : weights, order and draws have a stream each, spawned from it.
    checkpoint : written each epoch and resumed from; its name says what it belongs to.

    Returns
    -------
    model, architecture, history
        The model in eval mode, what `build` needs to build it again, and its history in nats a digit.
    """
    weights, draws, fixed = spawn(seed, 3, device)
    shape = architecture(
        n_visible=images.shape[1],
        latent_dim=latent_dim,
        encoder=encoder,
        encoder_widths=encoder_widths,
        decoder_widths=decoder_widths,
    )
    model = build(shape, generator=weights)
    grey, binary = torch.from_numpy(images).to(device), torch.from_numpy(validation).to(device)
    read = reader(grey, how=binarisation, generator=fixed)

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        x = read(rows, generator) if model.training else to_unit(binary[rows], binarisation)  # (batch, 784)
        return model.elbo_parts(x, generator=generator)

    fitted = fit(
        model,
        torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True),
        loss_parts,
        train_rows=torch.arange(len(grey)),
        validation_rows=torch.arange(len(binary)),
        epochs=epochs,
        batch_size=batch_size,
        generator=draws,
        schedule=one_cycle(total_steps=epochs * -(-len(grey) // batch_size)),
        checkpoint=checkpoint,
        digest=checkpoint.stem if checkpoint else "",
        name=f"{encoder} {latent_dim}-D seed {seed}",
    )
    return model.eval(), shape, fitted


def spawn(seed: int, count: int, device: str = "cpu") -> list[torch.Generator]:
    """Independent generators on a device, all from one seed."""
    # 32 bits: torch's CPU generator uses no more of a seed
    words = [child.generate_state(1)[0] for child in np.random.SeedSequence(seed).spawn(count)]
    return [torch.Generator(device).manual_seed(int(word)) for word in words]


def to_unit(stored: Tensor, binarisation: How) -> Tensor:
    """A stored fixed draw as floats in [0, 1]: it is 0 or 1 already, but for "none", which keeps 0..255."""
    return stored.float() / (255 if binarisation == "none" else 1)


def load(state: Mapping[str, Tensor], shape: dict[str, Any]) -> VAE:
    """A trained VAE on the CPU, in eval mode, from its weights and its architecture."""
    model = build(shape, generator=torch.Generator())
    model.load_state_dict(state)
    return model.eval()


def measure(
    model: VAE, digits: np.ndarray, *, binarisation: How, samples: int, seed: int, workers: int
) -> dict[str, Any]:
    """Test ELBO with its parts, and the importance-weighted bound, each with a 95 % interval over digits.

    Parameters
    ----------
    digits : uint8 (n, 784), the test digits under their fixed draw.
    samples : draws of z a digit for the bound.
    workers : threads over blocks of digits; no result depends on them.

    Returns
    -------
    dict
        In nats a digit: `elbo`, `bound`, `reconstruction`, `kl`, and `<name>_low`, `<name>_high` for the first two.
    """
    (draws,) = spawn(seed, 1)
    x = to_unit(torch.from_numpy(digits), binarisation)
    estimates = [
        mean_interval(estimate(model, x, samples=count, generator=draws, workers=workers))
        for estimate, count in ((monte_carlo_elbo, ELBO_SAMPLES), (importance_weighted_bound, samples))
    ]
    elbo, bound = estimates
    with torch.inference_mode():
        mu, logvar = model.encode(x)
        kl = float(gaussian_kl(mu=mu, logvar=logvar).sum(-1).double().mean())
    return {
        "binarise": binarisation,
        "elbo": elbo.mean,
        "elbo_low": elbo.low,
        "elbo_high": elbo.high,
        "reconstruction": -elbo.mean - kl,
        "kl": kl,
        "bound": bound.mean,
        "bound_low": bound.low,
        "bound_high": bound.high,
        "bound_samples": samples,
        "n_digits": len(digits),
    }


def embed(model: VAE, images: np.ndarray) -> np.ndarray:
    """Posterior means of grey digits, uint8 (n, 784) -> float32 (n, latent_dim); the pixels enter as intensities."""
    blocks = torch.from_numpy(images).split(EMBED_ROWS)
    with torch.inference_mode():
        return torch.cat([model.encode(block.float() / 255)[0] for block in blocks]).numpy()


def manifold(model: VAE, side: int) -> np.ndarray:
    """Digits decoded on a grid over the first two latent dimensions, the others at zero.

    Parameters
    ----------
    side : cells along each axis, at the prior's quantiles 0.5/side, 1.5/side, ..., as in Kingma & Welling 2014,
        Fig. 4: each cell holds the same prior mass.

    Returns
    -------
    float32 (side, side, 784)
        Means of p(x | z) in [0, 1]; the first axis runs down the second latent dimension from its top.
    """
    steps = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side).float()
    z = torch.zeros(side, side, model.latent_dim)
    z[..., 0] = steps
    if model.latent_dim > 1:
        z[..., 1] = steps.flip(0)[:, None]
    with torch.inference_mode():
        return torch.sigmoid(model.decode(z)).numpy()


def generate(model: VAE, count: int, seed: int) -> np.ndarray:
    """Means of p(x | z) for draws of z from the prior: float32 (count, 784) in [0, 1]."""
    (generator,) = spawn(seed, 1)
    return model.sample(count, generator=generator).numpy()

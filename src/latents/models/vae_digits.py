"""What the project does with a VAE of digits: train it, measure it, embed digits with it, generate digits from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latents.binarise import How, reader
from latents.errors import InputError
from latents.likelihood import (
    BLOCK_ROWS,
    TILE_SAMPLES,
    importance_weighted_bound,
    mean_interval,
    monte_carlo_elbo,
)
from latents.models.vae import VAE, architecture, bound_only, build, gaussian_kl, kl_warm_up
from latents.probes import Probe
from latents.training import Fitted, Objective, fit, one_cycle, summed

BETAS = (0.9, 0.99)  # of Adam; 0.99 for its usual 0.999 gains about a nat in 12 epochs, by validation
EMBED_ROWS = 10_000  # rows embedded at once
ACTIVE = 0.01  # variance of a posterior mean above which a latent dimension is in use; Burda et al. 2016
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
    warm_up_epochs: int = 0,
    free_bits: float = 0.0,
    draws: int = 1,
    patience: int = 0,
    initial: Mapping[str, Tensor] | None = None,
    device: str = "cpu",
    checkpoint: Path | None = None,
    probe: Probe | None = None,
) -> tuple[VAE, dict[str, Any], Fitted]:
    """Train a VAE with Adam and a one-cycle rate.

    Parameters
    ----------
    images : uint8 (n, 784), grey training digits, binarised as `binarisation` says.
    validation : uint8 (m, 784), in {0, 1}: validation digits under their fixed draw.
    encoder, latent_dim, encoder_widths, decoder_widths : see `latents.models.vae.architecture`.
    learning_rate : the peak of the one-cycle schedule.
    seed : weights, order and draws have a stream each, spawned from it.
    warm_up_epochs : over which the weight of the KL rises from 0 to 1; 0: it is 1 throughout.
    free_bits : nats that each latent dimension may use before its KL counts, see `VAE.elbo_parts`.
    draws : of z a digit; above 1 the objective is the importance-weighted bound, see `VAE.bound_parts`.
    patience : of early stopping on the validation ELBO, see `latents.training.fit`; 0: none.
    initial : weights of a model of the same architecture to start from; None: drawn from the seed.
    checkpoint : written each epoch and resumed from; its name says what it belongs to.
    probe : of the training, see `latents.probes`.

    Returns
    -------
    model, architecture, history
        The model in eval mode, what `build` needs to build it again, and its history in nats a digit.

    Raises
    ------
    InputError
        When the bound is asked together with what needs the KL apart, or the initial weights do not fit.
    """
    if draws > 1 and (warm_up_epochs or free_bits or patience):
        raise InputError("the importance-weighted bound has no KL apart to weigh, nor an ELBO to stop on: draws 1")
    weights, stream, fixed = spawn(seed, 3, device)
    shape = architecture(
        n_visible=images.shape[1],
        latent_dim=latent_dim,
        encoder=encoder,
        encoder_widths=encoder_widths,
        decoder_widths=decoder_widths,
    )
    model = build(shape, generator=weights)
    if initial is not None:
        start_from(model, initial)
    grey, binary = torch.from_numpy(images).to(device), torch.from_numpy(validation).to(device)
    read = reader(grey, how=binarisation, generator=fixed)

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        x = read(rows, generator) if model.training else to_unit(binary[rows], binarisation)  # (batch, 784)
        if draws > 1 and model.training:
            return model.bound_parts(x, draws=draws, generator=generator)
        return model.elbo_parts(x, generator=generator, free_bits=free_bits if model.training else 0.0)

    steps = -(-len(grey) // batch_size)  # an epoch
    fitted = fit(
        model,
        torch.optim.Adam(model.parameters(), lr=learning_rate, betas=BETAS, fused=True),
        loss_parts,
        train_rows=torch.arange(len(grey)),
        validation_rows=torch.arange(len(binary)),
        epochs=epochs,
        batch_size=batch_size,
        generator=stream,
        objective=chosen_objective(draws=draws, warm_up_steps=warm_up_epochs * steps),
        schedule=one_cycle(total_steps=epochs * steps),
        patience=patience,
        checkpoint=checkpoint,
        probe=probe,
        digest=checkpoint.stem if checkpoint else "",
        name=f"{encoder} {latent_dim}-D seed {seed}",
    )
    return model.eval(), shape, fitted


def chosen_objective(*, draws: int, warm_up_steps: int) -> Objective:
    """What to minimise: the bound alone, the ELBO's parts with a rising weight of the KL, or their plain sum."""
    if draws > 1:
        return bound_only
    return kl_warm_up(warm_up_steps) if warm_up_steps else summed


def start_from(model: VAE, initial: Mapping[str, Tensor]) -> None:
    """Put another model's weights into this one; InputError when they are not of the same names and shapes."""
    own, given = (
        {name: tuple(value.shape) for name, value in state.items()} for state in (model.state_dict(), initial)
    )
    if own != given:
        differing = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
        raise InputError(f"a warm start needs weights of the same architecture; {differing[0]} differs")
    model.load_state_dict(initial)


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
    model: VAE,
    digits: np.ndarray,
    *,
    binarisation: How,
    bound_digits: np.ndarray,
    samples: int,
    seed: int,
    workers: int,
    probe: Probe | None = None,
) -> dict[str, Any]:
    """Test ELBO with its parts, the importance-weighted bound on some of the digits, and the active units.

    Parameters
    ----------
    digits : uint8 (n, 784), the test digits under their fixed draw.
    bound_digits : int (m,), rows of those on which the bound is measured.
    samples : draws of z a digit for the bound.
    workers : threads over blocks of digits; no result depends on them.
    probe : gets the marks of the first block of digits, see `latents.probes`.

    Returns
    -------
    dict
        In nats a digit, each a mean with its 95 % interval over digits in `<name>_low`, `<name>_high`: `elbo` on all
        digits, `bound` on the chosen ones, with `bound_elbo` the ELBO on the same; `reconstruction`, `kl` on all.
        `active_units` counts the latent dimensions that the data move, see `active_units`.
    """
    (draws,) = spawn(seed, 1)
    x = to_unit(torch.from_numpy(digits), binarisation)
    if probe:
        _mark(probe, model, x[bound_digits[:BLOCK_ROWS]], samples=samples, seed=seed)
    options: dict[str, Any] = {"generator": draws, "workers": workers}
    elbos = monte_carlo_elbo(model, x, samples=ELBO_SAMPLES, **options)
    bounds = importance_weighted_bound(model, x[bound_digits], samples=samples, **options)
    measured: dict[str, Any] = {}
    for name, values in {"elbo": elbos, "bound": bounds, "bound_elbo": elbos[bound_digits]}.items():
        interval = mean_interval(values)
        measured |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
    with torch.inference_mode():
        mu, logvar = model.encode(x)
        kl = float(gaussian_kl(mu=mu, logvar=logvar).sum(-1).double().mean())
    return measured | {
        "reconstruction": -measured["elbo"] - kl,
        "kl": kl,
        "active_units": active_units(mu),
        "latent_dim": model.latent_dim,
        "binarise": binarisation,
        "bound_samples": samples,
        "bound_digits": len(bound_digits),
        "n_digits": len(digits),
    }


def _mark(probe: Probe, model: VAE, x: Tensor, *, samples: int, seed: int) -> None:
    """Mark both bounds and the encoder on one block of digits (n, 784), with at most one tile of draws a digit."""
    (draws,) = spawn(seed, 1)
    probe.mark("elbo", monte_carlo_elbo(model, x, samples=ELBO_SAMPLES, generator=draws))
    few = min(samples, TILE_SAMPLES)
    probe.mark("bound", importance_weighted_bound(model, x, samples=few, generator=draws))
    with torch.inference_mode():
        probe.mark("encoded", model.encode(x))
    probe.end()


def some_rows(n: int, count: int, seed: int) -> np.ndarray:
    """At most `count` of n rows, drawn without replacement, in ascending order: the same for every model."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:count])


def active_units(mu: Tensor) -> int:
    """Latent dimensions whose posterior mean varies over the data by more than `ACTIVE`; the others have collapsed.

    Parameters
    ----------
    mu : float (n, latent_dim), posterior means.

    References
    ----------
    Burda, Grosse & Salakhutdinov 2016, section 5.2.

    Examples
    --------
    >>> active_units(torch.tensor([[1.0, 0.01], [-1.0, -0.01]]))
    1
    """
    return int((mu.double().var(0, correction=0) > ACTIVE).sum())


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

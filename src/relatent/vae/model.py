"""The variational autoencoder: p(z) = N(0, I), p(x | z) by a decoder, q(z | x) by an inference
network.

Kingma & Welling 2014. All losses are in nats and keep their parts apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from relatent.digits.binarise import How
from relatent.errors import InputError
from relatent.networks.initialisation import initialise, restored
from relatent.vae.encoders import CELLS, InferenceNetwork, RowReader, mlp

LogLikelihood = Callable[..., Tensor]


def gaussian_kl(*, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, exp(logvar)) || N(0, 1)) of each dimension, in nats; same shape as `mu`.

    Examples
    --------
    >>> gaussian_kl(mu=torch.tensor([0.0, 2.0]), logvar=torch.tensor([0.0, 0.0]))
    tensor([0., 2.])
    """
    # closed form: Kingma & Welling 2014, App. B
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def bernoulli_log_likelihood(*, x: Tensor, logits: Tensor) -> Tensor:
    """Return log p(x | logits) summed over the last axis, in nats.

    Parameters
    ----------
    x : float (..., n_visible), in [0, 1]; values between are allowed (then no longer a likelihood
        of x).
    logits : float (..., n_visible), log(p / (1 - p)); broadcast against x.

    Examples
    --------
    >>> bernoulli_log_likelihood(x=torch.tensor([1.0, 0.0]), logits=torch.zeros(3, 2)).exp()
    tensor([0.2500, 0.2500, 0.2500])
    """
    if x.dim() == 1:  # one row against many draws of z: a matrix-vector product
        return logits @ x - F.softplus(logits).sum(-1)
    if x.shape != logits.shape:  # each row against several draws of z
        x = x.expand_as(logits)
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def gaussian_log_ratio(*, z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return log N(z; 0, I) - log N(z; mu, exp(logvar)), summed over the last axis, in nats.

    Examples
    --------
    >>> gaussian_log_ratio(z=torch.tensor([1.0]), mu=torch.tensor([1.0]), logvar=torch.tensor([0.0]))
    tensor(-0.5000)
    """
    return 0.5 * ((z - mu).square() / logvar.exp() + logvar - z.square()).sum(-1)


class VAE(nn.Module):
    """An inference network, a decoder and the likelihood that reads the decoder's output.

    Parameters
    ----------
    encoder : x (batch, ...) -> mu, logvar, each (batch, latent_dim).
    decoder : z (..., latent_dim) -> natural parameters of p(x | z), (..., n_visible).
    latent_dim : dimensions of z.
    likelihood : (x=, logits=) -> log p(x | z), summed over the visible units.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        latent_dim: int,
        likelihood: LogLikelihood = bernoulli_log_likelihood,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = latent_dim
        self.likelihood = likelihood

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of q(z | x), each (batch, latent_dim)."""
        return self.encoder(x)

    def reparameterise(self, *, mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
        """Draw z ~ N(mu, exp(logvar)), (batch, latent_dim), with gradients to both."""
        noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
        return mu + torch.exp(0.5 * logvar) * noise

    def decode(self, z: Tensor) -> Tensor:
        """Return logits of the visible units, (..., n_visible)."""
        return self.decoder(z)

    def log_likelihood(self, *, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x | z) in nats, (batch,): x (batch, n_visible), or one row (n_visible,)
        against every z."""
        return self.likelihood(x=x, logits=self.decode(z))

    def elbo_parts(self, x: Tensor, *, generator: torch.Generator, free_bits: float = 0.0) -> dict[str, Tensor]:
        """Return the negative ELBO in its two parts, from one draw of z per row.

        Parameters
        ----------
        free_bits : nats that each latent dimension may use, on average over the batch, before its
            KL counts.

        Returns
        -------
        dict
            `reconstruction` (batch,): -log p(x | z); `kl` (batch,): KL(q(z | x) || p(z)); ELBO =
            -their sum. With free bits also `free_bits` (batch,), the same for each row: the
            difference of the KL to its floor. Minimise the sum of all three.

        References
        ----------
        Kingma, Salimans et al. 2016, App. C.8, for free bits.
        """
        mu, logvar = self.encode(x)
        z = self.reparameterise(mu=mu, logvar=logvar, generator=generator)
        kl = gaussian_kl(mu=mu, logvar=logvar)  # (batch, latent_dim)
        parts = {"reconstruction": -self.log_likelihood(x=x, z=z), "kl": kl.sum(-1)}
        if free_bits:
            parts["free_bits"] = (free_bits - kl.mean(0)).clamp(min=0).sum().expand(len(x))
        return parts

    def bound_parts(self, x: Tensor, *, draws: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the negative importance-weighted bound of each row, and the ELBO's two parts.

        The encoder's gradient is the doubly reparameterised estimator: in expectation that of the
        plain bound, with less noise.

        Parameters
        ----------
        draws : int, k, draws of z per row; with one the bound is the ELBO in expectation.

        Returns
        -------
        dict
            `bound` (batch,): -log (1/k) sum_s p(x, z_s) / q(z_s | x), to be minimised;
            `reconstruction`, `kl` (batch,), without gradients: as in `elbo_parts`, averaged over
            the draws.

        References
        ----------
        Burda, Grosse & Salakhutdinov 2016, eq. 8; Tucker et al. 2019, eq. 8, for the gradient.
        """
        mu, logvar = self.encode(x)
        shape = (draws, *mu.shape)
        z = self.reparameterise(mu=mu.expand(shape), logvar=logvar.expand(shape), generator=generator)
        given_z = self.log_likelihood(x=x, z=z)  # (draws, batch)
        # q's density with its parameters held: they are reached through z alone
        log_weights = given_z + gaussian_log_ratio(z=z, mu=mu.detach(), logvar=logvar.detach())
        weights = torch.softmax(log_weights.detach(), dim=0)  # (draws, batch)
        if z.requires_grad:
            z.register_hook(lambda gradient: gradient * weights[..., None])
        bound = torch.logsumexp(log_weights, dim=0) - math.log(draws)  # (batch,)
        kl = gaussian_kl(mu=mu, logvar=logvar).sum(-1)
        return {"bound": -bound, "reconstruction": -given_z.mean(0).detach(), "kl": kl.detach()}

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Return means of p(x | z) for n draws of z ~ p(z): (n, n_visible) in [0, 1]."""
        z = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        return torch.sigmoid(self.decode(z))


def architecture(
    *,
    n_visible: int,
    latent_dim: int,
    encoder: str = "mlp",
    encoder_widths: Sequence[int] = (500, 500),
    decoder_widths: Sequence[int] = (500, 500),
    row_width: int | None = None,
) -> dict[str, Any]:
    """Return the input of `build`, in JSON's types, to be kept beside the weights.

    Parameters
    ----------
    encoder : mlp, or a recurrent network that reads the rows of an image: lstm, gru, bigru.
    encoder_widths : units of each layer; of a recurrent network one layer, the units of each
        direction.
    row_width : pixels of a row, for recurrent encoders; None: the images are square.

    Examples
    --------
    >>> model = build(architecture(n_visible=784, latent_dim=2), generator=torch.Generator().manual_seed(0))
    >>> mu, logvar = model.encode(torch.zeros(5, 784))
    >>> mu.shape, model.decode(mu).shape
    (torch.Size([5, 2]), torch.Size([5, 784]))
    """
    return {
        "model": "vae",
        "n_visible": n_visible,
        "latent_dim": latent_dim,
        "encoder": encoder,
        "encoder_widths": list(encoder_widths),
        "decoder_widths": list(decoder_widths),
        "row_width": math.isqrt(n_visible) if row_width is None else row_width,
    }


def build(architecture: dict[str, Any], *, generator: torch.Generator) -> VAE:
    """Build the VAE of an architecture, its weights drawn from `generator`, on the generator's
    device.

    Raises
    ------
    InputError
        When the encoder is unknown, a size is below 1, or a recurrent encoder has several layers or
        rows that do not fill the image.
    """
    n_visible, latent_dim = architecture["n_visible"], architecture["latent_dim"]
    encoder_widths, decoder_widths = architecture["encoder_widths"], architecture["decoder_widths"]
    if min(n_visible, latent_dim, *encoder_widths, *decoder_widths) < 1:
        raise InputError(f"every size of a VAE must be at least 1, got {architecture}")
    with torch.device("meta"):  # no weights yet, so nothing is drawn from torch's global generator
        trunk, n_features = _trunk(architecture)
        encoder = InferenceNetwork(trunk, n_features=n_features, latent_dim=latent_dim)
        decoder = mlp((latent_dim, *decoder_widths))
        decoder.append(nn.Linear(decoder_widths[-1], n_visible))
    model = VAE(encoder, decoder, latent_dim=latent_dim).to_empty(device=generator.device)
    initialise(model, generator=generator)
    return model


def _trunk(architecture: dict[str, Any]) -> tuple[nn.Module, int]:
    """Return the encoder's trunk and the number of its features."""
    kind, widths = architecture["encoder"], architecture["encoder_widths"]
    if kind == "mlp":
        return mlp((architecture["n_visible"], *widths)), widths[-1]
    if kind not in CELLS:
        raise InputError(f"encoder must be one of mlp, {', '.join(CELLS)}, got {kind!r}")
    row_width = architecture["row_width"]
    if len(widths) != 1 or row_width < 1 or architecture["n_visible"] % row_width:
        raise InputError(f"a recurrent encoder has one layer and reads whole rows, got {architecture}")
    reader = RowReader(kind, row_width=row_width, units=widths[0])
    return reader, reader.n_features


def load(state: Mapping[str, Tensor], shape: dict[str, Any]) -> VAE:
    """Return a trained VAE on the CPU, in eval mode, from its weights and its architecture."""
    return restored(build(shape, generator=torch.Generator()), state)


def to_unit(stored: Tensor, binarisation: How) -> Tensor:
    """Return a stored fixed draw as floats in [0, 1]; it holds 0 and 1, or 0..255 with "none"."""
    return stored.float() / (255 if binarisation == "none" else 1)

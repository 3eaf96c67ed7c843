"""The variational autoencoder: p(z) = N(0, I), p(x | z) by a decoder, q(z | x) by an inference network.

Kingma & Welling 2014. All losses are in nats and keep their parts apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 torch's own name for it

from latents.errors import InputError
from latents.models.encoders import InferenceNetwork, initialise, mlp

LogLikelihood = Callable[..., Tensor]


def gaussian_kl(*, mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)) of each dimension, in nats; same shape as `mu`.

    Examples
    --------
    >>> gaussian_kl(mu=torch.tensor([0.0, 2.0]), logvar=torch.tensor([0.0, 0.0]))
    tensor([0., 2.])
    """
    # closed form: Kingma & Welling 2014, App. B
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def bernoulli_log_likelihood(*, x: Tensor, logits: Tensor) -> Tensor:
    """log p(x | logits) summed over the last axis, in nats.

    Parameters
    ----------
    x : float (..., n_visible), in [0, 1]; values between are allowed (then no longer a likelihood of x).
    logits : float (..., n_visible), log(p / (1 - p)); broadcast against x.

    Examples
    --------
    >>> bernoulli_log_likelihood(x=torch.tensor([1.0, 0.0]), logits=torch.zeros(3, 2)).exp()
    tensor([0.2500, 0.2500, 0.2500])
    """
    if x.dim() == 1:  # one row against many draws of z: a matrix-vector product
        return logits @ x - F.softplus(logits).sum(-1)
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


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
        """Mean and log variance of q(z | x), each (batch, latent_dim)."""
        return self.encoder(x)

    def reparameterise(self, *, mu: Tensor, logvar: Tensor, generator: torch.Generator) -> Tensor:
        """One draw of z ~ N(mu, exp(logvar)) with gradients to both; (batch, latent_dim)."""
        noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
        return mu + torch.exp(0.5 * logvar) * noise

    def decode(self, z: Tensor) -> Tensor:
        """Logits of the visible units, (..., n_visible)."""
        return self.decoder(z)

    def log_likelihood(self, *, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z) in nats, (batch,): x (batch, n_visible), or one row (n_visible,) against every z."""
        return self.likelihood(x=x, logits=self.decode(z))

    def elbo_parts(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The negative ELBO in its two parts, one draw of z a row.

        Returns
        -------
        dict
            `reconstruction` (batch,): -log p(x | z); `kl` (batch,): KL(q(z | x) || p(z)); ELBO = -their sum.
        """
        mu, logvar = self.encode(x)
        z = self.reparameterise(mu=mu, logvar=logvar, generator=generator)
        kl = gaussian_kl(mu=mu, logvar=logvar).sum(-1)  # (batch,)
        return {"reconstruction": -self.log_likelihood(x=x, z=z), "kl": kl}

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Means of p(x | z) for n draws of z ~ p(z): (n, n_visible) in [0, 1]."""
        z = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        return torch.sigmoid(self.decode(z))


def architecture(
    *,
    n_visible: int,
    latent_dim: int,
    encoder: str = "mlp",
    encoder_widths: Sequence[int] = (500, 500),
    decoder_widths: Sequence[int] = (500, 500),
) -> dict[str, Any]:
    """What `build` needs, in JSON's types, to be kept beside the weights.

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
    }


def build(architecture: dict[str, Any], *, generator: torch.Generator) -> VAE:
    """The VAE of an architecture, its weights drawn from `generator`, on the generator's device.

    Raises
    ------
    InputError
        When the encoder is none that there is, or a size is below 1.
    """
    if architecture["encoder"] != "mlp":
        raise InputError(f"encoder must be 'mlp', got {architecture['encoder']!r}")
    n_visible, latent_dim = architecture["n_visible"], architecture["latent_dim"]
    encoder_widths, decoder_widths = architecture["encoder_widths"], architecture["decoder_widths"]
    if min(n_visible, latent_dim, *encoder_widths, *decoder_widths) < 1:
        raise InputError(f"every size of a VAE must be at least 1, got {architecture}")
    with torch.device("meta"):  # no weights yet, so nothing is drawn from torch's global generator
        trunk = mlp((n_visible, *encoder_widths))
        encoder = InferenceNetwork(trunk, n_features=encoder_widths[-1], latent_dim=latent_dim)
        decoder = mlp((latent_dim, *decoder_widths))
        decoder.append(nn.Linear(decoder_widths[-1], n_visible))
    model = VAE(encoder, decoder, latent_dim=latent_dim).to_empty(device=generator.device)
    initialise(model, generator=generator)
    return model

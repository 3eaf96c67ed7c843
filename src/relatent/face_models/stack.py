"""Stack autoencoder and RBMs: autoencode faces at any level, draw, interpolate and mix them.

The levels, from the bottom: "cnn", the autoencoder's features mapped to [0, 1]; "rbm", the hidden
layer of the RBM on them; "deep_rbm", the top of a deep RBM. Autoencoding at a level goes up to it
and down again; interpolation goes down from between two faces there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.face_models.autoencoder import EVALUATION_ROWS, Autoencoder
from relatent.face_models.unit_map import UnitMap
from relatent.rbm.deep import DeepRBM
from relatent.rbm.model import RBM
from relatent.rbm.sampling import chain

LEVELS = ("cnn", "rbm", "deep_rbm")


@dataclass(frozen=True)
class FaceModel:
    """The stack; parts above the highest level in use may be left out.

    Attributes
    ----------
    autoencoder, unit_map : images <-> features <-> values in [0, 1].
    rbm : over the mapped features.
    deep : over the mapped features too, with a second hidden layer.
    workers : threads of Beta draws; they change no result.

    Raises
    ------
    InputError
        When the parts are of different widths.
    """

    autoencoder: Autoencoder
    unit_map: UnitMap
    rbm: RBM | None = None
    deep: DeepRBM | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        widths = {"the map to [0, 1]": len(self.unit_map.low)}
        if self.rbm is not None:
            widths["the RBM"] = self.rbm.n_visible
        if self.deep is not None:
            widths["the deep RBM"] = self.deep.bottom.n_visible
        for part, width in widths.items():
            if width != self.autoencoder.n_features:
                raise InputError(f"{part} is of {width} features, the autoencoder of {self.autoencoder.n_features}")

    # --- between levels ---------------------------------------------------------------------------

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Encode images (n, y, x) in [-1, 1] as values (n, n_features) in (0, 1), of the level
        "cnn"."""
        blocks = [self.unit_map.to_unit(self.autoencoder.encode(block)) for block in images.split(EVALUATION_ROWS)]
        return torch.cat(blocks)

    @torch.no_grad()
    def decode(self, values: Tensor) -> Tensor:
        """Decode values (n, n_features) in [0, 1] to images (n, y, x), clipped to [-1, 1]."""
        return torch.cat(
            [
                self.autoencoder.decode(self.unit_map.from_unit(block)).clamp(-1, 1)
                for block in values.split(EVALUATION_ROWS)
            ]
        )

    def up(self, images: Tensor, level: str) -> Tensor:
        """Encode images (n, y, x) as values (n, width) in [0, 1] of a level."""
        values = self.encode(images)
        if level == "cnn":
            return values
        if level == "rbm":
            return self._need_rbm().mean_hidden(values)
        return self._need_deep(level).up(values)[1]

    def down(self, values: Tensor, level: str) -> Tensor:
        """Decode values (n, width) in [0, 1] of a level to images (n, y, x)."""
        if level == "rbm":
            values = self._need_rbm().mean_visible(values)
        elif level != "cnn":
            values = self._need_deep(level).down(values)[1]
        return self.decode(values)

    def _need_rbm(self) -> RBM:
        if self.rbm is None:
            raise InputError("level 'rbm' needs an RBM: give one to the face model")
        return self.rbm

    def _need_deep(self, level: str) -> DeepRBM:
        if level not in LEVELS:
            raise InputError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
        if self.deep is None:
            raise InputError("level 'deep_rbm' needs a deep RBM: give one to the face model")
        return self.deep

    # --- what the notes show ----------------------------------------------------------------------

    def autoencode(self, images: Tensor, level: str = "rbm") -> Tensor:
        """Encode images (n, y, x) up to a level and decode them, by means throughout."""
        return self.down(self.up(images, level), level)

    def interpolate(self, first: Tensor, second: Tensor, shares: Sequence[float], level: str) -> Tensor:
        """Decode faces between pairs of faces.

        Parameters
        ----------
        first, second : images (n, y, x), in pairs.
        shares : of `second`, in [0, 1]; at 0 it is `first` autoencoded.
        level : where values are mixed.

        Returns
        -------
        tensor (shares, n, y, x)
        """
        if first.shape != second.shape:
            raise InputError(f"pairs of faces need the same shape, got {tuple(first.shape)}, {tuple(second.shape)}")
        start, end = self.up(first, level), self.up(second, level)
        return torch.stack([self.down(torch.lerp(start, end, share), level) for share in _in_unit(shares)])

    def mix(self, images: Tensor, shares: Sequence[float], level: str = "cnn") -> Tensor:
        """Decode faces from values that are mixed from the way up and the way down.

        Parameters
        ----------
        images : (n, y, x).
        shares : of the way up; at 1 the level's own autoencoding, at 0 that of the level above it.
            The smaller, the more regular the face.
        level : "cnn", under the RBM, or "rbm", the middle layer of the deep RBM.

        Returns
        -------
        tensor (shares, n, y, x)
        """
        v = self.encode(images)
        if level == "rbm":
            deep = self._need_deep("deep_rbm")
            return torch.stack([self.decode(deep.mix(v, share)) for share in _in_unit(shares)])
        if level != "cnn":
            raise InputError(f"values are mixed at level cnn or rbm, got {level!r}")
        rbm = self._need_rbm()
        returned = rbm.mean_visible(rbm.mean_hidden(v))
        return torch.stack([self.decode(torch.lerp(returned, v, share)) for share in _in_unit(shares)])

    def states(self, chains: int, *, generator: torch.Generator, level: str = "rbm") -> Iterator[Tensor]:
        """Yield the values (chains, n_features) of Gibbs chains from uniformly random ones, step by
        step, without end.

        Parameters
        ----------
        level : "rbm" or "deep_rbm", the model that is sampled.
        """
        model = self._need_rbm() if level == "rbm" else self._need_deep(level)
        v = torch.rand(chains, self.autoencoder.n_features, generator=generator, device=generator.device)
        return chain(model, v, generator=generator, workers=self.workers)

    def means_around(self, values: Tensor, *, generator: torch.Generator, level: str = "rbm") -> Tensor:
        """Return visible means (n, n_features) given draws of the layer above, drawn given
        `values`."""
        if level == "rbm":
            rbm = self._need_rbm()
            return rbm.mean_visible(rbm.sample_hidden(values, generator=generator, workers=self.workers))
        deep = self._need_deep(level)
        _, h2 = deep.up(values)
        h1 = deep.sample_middle(values, h2, generator=generator, workers=self.workers)
        return deep.bottom.mean_visible(h1)


def _in_unit(shares: Sequence[float]) -> Sequence[float]:
    if not shares or not all(0 <= share <= 1 for share in shares):
        raise InputError(f"shares must be numbers in [0, 1], got {list(shares)}")
    return shares

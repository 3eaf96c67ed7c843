"""Training the autoencoder as the notes do: layer by layer with L2 cost and Adam; then, optionally, all jointly."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latents.errors import InputError
from latents.models.autoencoder import EVALUATION_ROWS, Autoencoder, reconstruction_error
from latents.probes import Probe
from latents.training import Fitted, fit, one_cycle

TRAINING, VALIDATION, HELD_OUT = 0, 1, 2
ROLES = ("training", "validation", "held_out")
WARM_UP = 0.2  # share of the steps before the peak of the rate
START_IMAGES = 2000  # whose patches' principal components a layer starts at
REHEARSED = 5  # batches that a rehearsal for the probe sees
PCA_PX = 16  # side of the corners of faces on which it tries PCA, whose cost grows with the sixth power of it

LossParts = Callable[[Tensor, torch.Generator], dict[str, Tensor]]
Faces = tuple[np.ndarray, np.ndarray, np.ndarray]  # by role, float32 (n, side_px, side_px) each
Phase = tuple[str, int, int, float]  # its name, the layer from 1 (0: all), epochs, peak rate


def split_people(
    people: Sequence[str] | np.ndarray, *, validation: float, held_out: float, generator: np.random.Generator
) -> np.ndarray:
    """The role of each image, so that no person has images of two roles.

    Parameters
    ----------
    people : the person on each image; the split depends on the set of people alone.
    validation, held_out : shares of the people, each rounded to a whole number of them, at least one.
    generator : draws who is whom.

    Returns
    -------
    uint8 array (n,)
        An index into `ROLES`.

    Raises
    ------
    InputError
        When a share is out of range, or nobody would be left for training.

    Examples
    --------
    >>> split_people(["a", "b", "a", "c"], validation=0.3, held_out=0.3, generator=np.random.default_rng(0))
    array([1, 0, 1, 2], dtype=uint8)
    """
    names, person = np.unique(np.asarray(people), return_inverse=True)
    sizes = [max(1, round(share * len(names))) for share in (held_out, validation)]
    if not (0 < validation < 1 and 0 < held_out < 1) or sum(sizes) >= len(names):
        given = f"validation {validation} and held_out {held_out} of {len(names)} people"
        raise InputError(f"the shares of the split must be above 0 and leave people for training, got {given}")
    role = np.zeros(len(names), np.uint8)
    order = generator.permutation(len(names))
    role[order[: sizes[0]]] = HELD_OUT
    role[order[sizes[0] : sum(sizes)]] = VALIDATION
    return role[person]


@dataclass
class Training:
    """What a training leaves beside the weights.

    Attributes
    ----------
    history : list of dict
        A row an epoch: `step` ("layer 1", ..., "fine-tuned"), `epoch` in the step, `train_l2` and `validation_l2`
        (squared error summed over the values that the step reconstructs), `validation_mse` (a pixel).
    errors : list of dict
        A row a step: `step`, `values` (how many describe a face after it), `held_out_mse`, `training_mse` (a pixel).
    seconds : list of dict
        A row an epoch: `step`, `epoch`, `seconds`; apart, since timing may differ between runs.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: str, fitted: Fitted) -> None:
        """Append the epochs of one step."""
        for row, seconds in zip(fitted.history, fitted.seconds_per_epoch, strict=True):
            self.history.append({"step": step} | row)
            self.seconds.append({"step": step, "epoch": row["epoch"], "seconds": seconds})


def train(
    model: Autoencoder,
    images: np.ndarray,
    *,
    validation: np.ndarray,
    held_out: np.ndarray,
    epochs: int,
    fine_tuning_epochs: int,
    batch_size: int,
    learning_rate: float,
    fine_tuning_rate: float,
    mirror: bool = False,
    generator: torch.Generator,
    checkpoint: Path | None = None,
    probe: Probe | None = None,
) -> Training:
    """Train an autoencoder in place, on the generator's device.

    Parameters
    ----------
    model : as `latents.models.autoencoder.build` gives it.
    images : float32 (n, side_px, side_px), held in memory: 16 KiB a face of 64 x 64.
    validation, held_out : of other people, the first watched while training, the second only measured at the end.
    epochs : passes over the images for each layer.
    fine_tuning_epochs : passes over the images with all layers together, at the end; 0 leaves that out.
    batch_size : images.
    learning_rate, fine_tuning_rate : peaks of a one-cycle schedule, Adam.
    mirror : show every image mirrored half of the time.
    generator : draws the order of the images and who is mirrored.
    checkpoint : each step keeps one beside it, `<stem>-<step>.safetensors`, written each epoch and resumed from;
        its name says what it belongs to.
    probe : gets the marks of a rehearsal of all steps and measures, then those of the first layer's training.

    Returns
    -------
    Training
    """
    phases = [(f"layer {depth}", depth, epochs, learning_rate) for depth in range(1, len(model.layers) + 1)]
    if fine_tuning_epochs:
        phases.append(("fine-tuned", 0, fine_tuning_epochs, fine_tuning_rate))
    faces = (images, validation, held_out)
    shared: dict[str, Any] = {"batch_size": batch_size, "mirror": mirror}
    if probe:
        _rehearse(probe, model, faces, phases, generator=generator, **shared)

    def part(step: str) -> AbstractContextManager[Probe | None]:
        return nullcontext(probe if step == "layer 1" else None)

    return _train(model, faces, phases, generator=generator, checkpoint=checkpoint, part=part, **shared)


def _train(
    model: Autoencoder,
    faces: Faces,
    phases: list[Phase],
    *,
    batch_size: int,
    mirror: bool,
    generator: torch.Generator,
    checkpoint: Path | None,
    part: Callable[[str], AbstractContextManager[Probe | None]],
) -> Training:
    """Train in phases; `part` gives the probe of each, and the other parameters are those of `train`."""
    images, validation, held_out = faces
    device = generator.device
    seen, watched = (torch.from_numpy(some).to(device) for some in (images, validation))
    done = Training()
    for step, depth, passes, rate in phases:
        if depth:
            _start(model, depth, seen, generator)
        module, loss_parts = _phase(model, depth, seen, watched, mirror)
        with part(step) as probe:
            fitted = fit(
                module,
                torch.optim.Adam(module.parameters(), lr=rate, fused=True),
                loss_parts,
                train_rows=torch.arange(len(seen)),
                validation_rows=torch.arange(len(watched)),
                epochs=passes,
                batch_size=batch_size,
                generator=generator,
                schedule=one_cycle(total_steps=passes * -(-len(seen) // batch_size), warm_up=WARM_UP),
                checkpoint=checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-{step.replace(' ', '-')}"),
                digest=checkpoint.stem if checkpoint else "",
                probe=probe,
                name=f"autoencoder {step}",
            )
            done.add(step, fitted)
        done.errors.append(_measured(model.eval(), step, depth or None, held_out=held_out, training=images))
    return done


def _rehearse(
    probe: Probe,
    model: Autoencoder,
    faces: Faces,
    phases: list[Phase],
    *,
    batch_size: int,
    mirror: bool,
    generator: torch.Generator,
) -> None:
    """Mark all phases of a copy that sees a few batches once: how a phase really starts, only those before it tell."""
    images, validation, held_out = faces
    few = (images[: REHEARSED * batch_size], validation[:batch_size], held_out[:batch_size])
    stream = torch.Generator(generator.device).set_state(generator.get_state())
    rehearsed = _train(
        copy.deepcopy(model),
        few,
        [(step, depth, 1, rate) for step, depth, _, rate in phases],
        batch_size=batch_size,
        mirror=mirror,
        generator=stream,
        checkpoint=None,
        part=lambda step: probe.part(f"rehearsal, {step}"),
    )
    probe.mark("rehearsal, measured", rehearsed.errors)
    pixels = [[rows[:, :PCA_PX, :PCA_PX]] for rows in (few[0], few[2])]
    probe.mark("pca", pca_error(pixels[0], pixels[1], components=PCA_PX))


@torch.no_grad()
def _start(model: Autoencoder, depth: int, seen: Tensor, generator: torch.Generator) -> None:
    """Initialise layer `depth` by a draw of images that have passed the trained layers below."""
    rows = torch.randperm(len(seen), generator=generator, device=generator.device)[:START_IMAGES]
    below = torch.cat([model.up(block, depth - 1) for block in seen[rows].split(EVALUATION_ROWS)])
    model.lowest(depth)[-1].initialise(below, generator=generator)


def _phase(model: Autoencoder, depth: int, seen: Tensor, watched: Tensor, mirror: bool) -> tuple[nn.Module, LossParts]:
    """What one step trains, and its loss: layer `depth` on the output of those below, or all layers for 0."""
    below = max(0, depth - 1)
    own = model.lowest(depth or None)[below:]
    module: nn.Module = own[0] if depth else model

    def loss_parts(rows: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        images = (seen if module.training else watched)[rows]
        if module.training and mirror:
            images = _flipped(images, generator)
        with torch.no_grad():
            x = model.up(images, below)  # (batch, channels, side, side)
        back = x
        for layer in own:
            back = layer.encode(back)
        for layer in reversed(own):
            back = layer.decode(back)
        parts = {"l2": (back - x).square().sum((1, 2, 3))}
        if not module.training:
            parts["mse"] = (model.down(back, below) - images).square().mean((1, 2))
        return parts

    return module, loss_parts


def _flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
    return torch.where(mirrored[:, None, None], images.flip(2), images)


def _measured(
    model: Autoencoder, step: str, depth: int | None, *, held_out: np.ndarray, training: np.ndarray
) -> dict[str, Any]:
    device = next(model.parameters()).device
    errors = {
        f"{name}_mse": float(
            reconstruction_error(model, torch.from_numpy(part).to(device), depth=depth).double().mean()
        )
        for name, part in (("held_out", held_out), ("training", training))
    }
    with torch.no_grad():
        values = model.up(torch.from_numpy(held_out[:1]).to(device), depth)[0].numel()
    return {"step": step, "values": values} | errors


# --- the linear peer ------------------------------------------------------------------------------------------------


def pca_error(blocks: Iterable[np.ndarray], held_out: Iterable[np.ndarray], *, components: int) -> tuple[float, float]:
    """Mean squared error a pixel of PCA, fitted on the first blocks and measured on both.

    Parameters
    ----------
    blocks, held_out : iterables of (n, side_px, side_px) that can be gone through more than once, as lists or
        `np.array_split` give; memory is that of a block and of the (pixels, pixels) covariance.
    components : kept directions; at most the number of pixels.

    Returns
    -------
    held_out_mse, training_mse
    """
    from scipy.linalg import eigh

    count = sum(len(block) for block in blocks)
    mean = sum(block.reshape(len(block), -1).sum(0, dtype=np.float64) for block in blocks) / count
    pixels = len(mean)
    scatter = np.zeros((pixels, pixels))
    for block in blocks:
        centred = (block.reshape(len(block), -1) - mean).astype(np.float32)
        scatter += centred.T @ centred
    first = pixels - min(components, pixels)
    _, directions = eigh(scatter, subset_by_index=(first, pixels - 1), driver="evr")  # (pixels, components)
    return _residual(held_out, mean, directions), _residual(blocks, mean, directions)


def _residual(blocks: Iterable[np.ndarray], mean: np.ndarray, directions: np.ndarray) -> float:
    total, count = 0.0, 0
    for block in blocks:
        centred = block.reshape(len(block), -1) - mean  # (n, pixels)
        total += float(np.square(centred - (centred @ directions) @ directions.T).sum())
        count += centred.size
    return total / count

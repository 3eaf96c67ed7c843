"""Train the autoencoder as the notes do: layer by layer with L2 cost and Adam, then jointly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from relatent.face_models.autoencoder import EVALUATION_ROWS, Autoencoder, reconstruction_error
from relatent.networks.probes import Probe
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.training import NOWHERE, Fitted, fit

WARM_UP = 0.2  # share of the steps before the peak of the rate
START_IMAGES = 2000  # images from which a layer's first filters are computed
REHEARSED = 5  # batches that a rehearsal for the probe sees

LossParts = Callable[[Tensor, torch.Generator], dict[str, Tensor]]
Faces = tuple[np.ndarray, np.ndarray, np.ndarray]  # by role, float32 (n, side_px, side_px) each
Also = Callable[[Probe, Faces], None]
Phase = tuple[str, int, int, float]  # its name, the layer from 1 (0: all), epochs, peak rate


@dataclass
class Training:
    """The results of a training beside the weights.

    Attributes
    ----------
    history : list of dict
        A row per epoch: `step` ("layer 1", ..., "fine-tuned"), `epoch` in the step, `train_l2` and
        `validation_l2` (squared error summed over the values that the step reconstructs),
        `validation_mse` (per pixel).
    errors : list of dict
        A row per step: `step`, `values` (values per face after it), `held_out_mse`, `training_mse`
        (per pixel).
    seconds : list of dict
        A row per epoch: `step`, `epoch`, `seconds`; apart, since timing may differ between runs.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: str, fitted: Fitted) -> None:
        """Append the epochs of one step."""
        for row, seconds in zip(fitted.history, fitted.seconds_per_epoch, strict=True):
            self.history.append({"step": step} | row)
            self.seconds.append({"step": step, "epoch": row["epoch"], "seconds": seconds})


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an autoencoder is trained.

    Attributes
    ----------
    epochs : int, passes over the images for each layer.
    fine_tuning_epochs : int, passes over the images with all layers together, at the end; 0 leaves
        that out.
    batch_size : int, images per step.
    learning_rate, fine_tuning_rate : float, peaks of a one-cycle schedule, Adam.
    mirror : bool, default False, show every image mirrored half of the time.
    """

    epochs: int
    fine_tuning_epochs: int
    batch_size: int
    learning_rate: float
    fine_tuning_rate: float
    mirror: bool = False


def train(
    model: Autoencoder,
    images: np.ndarray,
    options: Options,
    *,
    validation: np.ndarray,
    held_out: np.ndarray,
    generator: torch.Generator,
    journal: Journal = NOWHERE,
    also: Also | None = None,
) -> Training:
    """Train an autoencoder in place, on the generator's device.

    Parameters
    ----------
    model : as `relatent.face_models.autoencoder.build` gives it.
    images : float32 (n, side_px, side_px), held in memory: 16 KiB per face of 64 x 64.
    options : the training.
    validation, held_out : of other people, the first watched while training, the second only
        measured at the end.
    generator : draws the order of the images and which are mirrored.
    journal : checkpoint and probe, see `relatent.networks.recipe.Journal`; default: none. Each step
        has a checkpoint of its own, `<stem>-<step>.safetensors`. The probe gets the marks of a
        rehearsal of all steps and measures, then those of the first layer's training.
    also : (probe, the rehearsal's faces) -> None, marks what follows in the same job; default:
        nothing.

    Returns
    -------
    Training
    """
    layers = range(1, len(model.layers) + 1)
    phases = [(f"layer {depth}", depth, options.epochs, options.learning_rate) for depth in layers]
    if options.fine_tuning_epochs:
        phases.append(("fine-tuned", 0, options.fine_tuning_epochs, options.fine_tuning_rate))
    faces, probe = (images, validation, held_out), journal.probe
    shared: dict[str, Any] = {"batch_size": options.batch_size, "mirror": options.mirror}
    if probe:
        _rehearse(probe, model, faces, phases, generator=generator, also=also, **shared)

    def part(step: str) -> AbstractContextManager[Probe | None]:
        return nullcontext(probe if step == "layer 1" else None)

    return _train(model, faces, phases, generator=generator, checkpoint=journal.checkpoint, part=part, **shared)


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
    """Train in phases; `part` gives the probe of each, and the other parameters are those of
    `train`."""
    images, validation, held_out = faces
    device = generator.device
    seen, watched = (torch.from_numpy(some).to(device) for some in (images, validation))
    done = Training()
    for step, depth, passes, rate in phases:
        if depth:
            _start(model, depth, seen, generator)
        module, loss_parts = _phase(model, depth, seen, watched, mirror)
        own = checkpoint and checkpoint.with_stem(f"{checkpoint.stem}-{step.replace(' ', '-')}")
        with part(step) as probe:
            fitted = fit(
                module,
                torch.optim.Adam(module.parameters(), lr=rate, fused=True),
                loss_parts,
                train_rows=torch.arange(len(seen)),
                validation_rows=torch.arange(len(watched)),
                recipe=Recipe(
                    epochs=passes,
                    batch_size=batch_size,
                    schedule=one_cycle(total_steps=passes * -(-len(seen) // batch_size), warm_up=WARM_UP),
                ),
                generator=generator,
                journal=Journal(own, probe, f"autoencoder {step}"),
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
    also: Also | None,
) -> None:
    """Mark all phases of a copy that sees a few batches; a later phase starts from trained layers
    only after all others."""
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
    if also is not None:
        also(probe, few)


@torch.no_grad()
def _start(model: Autoencoder, depth: int, seen: Tensor, generator: torch.Generator) -> None:
    """Initialise layer `depth` by some images' outputs of the trained layers below."""
    rows = torch.randperm(len(seen), generator=generator, device=generator.device)[:START_IMAGES]
    below = torch.cat([model.up(block, depth - 1) for block in seen[rows].split(EVALUATION_ROWS)])
    model.lowest(depth)[-1].initialise(below, generator=generator)


def _phase(model: Autoencoder, depth: int, seen: Tensor, watched: Tensor, mirror: bool) -> tuple[nn.Module, LossParts]:
    """Return the module and the loss of one step: layer `depth` on outputs of those below, or all
    layers for 0."""
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

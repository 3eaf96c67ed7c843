"""The epoch loop: what it computes, exact resume after a SIGKILL, and how it stops on nan."""

import itertools
import logging
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from relatent.errors import InputError
from relatent.files.weights import read_weights
from relatent.networks.objectives import summed
from relatent.networks.schedules import one_cycle
from relatent.networks.training import fit, mean_parts, set_threads
from tests.support.flat import flat

ROWS = torch.arange(10)
SOURCE = Path(__file__).parents[2] / "src"


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scalar(value: float = 0.0) -> nn.Module:
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor([value]))
    return module


def regression(seed: int = 0):
    """A linear model on noisy data, whose loss draws from the generator as a VAE's does."""
    x = torch.randn(10, 3, generator=seeded())
    model = nn.utils.skip_init(nn.Linear, 3, 1)  # draws nothing from the global generator
    with torch.no_grad():
        model.weight.copy_(torch.randn(1, 3, generator=seeded(seed)))
        model.bias.zero_()

    def loss_parts(rows, generator):
        noisy = x[rows] + 0.1 * torch.randn(len(rows), 3, generator=generator)
        output = model(noisy)[:, 0]  # (batch,)
        return {"error": (output - x[rows].sum(1)).square(), "size": output.square()}

    return model, loss_parts


def trained(*, epochs: int, seed: int = 0, **options):
    model, loss_parts = regression()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    options = {"train_rows": ROWS[:8], "validation_rows": ROWS[8:]} | options
    options["schedule"] = one_cycle(total_steps=5 * 3)
    fitted = flat(fit)(model, optimizer, loss_parts, epochs=epochs, batch_size=3, generator=seeded(seed), **options)
    return model, fitted


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


# --- what the loop does ---------------------------------------------------------------------------


def test_the_loop_is_plain_descent_over_shuffled_batches():
    """The same steps by hand: one permutation an epoch, the last batch short, the rate from the
    schedule."""
    model, _ = trained(epochs=5, validation_rows=None)
    by_hand, loss_parts = regression()
    generator, schedule = seeded(), one_cycle(total_steps=15)
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.05)
    for epoch in range(5):
        order = ROWS[:8][torch.randperm(8, generator=generator)]
        for batch, rows in enumerate([order[:3], order[3:6], order[6:]]):
            optimizer.param_groups[0]["lr"] = 0.05 * schedule(3 * epoch + batch)
            parts = loss_parts(rows, generator)
            optimizer.zero_grad()
            (parts["error"].mean() + parts["size"].mean()).backward()
            optimizer.step()
    assert same_weights(model, by_hand)


def test_an_epoch_sees_every_training_row_once_in_an_order_of_its_own_and_no_other_row():
    module, seen = scalar(), []

    def loss_parts(rows, generator):
        seen.append(rows.tolist())
        return {"loss": module.weight * rows}

    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    flat(fit)(module, optimizer, loss_parts, train_rows=ROWS[:7], epochs=2, batch_size=3, generator=seeded())
    assert [len(rows) for rows in seen] == [3, 3, 1] * 2
    first, second = (list(itertools.chain(*seen[i : i + 3])) for i in (0, 3))
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second


def test_history_holds_the_mean_of_each_part_over_rows_apart_and_no_seconds():
    module, modes = scalar(1.0), []

    def loss_parts(rows, generator):
        modes.append(module.training)
        return {"a": module.weight * rows, "b": 2.0 * torch.ones(len(rows))}

    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    options = {"train_rows": ROWS[:7], "validation_rows": ROWS[7:], "epochs": 2, "batch_size": 3}
    fitted = flat(fit)(module, optimizer, loss_parts, generator=seeded(), **options)
    row = {"train_a": 3.0, "train_b": 2.0, "validation_a": 8.0, "validation_b": 2.0}
    assert fitted.history == [{"epoch": 1} | row, {"epoch": 2} | row]
    assert len(fitted.seconds_per_epoch) == 2
    assert modes == [True, True, True, False] * 2


def test_objective_weighs_the_parts_by_step():
    module, steps = scalar(), []

    def kl_only_from_the_third_step(parts, step):
        steps.append(step)
        return parts["kl"].mean() * (step >= 2)

    def loss_parts(rows, generator):
        return {"reconstruction": module.weight.expand(len(rows)), "kl": 3 * module.weight.expand(len(rows))}

    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    options = {"epochs": 2, "batch_size": 5, "objective": kl_only_from_the_third_step}
    flat(fit)(module, optimizer, loss_parts, train_rows=ROWS, generator=seeded(), **options)
    assert steps == [0, 1, 2, 3]
    assert module.weight.item() == -6.0  # two steps of gradient 3


def test_validation_changes_neither_the_weights_nor_the_draws_and_repeats_its_own():
    with_validation, fitted = trained(epochs=3)
    without, _ = trained(epochs=3, validation_rows=None)
    assert same_weights(with_validation, without)
    model, loss_parts = regression()
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    options = {"train_rows": ROWS[:8], "validation_rows": ROWS[8:], "epochs": 2, "batch_size": 3}
    first, second = flat(fit)(model, still, loss_parts, generator=seeded(), **options).history
    assert first["validation_error"] == second["validation_error"]
    assert first["train_error"] != second["train_error"]
    assert len(fitted.history) == 3


def test_the_global_generator_is_neither_used_nor_moved():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first, _ = trained(epochs=2)
        assert torch.equal(before, torch.get_rng_state())
        torch.manual_seed(6)
        second, _ = trained(epochs=2)
    other, _ = trained(epochs=2, seed=1)
    assert same_weights(first, second)
    assert not same_weights(first, other)


def test_mean_parts_weighs_rows_alike_whatever_the_batches():
    def loss_parts(rows, generator):
        return {"a": rows.double()}

    for batch_size in (1, 3, 10):
        assert mean_parts(loss_parts, ROWS, batch_size=batch_size, generator=seeded()) == {"a": 4.5}


def test_one_cycle_is_torchs_schedule():
    optimizer = torch.optim.SGD(scalar().parameters(), lr=1.0)
    torchs = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=50, cycle_momentum=False)
    ours, rates = one_cycle(total_steps=50), []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 50:
            torchs.step()
    assert [ours(step) for step in range(50)] == pytest.approx(rates, rel=1e-12)


@pytest.mark.parametrize("total_steps", [1, 2, 3, 7])
def test_one_cycle_of_few_steps_stays_within_its_bounds(total_steps):
    factor = one_cycle(total_steps=total_steps)
    assert all(0 < factor(step) <= 1 for step in range(total_steps + 1))


def test_summed_is_the_sum_of_means():
    assert summed({"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([5.0])}, 7).item() == 7.0


def test_threads_are_set_and_less_than_one_is_refused():
    before = torch.get_num_threads()
    try:
        set_threads(1)
        assert torch.get_num_threads() == 1
        with pytest.raises(InputError, match="at least 1, got 0"):
            set_threads(0)
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)


FAULTS = """
import resource, torch
from relatent.networks.training import set_threads

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

set_threads(1)
first, *later = [faults() for _ in range(20)]
assert sum(fault > first / 2 for fault in later) < 10, (first, later)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_that_a_step_frees_is_kept_for_the_next():
    """64 MiB, which glibc by itself maps again each time, mostly fit into what is there already."""
    subprocess.run([sys.executable, "-c", FAULTS], env=os.environ | {"PYTHONPATH": str(SOURCE)}, check=True)


# --- nan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_epoch_batch_and_parts(bad):
    module, calls = scalar(1.0), []

    def loss_parts(rows, generator):
        calls.append(rows)
        kl = bad if len(calls) == 6 else 1.5
        return {"reconstruction": 2.5 * module.weight.expand(len(rows)), "kl": torch.full((len(rows),), kl)}

    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    message = rf"training, epoch 2, batch 2 of 4: the loss is not finite \(reconstruction 2.5, kl {bad}\)"
    with pytest.raises(InputError, match=message) as caught:
        flat(fit)(module, optimizer, loss_parts, train_rows=ROWS, epochs=3, batch_size=3, generator=seeded())
    assert "\n" not in str(caught.value)


def test_nan_in_validation_stops_too():
    module = scalar(1.0)

    def loss_parts(rows, generator):
        return {"loss": module.weight * torch.where(rows == 9, torch.nan, 1.0)}

    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    options = {"train_rows": ROWS[:5], "validation_rows": ROWS[5:], "epochs": 3, "batch_size": 3}
    with pytest.raises(InputError, match="validation, epoch 1, batch 2 of 2: the loss is not finite"):
        flat(fit)(module, optimizer, loss_parts, generator=seeded(), **options)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}, {"train_rows": ROWS[:0]}])
def test_an_empty_training_is_refused_in_one_line(wrong):
    module = scalar()
    options = {"train_rows": ROWS, "epochs": 1, "batch_size": 1} | wrong
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with pytest.raises(InputError, match="at least one epoch, a batch of one and one row"):
        flat(fit)(module, optimizer, lambda rows, generator: {}, generator=seeded(), **options)


# --- early stopping -------------------------------------------------------------------------------


def overshooting(losses, *, patience, epochs=8, checkpoint=None, stop_after=None):
    """One weight that grows by 1 an epoch; validation's loss is given for each of its values, from
    1."""
    module, calls = scalar(), []

    def loss_parts(rows, generator):
        calls.append(rows)
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        if module.training:
            return {"loss": -module.weight.expand(len(rows))}
        return {"loss": torch.full((len(rows),), float(losses[round(module.weight.item()) - 1]))}

    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    options = {"train_rows": ROWS[:5], "validation_rows": ROWS[5:], "epochs": epochs, "batch_size": 5}
    options |= {"patience": patience, "checkpoint": checkpoint}
    fitted = flat(fit)(module, optimizer, loss_parts, generator=seeded(), **options)
    return module.weight.item(), fitted


@pytest.mark.parametrize(
    ("losses", "patience", "epochs_run", "best"),
    [
        # two epochs without a better one end it before the better ones
        ([5, 4, 3, 4, 5, 1, 0, 0], 2, 5, 3),
        ([5, 4, 3, 4, 5, 1, 0, 0], 3, 8, 7),  # the first of equals is the best
        # all epochs are run, and the best one's weights restored
        ([5, 4, 3, 4, 5, 4, 4, 4], 6, 8, 3),
        ([5, 6, 7, 7, 7, 7, 7, 7], 1, 2, 1),
        ([5, 6, 7, 7, 7, 7, 7, 7], 0, 8, 0),  # no early stopping: all epochs, the last weights
    ],
)
def test_training_stops_without_improvement_and_the_best_weights_are_restored(losses, patience, epochs_run, best):
    weight, fitted = overshooting(losses, patience=patience)
    assert (len(fitted.history), fitted.best_epoch) == (epochs_run, best)
    assert weight == (best or epochs_run)


@pytest.mark.parametrize("stop_after", [3, 5, 7, 9])
def test_an_interrupted_run_with_early_stopping_goes_on_bit_for_bit(tmp_path, stop_after):
    """Interrupted before the best epoch, in it and after it; there are two calls an epoch."""
    losses, path = [5, 4, 3, 4, 5, 1, 0, 0], tmp_path / "c.safetensors"
    with pytest.raises(KeyboardInterrupt):
        overshooting(losses, patience=2, checkpoint=path, stop_after=stop_after)
    weight, fitted = overshooting(losses, patience=2, checkpoint=path)
    whole_weight, whole = overshooting(losses, patience=2)
    assert (weight, fitted.history, fitted.best_epoch) == (whole_weight, whole.history, whole.best_epoch)


def test_a_finished_run_with_early_stopping_resumes_to_its_best_weights(tmp_path):
    path = tmp_path / "c.safetensors"
    first = overshooting([5, 4, 3, 4, 5, 1, 0, 0], patience=2, checkpoint=path)
    assert overshooting([5, 4, 3, 4, 5, 1, 0, 0], patience=2, checkpoint=path, stop_after=1) == first


def test_watching_validation_changes_no_epoch():
    _, plain = trained(epochs=5)
    _, watched = trained(epochs=5, patience=5)
    assert watched.history == plain.history


def test_patience_without_validation_is_refused_in_one_line():
    for wrong in ({"patience": 2, "validation_rows": None}, {"patience": -1}):
        with pytest.raises(InputError, match="patience must be at least 0, and 0 without validation rows"):
            trained(epochs=1, **wrong)


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "Adagrad"])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, optimizer):
    def run(checkpoint, stop_after=None):
        model, loss_parts = regression()
        descent = getattr(torch.optim, optimizer)(model.parameters(), lr=0.05)
        calls = []

        def stopping(rows, generator):
            calls.append(rows)
            if len(calls) == stop_after:
                raise KeyboardInterrupt
            return loss_parts(rows, generator)

        options = {"train_rows": ROWS[:8], "validation_rows": ROWS[8:], "epochs": 5, "batch_size": 3}
        options |= {"schedule": one_cycle(total_steps=15), "checkpoint": checkpoint}
        fitted = flat(fit)(model, descent, stopping, generator=seeded(), **options)
        return model, fitted, len(calls)

    with pytest.raises(KeyboardInterrupt):
        # of 4 calls an epoch, validation included: in epoch 3
        run(tmp_path / "c.safetensors", stop_after=10)
    resumed, fitted, calls = run(tmp_path / "c.safetensors")
    unbroken, expected, _ = run(None)
    assert calls == 3 * 4
    assert same_weights(resumed, unbroken)
    assert fitted.history == expected.history
    assert len(fitted.seconds_per_epoch) == 5


def test_a_finished_run_is_not_run_again(tmp_path):
    options = {"checkpoint": tmp_path / "c.safetensors"}
    first, expected = trained(epochs=2, **options)
    second, fitted = trained(epochs=2, **options)
    assert same_weights(first, second)
    assert fitted == expected


def test_a_checkpoint_of_another_name_is_ignored(tmp_path):
    trained(epochs=2, seed=1, checkpoint=tmp_path / "old.safetensors")
    (tmp_path / "old.safetensors").rename(tmp_path / "new.safetensors")
    model, fitted = trained(epochs=2, checkpoint=tmp_path / "new.safetensors")
    expected, _ = trained(epochs=2)
    assert same_weights(model, expected)
    assert len(fitted.history) == 2
    assert read_weights(tmp_path / "new.safetensors")[1]["digest"] == "new"


def test_a_damaged_checkpoint_is_a_fresh_start_with_a_warning(tmp_path, caplog):
    path = tmp_path / "c.safetensors"
    trained(epochs=2, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    with caplog.at_level(logging.WARNING):
        model, _ = trained(epochs=2, checkpoint=path)
    assert "starting afresh" in caplog.text
    assert same_weights(model, trained(epochs=2)[0])


def test_tied_weights_can_be_checkpointed(tmp_path):
    def run(epochs, **options):
        model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        with torch.no_grad():
            model[0].weight.copy_(torch.eye(3))
            model[0].bias.zero_()
            model[1].bias.zero_()
        model[1].weight = model[0].weight
        x = torch.randn(10, 3, generator=seeded(3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        options |= {"train_rows": ROWS, "epochs": epochs, "batch_size": 5, "generator": seeded()}
        flat(fit)(model, optimizer, lambda rows, _: {"loss": model(x[rows]).square().sum(1)}, **options)
        return model

    run(1, checkpoint=tmp_path / "c.safetensors")
    resumed = run(2, checkpoint=tmp_path / "c.safetensors")
    assert resumed[0].weight is resumed[1].weight
    assert same_weights(resumed, run(2))


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
import torch
from relatent.digits.binarise import reader
from relatent.vae.model import architecture, build
from relatent.files.weights import write_weights
from relatent.networks.recipe import Journal, Recipe
from relatent.networks.schedules import one_cycle
from relatent.networks.training import fit, set_threads

checkpoint, weights, die_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
set_threads(1)
images = torch.randint(0, 256, (60, 784), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
sizes = architecture(n_visible=784, latent_dim=2, encoder_widths=(32, 32), decoder_widths=(32, 32))
model = build(sizes, generator=torch.Generator().manual_seed(1))
read = reader(images, how="dynamic", generator=torch.Generator())
calls = 0

def loss_parts(rows, generator):
    global calls
    calls += 1
    if calls == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return model.elbo_parts(read(rows, generator), generator=generator)

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
recipe = Recipe(epochs=5, batch_size=10, schedule=one_cycle(total_steps=25))
fit(model, optimizer, loss_parts, train_rows=torch.arange(50), validation_rows=torch.arange(50, 60), recipe=recipe,
    generator=torch.Generator().manual_seed(2), journal=Journal(checkpoint))
write_weights(weights, model.state_dict(), sizes)
print(calls)
"""


def test_a_run_killed_in_epoch_3_and_restarted_has_the_weights_of_an_unbroken_one(tmp_path):
    """SIGKILL, in another process, in the third batch of epoch 3 of 5; the files of weights agree
    by byte."""

    def run(name: str, weights: str, die_at: int) -> subprocess.CompletedProcess:
        arguments = [str(tmp_path / f"{name}.safetensors"), str(tmp_path / weights), str(die_at)]
        environment = os.environ | {"PYTHONPATH": str(SOURCE)}
        command = [sys.executable, "-c", KILLED_RUN, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    a_batch, calls_an_epoch = 3, 6  # five batches and one of validation
    killed = run("broken", "broken", 2 * calls_an_epoch + a_batch)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "broken").exists()
    resumed, unbroken = run("broken", "broken", 0), run("whole", "whole", 0)
    assert (resumed.returncode, unbroken.returncode) == (0, 0), resumed.stderr + unbroken.stderr
    assert (int(resumed.stdout), int(unbroken.stdout)) == (3 * calls_an_epoch, 5 * calls_an_epoch)
    assert (tmp_path / "broken").read_bytes() == (tmp_path / "whole").read_bytes()

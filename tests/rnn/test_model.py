"""Row-RNNs: the notes' sigmoid units, tied weights, prediction, completion, training that learns
and resumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from relatent.errors import InputError
from relatent.files.weights import read_weights, write_weights
from relatent.rnn import model as rnn
from relatent.rnn import training as row_training
from tests.support.flat import flat

WIDTH_PX, ROWS = 6, 8
OPTIONS = {"cell": "rnn", "tied": True, "hidden": 16, "epochs": 3, "batch_size": 5, "bptt": 8, "learning_rate": 0.05}


def network(cell: str = "rnn", *, tied: bool = True, seed: int = 0) -> rnn.RowRNN:
    shape = rnn.architecture(width_px=WIDTH_PX, hidden=9, cell=cell, tied=tied)
    return rnn.build(shape, generator=torch.Generator().manual_seed(seed)).eval()


def stripes(count: int, seed: int = 0) -> np.ndarray:
    """A slanted line that moves a pixel a row, to the left or to the right: uint8 (count, 8, 6)."""
    rng = np.random.default_rng(seed)
    start, step = rng.integers(WIDTH_PX, size=(count, 1)), rng.choice([-1, 1], (count, 1))
    x = (start + step * np.arange(ROWS)) % WIDTH_PX  # (count, rows)
    return (np.arange(WIDTH_PX) == x[..., None]).astype(np.uint8) * 255


def trained(checkpoint: Path | None = None, **changes: object):
    parts = (rnn.row_sequences(stripes(200)), rnn.row_sequences(stripes(40, 1)))
    return flat(row_training.train)(
        *parts, generator=torch.Generator().manual_seed(0), checkpoint=checkpoint, **(OPTIONS | changes)
    )


@pytest.fixture(scope="module")
def fitted():
    return trained(epochs=10)


def test_a_tanh_network_is_the_notes_sigmoid_network_with_tied_weights() -> None:
    """Step by step: h = sigmoid(W x + U h + b) from h = 0, y = sigmoid(W^T h + c), and the
    pre-sigmoid drive."""
    model = network().double()
    own = {name: value.detach().double() for name, value in model.rnn.named_parameters()}
    W, U = 2 * own["weight_ih_l0"], 4 * own["weight_hh_l0"]
    b = 2 * (own["bias_ih_l0"] + own["bias_hh_l0"] - own["weight_hh_l0"].sum(1))
    c = model.bias.detach() - own["weight_ih_l0"].sum(0)
    rows = torch.rand(1, ROWS, WIDTH_PX, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    h, expected, x = torch.zeros(9, dtype=torch.float64), [], torch.zeros(WIDTH_PX, dtype=torch.float64)
    for row in rows[0]:
        h = torch.sigmoid(W @ x + U @ h + b)
        expected.append(torch.sigmoid(W.T @ h + c))
        x = row
    torch.testing.assert_close(rnn.predict_rows(model, rows)[0], torch.stack(expected))
    h = torch.zeros(9, dtype=torch.float64)
    for row in [torch.zeros(WIDTH_PX, dtype=torch.float64), *rows[0]]:
        pre = W @ row + U @ h + b
        h = torch.sigmoid(pre)
    torch.testing.assert_close(2 * model.drive(rows)[0], pre)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_tied_output_weights_are_the_input_weights(cell: str) -> None:
    """No weight of its own: the readout moves with the input weights (of a GRU, those of its new
    state)."""
    tied, untied = network(cell), network(cell, tied=False)
    assert {name for name, _ in untied.named_parameters()} - {name for name, _ in tied.named_parameters()} == {"weight"}
    outputs = torch.eye(9)
    expected = tied.rnn.get_parameter("weight_ih_l0")[-9:]
    torch.testing.assert_close(tied.readout(outputs), expected)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_a_row_is_predicted_from_those_above_it_alone(cell: str) -> None:
    """A change of row 5 leaves the predictions of rows 0 to 5 as they were, and moves that of row
    6."""
    model, rows = network(cell), torch.rand(2, ROWS, WIDTH_PX)
    changed = rows.clone()
    changed[:, 5] = 1 - changed[:, 5]
    before, after = rnn.predict_rows(model, rows), rnn.predict_rows(model, changed)
    torch.testing.assert_close(after[:, :6], before[:, :6], rtol=0, atol=0)
    assert (after[:, 6] - before[:, 6]).abs().min() > 0


def test_a_roll_feeds_back_its_own_predictions() -> None:
    """Going on from rows and predictions gives the predictions that follow."""
    model, rows = network(), torch.rand(3, 4, WIDTH_PX)
    added = rnn.roll(model, rows, count=3)
    longer = torch.cat([rows, added], dim=1)
    torch.testing.assert_close(rnn.predict_rows(model, longer)[:, 4:], added)
    drawn = rnn.roll(model, rows, count=3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(drawn[:, 0], added[:, 0])
    assert not torch.allclose(drawn[:, 2], added[:, 2])
    # as sharp as can be: ones and zeros are fed back
    sharp = rnn.roll(model, rows, count=2, sharpness=1e6)
    rounded = torch.cat([rows, added[:, :1].round()], dim=1)
    torch.testing.assert_close(sharp[:, 1], rnn.roll(model, rounded, count=1)[:, 0])


def test_the_drive_of_a_gru_is_its_state() -> None:
    """It has three pre-activations, so none stands for the unit."""
    model, rows = network("gru"), torch.rand(3, 4, WIDTH_PX)
    torch.testing.assert_close(model.drive(rows), model.rnn(model.begun(rows))[0][-1])


def test_cross_entropy_over_ragged_sequences_is_that_of_each_alone() -> None:
    """Weighted by rows, without the first of each."""
    model = network()
    sequences = [torch.rand(length, WIDTH_PX) for length in (3, 1, 5, 3)]
    total, count = 0.0, 0
    for rows in sequences:
        p = rnn.predict_rows(model, rows[None])[0, 1:].double()
        x = rows[1:].double()
        total += float(-(x * p.log() + (1 - x) * (1 - p).log()).sum())
        count += x.numel()
    assert rnn.next_row_cross_entropy(model, sequences) == pytest.approx(total / count, rel=1e-5)


def test_inked_rows_are_those_from_the_first_to_the_last_with_ink() -> None:
    """Blank rows between them stay."""
    image = np.zeros((2, 8, 6), np.uint8)
    image[0, [2, 5], 3] = 51
    image[1, 7, 0] = 255
    first, second = rnn.row_sequences(image, inked=True)
    assert first.shape == (4, 6)
    assert first.sum(1).tolist() == pytest.approx([0.2, 0, 0, 0.2])
    assert second.shape == (1, 6)


def test_training_learns_to_go_on(fitted) -> None:
    """Lines that go left or right: predicted far better than by their mean, and gone on with when
    half is seen."""
    model, _, history = fitted
    mean = -(np.log(1 / 6) / 6 + 5 / 6 * np.log(5 / 6))
    assert history.history[-1]["validation_cross_entropy"] < 0.5 * mean
    rows = torch.from_numpy(stripes(50, 2)).float() / 255
    added = rnn.roll(model, rows[:, :4], count=2)
    assert (added.argmax(2) == rows[:, 4:6].argmax(2)).float().mean() > 0.9


@pytest.mark.parametrize("own_share", [0.0, 0.5])
def test_training_repeats_and_resumes_to_the_bit(own_share: float, tmp_path: Path, killed_after) -> None:
    """Killed after its second epoch, it ends as if nothing had happened; the file gives the same
    network back."""
    expected, shape, _ = trained(own_share=own_share)
    path = tmp_path / "checkpoint.safetensors"
    with killed_after(2):
        trained(path, own_share=own_share)
    resumed, _, history = trained(path, own_share=own_share)
    assert [row["epoch"] for row in history.history] == [1, 2, 3]
    write_weights(tmp_path / "model.safetensors", resumed.state_dict(), shape)
    loaded = rnn.load(*read_weights(tmp_path / "model.safetensors"))
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=0, atol=0)


def test_a_damaged_checkpoint_starts_afresh(tmp_path: Path) -> None:
    """The same weights as without one."""
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"half")
    for left, right in zip(trained(path)[0].parameters(), trained()[0].parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=0, atol=0)


def test_known_rows_are_all_of_the_teachers_and_the_first_of_the_others() -> None:
    """About the share that is asked for; a known row is the one above, an unknown one follows no
    other."""
    sequences = rnn.row_sequences(stripes(300))
    contexts = rnn.known_rows(sequences, own_share=0.3, generator=torch.Generator().manual_seed(0))
    known = torch.stack(contexts)[..., -1]
    assert 0.2 < float((known.min(1).values == 0).float().mean()) < 0.4
    assert (known[:, 0] == 1).all()
    assert (known.diff(dim=1) <= 0).all()
    torch.testing.assert_close(torch.stack(contexts)[:, 1:, :-1], torch.stack(sequences)[:, :-1])


def test_with_all_rows_known_the_loss_is_that_of_teacher_forcing() -> None:
    """Contexts that know every row change no prediction, whatever is fed back."""
    model, sequences = network(), rnn.row_sequences(stripes(4))
    contexts = rnn.known_rows(sequences, own_share=0.0, generator=torch.Generator())
    hidden, predicted, visible = model.start(4), [], torch.rand(1, 4, WIDTH_PX)
    for t in range(ROWS):
        output, hidden = model(visible, torch.stack(contexts)[:, t], hidden)
        predicted.append(torch.sigmoid(output[0]))
        visible = torch.rand(1, 4, WIDTH_PX)
    torch.testing.assert_close(torch.stack(predicted, 1), rnn.predict_rows(model, torch.stack(sequences)))


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (lambda: rnn.load({}, {"model": "vae"}), "the weights are of 'vae', not of a row_rnn"),
        (lambda: rnn.predict_rows(network(), torch.rand(1, 4, 9)), r"6 px\), got \(1, 4, 9\)"),
        (lambda: rnn.roll(network(), torch.rand(1, 4, 9), count=2), "train one on rows of that width"),
        (lambda: rnn.predict_rows(network(), torch.rand(1, 0, 6)), "length >= 1"),
        (lambda: rnn.row_sequences(np.zeros((3, 8, 6), np.uint8), inked=True), "image 0 has no ink"),
        (lambda: rnn.row_sequences(np.zeros((3, 8, 6))), "uint8"),
        (lambda: trained_on([torch.zeros(0, 6), torch.zeros(3, 6)]), "1 empty"),
        (lambda: trained_on([torch.zeros(2, 6), torch.zeros(3, 5)]), r"one width, got \[5, 6\]"),
        (lambda: rnn.next_row_cross_entropy(network(), [torch.zeros(1, 6)]), "no sequence has a second row"),
    ],
)
def test_bad_input_is_one_line(faulty, message: str) -> None:
    """What was given, what is allowed."""
    with pytest.raises(InputError, match=message):
        faulty()


def trained_on(sequences: list[Tensor]) -> None:
    flat(row_training.train)(sequences, sequences[-1:], generator=torch.Generator(), **OPTIONS)

"""Measure a row-RNN on test digits beside its baselines; choose the examples of its figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from relatent.digits import classifier as dc
from relatent.digits.classifier import DigitClassifier
from relatent.rnn.baselines import Contexts, copy_last, logistic, mean_row, nearest_by_top
from relatent.rnn.completion import blanked, complete, grey, sampled_classes
from relatent.rnn.hidden_units import as_digits, draw_sequences, favourites, with_expected
from relatent.rnn.model import RowRNN, predict_rows, row_sequences
from relatent.stats.roc import area_under_curve

CLASSES = 10
SHARPNESS = (1.0, 1.25, 1.5, 2.0, 3.0)  # tried on validation digits, see `relatent.rnn.model.roll`
Measures = dict[str, float]
Digits = tuple[np.ndarray, np.ndarray]  # images uint8 (n, y, x), labels (n,)


def row_baselines(
    train: np.ndarray,
    validation: np.ndarray,
    test: np.ndarray,
    *,
    inked: bool,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
) -> Measures:
    """Return the cross-entropy per pixel, in nats, of the three simple predictors of
    `relatent.rnn.baselines`."""
    parts = [Contexts.of(row_sequences(images, inked=inked)) for images in (train, validation, test)]
    copied, smoothing = copy_last(*parts[1:])
    options: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    return {
        "mean_row": mean_row(parts[0], parts[2]),
        "copy_last": copied,
        "copy_last_smoothing": smoothing,
        "logistic": logistic(parts[0], parts[2], generator=generator, **options),
    }


def completion_baselines(train: Digits, test: Digits, *, seen_rows: int, classifier: DigitClassifier) -> Measures:
    """Return the classifier's accuracy on whole digits, on top halves alone, and on halves
    completed with the rest of the training digit of the nearest half; and the share of these
    training digits that are of the same class."""
    images, labels = test
    nearest = nearest_by_top(images[:, :seen_rows], train[0][:, :seen_rows])
    borrowed = images.copy()
    borrowed[:, seen_rows:] = train[0][nearest][:, seen_rows:]
    return {
        "whole": dc.accuracy(classifier, grey(images).numpy(), labels),
        "half_alone": dc.accuracy(classifier, blanked(images, seen_rows=seen_rows), labels),
        "nearest": dc.accuracy(classifier, grey(borrowed).numpy(), labels),
        "nearest_label": float(np.mean(train[1][nearest] == labels)),
    }


def completions(
    model: RowRNN,
    validation: Digits,
    test: Digits,
    *,
    seen_rows: int,
    samples: int,
    shown: int,
    shown_samples: int,
    classifier: DigitClassifier,
    generator: torch.Generator,
) -> tuple[Measures, dict[str, np.ndarray]]:
    """Complete every test digit from its top rows, and classify the completions.

    Parameters
    ----------
    samples : int, completions per digit by sampling rows, from which ambiguity is measured.
    shown : int, digits of each class among the examples, the first of the test set.
    shown_samples : int, sampled completions of each ambiguous example, the digit of the highest
        entropy of each class.

    Returns
    -------
    metrics
        `completed`: accuracy on the notes' completions; `completed_<digit>`: by class; `sharpened`:
        on completions by the `sharpness` that is best on the validation digits; `sampled`: on
        single sampled completions; `vote`: of the class with the highest probability averaged over
        them; `entropy_right`, `entropy_wrong` (bits): mean ambiguity of digits with a right and
        with a wrong completion; `entropy_separation`: chance that a wrong one is the more
        ambiguous.
    examples
        See the stage `rnn`.
    """
    images, labels = test
    completed = complete(model, images, seen_rows=seen_rows)
    seen = dc.predict(classifier, completed)
    drawn = sampled_classes(
        model, images, labels, seen_rows=seen_rows, samples=samples, generator=generator,
        probabilities=lambda pictures: dc.probabilities(classifier, pictures),
    )  # fmt: skip
    accuracies = {s: _accuracy(model, validation, classifier, seen_rows, s) for s in SHARPNESS}
    sharpness = max(accuracies, key=lambda s: accuracies[s])
    right, entropy = seen == labels, drawn.entropy
    metrics = {
        "completed": float(right.mean()),
        "sharpened": _accuracy(model, test, classifier, seen_rows, sharpness),
        "sharpness": sharpness,
        "sampled": float(drawn.share_right.mean()),
        "vote": float(np.mean(drawn.mean.argmax(1) == labels)),
        "entropy_right": _mean(entropy[right]),
        "entropy_wrong": _mean(entropy[~right]),
        "entropy_separation": area_under_curve(entropy, ~right),
    }
    present = [digit for digit in range(CLASSES) if (labels == digit).any()]
    metrics |= {f"completed_{digit}": float(right[labels == digit].mean()) for digit in present}
    first = np.concatenate([np.flatnonzero(labels == digit)[:shown] for digit in present])
    torn = np.array([np.where(labels == digit, entropy, -1).argmax() for digit in present])
    several = [complete(model, images[torn], seen_rows=seen_rows, generator=generator) for _ in range(shown_samples)]
    examples = {
        "labels": labels,
        "seen": seen.astype(np.uint8),
        "entropy": entropy.astype(np.float32),
        "shown": first,
        "originals": images[first],
        "predicted": predict_rows(model, grey(images[first])).numpy(),
        "completed": completed[first],
        "ambiguous": torn,
        "ambiguous_originals": images[torn],
        "ambiguous_completed": completed[torn],
        "ambiguous_samples": np.stack(several, axis=1),  # (classes, samples, y, x)
    }
    return metrics, examples


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _accuracy(model: RowRNN, digits: Digits, classifier: DigitClassifier, seen_rows: int, sharpness: float) -> float:
    completed = complete(model, digits[0], seen_rows=seen_rows, sharpness=sharpness)
    return dc.accuracy(classifier, completed, digits[1])


def unit_pictures(
    model: RowRNN,
    images: np.ndarray,
    *,
    rows: int,
    lead_rows: int,
    expected_rows: int,
    classifier: DigitClassifier,
    generator: torch.Generator,
) -> tuple[Measures, dict[str, np.ndarray]]:
    """Picture what drives each hidden unit and the rows expected after it, and classify the
    pictures.

    Parameters
    ----------
    images : uint8 (n, y, x); each gives one sequence.
    rows, expected_rows : L of the notes, and the rows of the roll-forward.
    lead_rows : int, blank rows that the network reads before a sequence, and that are left out of
        its picture. Without them a sequence starts with ink, unlike in training, and many
        continuations turn all black.

    Returns
    -------
    metrics
        `average_<digit>` and `best_<digit>`: number of units of which the picture is classified as
        that digit.
    arrays
        `pictures` (the weighted average and the rows expected after it) and `best` (the single best
        sequence and the rows expected after it), float32 (hidden, rows + expected_rows, x);
        `pictures_digit`, `best_digit`.
    """
    average, best = favourites(model, draw_sequences(images, length=rows, lead_rows=lead_rows, generator=generator))
    arrays: dict[str, np.ndarray] = {}
    metrics: Measures = {}
    for name, kind, sequences in (("pictures", "average", average), ("best", "best", best)):
        arrays[name] = with_expected(model, sequences, count=expected_rows)[:, lead_rows:]
        digit = dc.predict(classifier, as_digits(arrays[name], model.width_px))
        arrays[f"{name}_digit"] = digit.astype(np.uint8)
        counts = np.bincount(digit, minlength=CLASSES)
        metrics |= {f"{kind}_{number}": int(count) for number, count in enumerate(counts)}
    return metrics, arrays

"""The whole of params.yaml: every stage's section, composed for the check that runs before any job."""

from __future__ import annotations

import os
from typing import Any

from latents.params import Section, read_yaml, structure, validate
from latents.stages.autoencoder import Autoencoder
from latents.stages.classification import Classification
from latents.stages.compute import Compute
from latents.stages.data import Data
from latents.stages.digit_classifier import DigitClassifier
from latents.stages.digits import Digits
from latents.stages.faces import Faces
from latents.stages.language_model import LanguageModel
from latents.stages.ranking import Ranking
from latents.stages.representations import Representations
from latents.stages.rnn import RNN
from latents.stages.rnn_pictures import RNNPictures
from latents.stages.scores import Scores
from latents.stages.text import Text
from latents.stages.timing import Timing
from latents.stages.vae import VAE


class Schema(Section):
    """Every section of params.yaml."""

    data: Data
    compute: Compute
    digits: Digits
    digit_classifier: DigitClassifier
    faces: Faces
    autoencoder: Autoencoder
    vae: VAE
    rnn: RNN
    rnn_pictures: RNNPictures
    language_model: LanguageModel
    text: Text
    representations: Representations
    scores: Scores
    ranking: Ranking
    classification: Classification
    timing: Timing


def load(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """Check the whole file; return its plain values, as DVC compares them.

    Raises
    ------
    InputError
        In one line: each faulty key's path, what was given, what is allowed.
    """
    values = read_yaml(path)
    validate(Schema, values, path)
    return values


def shape(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """The structural part of the file, {path: value}: what decides which jobs there are."""
    return dict(structure(validate(Schema, read_yaml(path), path)))

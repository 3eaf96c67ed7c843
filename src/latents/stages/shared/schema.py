"""The whole of params.yaml: every stage's section, composed for the check that runs before any job."""

from __future__ import annotations

import os
from typing import Any

from latents.errors import InputError
from latents.jobs.params import Section, read_yaml, structure, validate
from latents.stages import face_model
from latents.stages.autoencoder import Autoencoder
from latents.stages.claims import ClaimsParams, unknown_documents
from latents.stages.classification import Classification
from latents.stages.data import Data
from latents.stages.deep_rbm import Deep, check_bottom
from latents.stages.digit_classifier import DigitClassifier
from latents.stages.digits import Digits
from latents.stages.evidence import EvidenceParams
from latents.stages.faces import Faces
from latents.stages.hashing import Hashing
from latents.stages.language_model import LanguageModel
from latents.stages.ordering import Ordering, check_sets
from latents.stages.ranking import Ranking
from latents.stages.rbm import RBMs
from latents.stages.rbm_likelihood import Likelihood
from latents.stages.representations import Representations
from latents.stages.rnn import RNN
from latents.stages.rnn_pictures import RNNPictures
from latents.stages.shared.sections import Compute, Scores
from latents.stages.text import Text
from latents.stages.text_vae import TextVAE
from latents.stages.timing import Timing
from latents.stages.vae import VAE, contradictions
from latents.stages.vae_measures import Measures, unknown_runs


class Schema(Section):
    """Every section of params.yaml."""

    data: Data
    compute: Compute
    digits: Digits
    digit_classifier: DigitClassifier
    faces: Faces
    autoencoder: Autoencoder
    rbm: RBMs
    deep_rbm: Deep
    likelihood: Likelihood
    face_model: face_model.FaceModelParams
    vae: VAE
    rnn: RNN
    rnn_pictures: RNNPictures
    language_model: LanguageModel
    text: Text
    measures: Measures
    ordering: Ordering
    text_vae: TextVAE
    hashing: Hashing
    representations: Representations
    scores: Scores
    ranking: Ranking
    classification: Classification
    timing: Timing
    evidence: EvidenceParams
    claims: ClaimsParams


def load(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """Check the whole file; return its plain values, as DVC compares them.

    Raises
    ------
    InputError
        In one line: each faulty key's path, what was given, what is allowed.
    """
    values = read_yaml(path)
    whole = validate(Schema, values, path)
    check_bottom(whole.deep_rbm, whole.rbm, path)
    faults = [
        *contradictions(whole.vae),
        *unknown_runs(whole.measures, whole.vae),
        *unknown_documents(whole.claims, whole.text_vae.runs),
    ]
    if faults:
        raise InputError(f"{path}: " + "; ".join(faults))
    on_faces = [name for name, settings in whole.rbm.runs.items() if settings.dataset == "lfw"]
    face_model.check(whole.face_model, on_faces, path)
    check_sets(whole.ordering, rbm_runs=whole.rbm.runs, vae_runs=whole.vae.runs, rnn_runs=whole.rnn.runs, path=path)
    return values


def shape(path: str | os.PathLike[str] = "params.yaml") -> dict[str, Any]:
    """The structural part of the file, {path: value}: what decides which jobs there are."""
    return dict(structure(validate(Schema, read_yaml(path), path)))

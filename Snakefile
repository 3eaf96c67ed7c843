# The only DAG: parameters are checked first, then one rule file per stage, in the order of the flow.
import atexit
import os
import sys

from snakemake.utils import min_version

min_version("9.27")

SOURCE = os.path.relpath(os.path.join(workflow.basedir, "src"))
sys.path[:0] = [SOURCE, os.path.join(workflow.basedir, "workflow")]

from pathlib import Path

from bridge.cost import announce
from bridge.planning import PLAN_FILE, made_by, refresh, write_plan
from bridge.recover import HOLD, recover

from latents.errors import InputError
from latents.jobs import closure
from latents.stages.shared import schema

try:
    PARAMS = schema.load("params.yaml")
except InputError as error:
    sys.exit(f"error: {error}")

CLOSURES = closure.Sources.on_disk(Path(SOURCE)).closures()
CODE = closure.table(CLOSURES)  # as it is now: an edit during this run is the next one's to see

shell.prefix(f"export PYTHONPATH={SOURCE} LATENTS_PLAN={PLAN_FILE}; {HOLD}")


wildcard_constraints:
    run="[A-Za-z0-9_]+",
    seed="[0-9]+",
    method="[A-Za-z0-9_]+",
    corpus="[A-Za-z0-9_]+",
    dataset="[a-z]+",
    representation="[A-Za-z0-9_]+",


ARTIFACTS = []  # every rule file adds what its rules make


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/digits.smk"
include: "workflow/rules/digit_classifier.smk"
include: "workflow/rules/newsgroups.smk"
include: "workflow/rules/text.smk"
include: "workflow/rules/faces.smk"
include: "workflow/rules/autoencoder.smk"
include: "workflow/rules/rbm.smk"
include: "workflow/rules/face_model.smk"
include: "workflow/rules/vae.smk"
include: "workflow/rules/measures.smk"
include: "workflow/rules/text_vae.smk"
include: "workflow/rules/hashing.smk"
include: "workflow/rules/rnn.smk"
include: "workflow/rules/rnn_pictures.smk"
include: "workflow/rules/language_model.smk"
include: "workflow/rules/ordering.smk"
include: "workflow/rules/representations.smk"
include: "workflow/rules/ranking.smk"
include: "workflow/rules/classification.smk"
include: "workflow/rules/timing.smk"
include: "workflow/rules/evidence.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/claims.smk"


pull_back(ARTIFACTS)


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        ARTIFACTS,


for job_rule in workflow.rules:
    if job_rule.name != "all":
        job_rule.set_params(made_by=made_by(job_rule, CODE))
        # one pinned environment, for `--software-deployment-method conda`
        job_rule.conda_env = os.path.join(workflow.basedir, "workflow", "environment.yaml")


# what a killed run left, before this one begins
if workflow.is_main_process:
    refresh(CODE)
    recover(ARTIFACTS)
    atexit.register(announce, workflow, at_end=True)  # of a dry run, which calls no handler


onstart:
    announce(workflow)
    write_plan(workflow.dag, params=PARAMS, closures=CLOSURES, source=Path(SOURCE))


onsuccess:
    commit()


onerror:
    name_interrupted()
    commit()

# Check the parameters, then define the DAG: one rule file per stage, in the order of the data flow.
import atexit
import os
import sys

from snakemake.utils import min_version

min_version("9.27")

SOURCE = os.path.relpath(os.path.join(workflow.basedir, "src"))
sys.path[:0] = [SOURCE, os.path.join(workflow.basedir, "workflow")]

from pathlib import Path

from bridge.cost import announce
from bridge.planning import PLAN_FILE, keep_notes, made_by, refresh, write_plan
from bridge.recover import HOLD, recover

from relatent.errors import InputError
from relatent.jobs import closure
from relatent.stages.shared import schema
from relatent.stages.shared.discovery import told

try:
    GIVEN = schema.load("params.yaml")  # as written
    PARAMS = schema.filled(GIVEN)  # with the defaults of every run
except InputError as error:
    sys.exit(f"error: {error}")

CLOSURES = closure.Sources.on_disk(Path(SOURCE)).closures()
CODE = closure.table(CLOSURES)  # fixed now: an edit during this run counts in the next one

shell.prefix(f"export PYTHONPATH={SOURCE} RELATENT_PLAN={PLAN_FILE}; {HOLD}")


wildcard_constraints:
    run="[A-Za-z0-9_]+",
    seed="[0-9]+",
    method="[A-Za-z0-9_]+",
    corpus="[A-Za-z0-9_]+",
    dataset="[a-z]+",
    representation="[A-Za-z0-9_]+",


ARTIFACTS = []  # every rule file adds the files that its rules make


# In the order of the flow, since a rule file uses names of earlier ones; then all other files.
FLOW = (
    "common data digits digit_classifier newsgroups text faces autoencoder rbm deep_rbm rbm_likelihood face_model vae"
)
FLOW += " vae_measures text_vae hashing rnn rnn_pictures language_model bptt ordering representations ranking"
FLOW += " classification timing published"
LAST = ["headlines", "claims"]  # these read results of all others
RULES = {path.stem for path in Path(workflow.basedir, "workflow/rules").glob("*.smk")}
for name in [*FLOW.split(), *sorted(RULES - {*FLOW.split(), *LAST}), *LAST]:

    include: f"workflow/rules/{name}.smk"


pull_back(ARTIFACTS)


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        ARTIFACTS,


for job_rule in workflow.rules:
    if job_rule.name != "all":
        keep_notes(job_rule)
        job_rule.set_params(made_by=made_by(job_rule, CODE))
        # for `--software-deployment-method conda`
        job_rule.conda_env = os.path.join(workflow.basedir, "workflow", "environment.yaml")


# tidy up after a killed run, before this one begins
if workflow.is_main_process:
    refresh(CODE)
    recover(ARTIFACTS)
    atexit.register(announce, workflow, at_end=True)  # for a dry run, which calls no handler


onstart:
    announce(workflow)
    write_plan(workflow.dag, params=GIVEN, closures=CLOSURES, source=Path(SOURCE))


onsuccess:
    commit()


onerror:
    name_interrupted()
    commit()

# One command per need; each makes .venv from constraints.txt when it is missing or older than them.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
ifdef RELATENT_MIRROR
export RELATENT_MIRROR := $(abspath $(RELATENT_MIRROR))
endif

# By default Snakemake's scheduler wakes each second as many times as jobs were started: 20 CPU minutes of the real run.
SELDOM := --max-jobs-per-timespan 1000/10s

.DELETE_ON_ERROR:
.PHONY: all demo test test-cluster check docs report verify push pull restore hooks

all: .venv/installed  ## The real run: fetch, train, evaluate, draw; record everything in dvc.lock.
	python workflow/bridge prove --at-stake 600
	snakemake --cores all $(SELDOM)
	python workflow/bridge commit

demo: .venv/installed  ## The whole DAG on small embedded data, offline, in minutes.
	snakemake --cores all --directory demo --quiet=rules
	snakemake --directory demo --report report.html --quiet=all
	@echo "The demo's figures are in demo/results/figures and demo/report.html, its numbers in demo/results/metrics.json."

test: .venv/installed  ## All tests.
	pytest -n auto --dist worksteal

test-cluster: .venv/installed  ## The demo on a real SLURM of one node: as root, with Debian's slurm-wlm and munge.
	pytest -p no:xdist -m cluster tests/pipeline/test_cluster.py

check: .venv/installed  ## What else CI checks: style, types, imports, the committed dvc.yaml.
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow/rules
	mypy
	PYTHONPATH=src lint-imports
	snakemake --lint
	python workflow/bridge gen
	git diff --exit-code dvc.yaml code.json

docs: .venv/installed  ## README's table of claims, docs/claims.md and docs/gallery.md, from the results.
	relatent stage claims table
	PYTHONPATH=src python workflow/gallery.py

report: .venv/installed  ## Of the real run: one self-contained HTML page with every figure, its caption, parameters, runtimes and code.
	snakemake --report report.html

verify: .venv/installed  ## Begin every dear job here, without any result, and compare its first steps with the recorded ones.
	python workflow/bridge verify

push: .venv/installed  ## Send this revision's results to the remote.
	python workflow/bridge push

pull: .venv/installed  ## Bring this revision's results from the remote; nothing is left to run.
	python workflow/bridge pull

restore: .venv/installed  ## REV=<revision>: its files and results, without the hooks; nothing is left to run.
	$(if $(REV),,$(error say which revision: make restore REV=<revision>))
	git checkout $(REV)
	-dvc checkout
	python $$(ls workflow/bridge/__main__.py workflow/bridge.py 2>/dev/null) restore

hooks: .venv/installed  ## After each git checkout, merge or rebase: restore that revision's results.
	python workflow/bridge hooks

# pip first: `--group` needs pip 25.1, and a fresh environment of Python 3.11 has an older one.
# Then torch, as constraints.txt pins it: another package's range would pull gigabytes of CUDA packages.
# TORCH_INDEX: the package index to take torch from, for a CPU-only build where the default one brings CUDA.
.venv/installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("error: Python %d.%d is too old: relatent needs 3.11 or newer; set PYTHON, as in `make PYTHON=python3.11`" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[pipeline]' --group dev
	touch $@

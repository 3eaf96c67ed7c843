"""Snakemake's jobs <-> DVC's stages: `gen` writes dvc.yaml, `commit` records what is up to date, `restore` the reverse.

The Snakefile is the only DAG. `dvc.yaml` holds one stage per concrete job, written from it. Both tools then agree on
every artifact: see docs/sharing.md and tests/pipeline/test_bridge.py.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bridge.snakemake_side import ROOT
from bridge.verbs import VERBS, refuse_conflicts
from latents.errors import InputError

REPAIRS = {"merge": (), "hooks": (), "gen": ("params.yaml", "dvc.lock")}  # what a verb cannot do without; others: all


def main() -> None:
    """Run one verb and say what it did and how long it took, in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, function in VERBS.items():
        verb = verbs.add_parser(name, help=(function.__doc__ or "").partition(".")[0])
        for option, value in inspect.signature(function).parameters.items():
            if value.default is value.empty:
                verb.add_argument(option)
            elif isinstance(value.default, bool):
                verb.add_argument(f"--{option.replace('_', '-')}", action="store_true")
            else:
                verb.add_argument(f"--{option.replace('_', '-')}", type=type(value.default), default=value.default)
    options = vars(parser.parse_args())
    function = VERBS[options.pop("verb")]
    began = time.perf_counter()
    os.chdir(ROOT)
    try:
        refuse_conflicts(*REPAIRS.get(function.__name__, ("params.yaml", "dvc.lock", "dvc.yaml")))
        said = function(**options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'bridge'}: {error.strerror or error}")
    text = said if isinstance(said, str) else f"gen: dvc.yaml {'rewritten' if said else 'is up to date'}"
    print(f"{text} ({time.perf_counter() - began:.1f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Keep Snakemake's jobs and DVC's stages in agreement.

The Snakefile is the only DAG; `dvc.yaml` is written from it, with one stage per concrete job. Both
tools then agree on every artifact: see docs/sharing.md and tests/pipeline/test_bridge.py.
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
from relatent.errors import InputError

# files that a verb needs without conflicts; the others need all
REPAIRS = {"merge": (), "hooks": (), "gen": ("params.yaml", "dvc.lock")}


def main() -> None:
    """Run one verb, and print in one line what it did and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, function in VERBS.items():
        said = (function.__doc__ or "").partition("\n")[0].rstrip(".")
        verb = verbs.add_parser(name, help=said)
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
    except BrokenPipeError:  # the reader has closed the pipe, as in `| head`
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

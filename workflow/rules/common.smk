# Shared by the files beside this one - tracked() for parameters, input functions, commit() for DVC.
import functools
import subprocess
import time
from collections.abc import Callable

from bridge.planning import plain, read_keys


def tracked(*keys: str) -> Callable[..., dict]:
    """A function of the wildcards that gives {key: value} for dotted keys of params.yaml, such as "vae.runs.{run}".

    One dict-valued param: Snakemake compares the sorted values of separate ones, and misses two that swap. Equal
    values are one text for it, whatever the order of their keys, and 0 is 0.0: so they are for DVC.
    """

    def values(wildcards) -> dict:
        names = [name for key in keys for name in read_keys(key.format(**wildcards), GIVEN)]
        return {name: plain(parameter(name, GIVEN)) for name in names}

    return values


def parameter(key: str, values: dict = PARAMS):
    """The value at a dotted key: of params.yaml with all defaults filled in, or of other values."""
    return functools.reduce(lambda section, name: section[name], key.split("."), values)


def representation_file(wildcards) -> str:
    """The file of the data set and representation that the wildcards name."""
    return REPRESENTATIONS[wildcards.dataset, wildcards.representation]


def curves_of(wildcards) -> list[str]:
    """The precision-recall curves of all representations of the data set that the wildcards name."""
    names = [name for dataset, name in REPRESENTATIONS if dataset == wildcards.dataset]
    return expand(f"{RANKING}/precision_recall.csv", dataset=wildcards.dataset, representation=names)


def initial_weights(wildcards) -> list[str]:
    """The weights that a warm start begins with: of the earlier run's same seed, or of its first; none otherwise."""
    earlier = parameter(f"vae.runs.{wildcards.run}.warm_start")
    if earlier == "none":
        return []
    seeds = parameter(f"vae.runs.{earlier}.seeds")
    seed = int(wildcards.seed)
    return [f"{VAE}/model.safetensors".format(run=earlier, seed=seed if seed in seeds else seeds[0])]


def of_all_runs(*patterns: str) -> list[str]:
    """Every run's and seed's file of each pattern."""
    return [pattern.format(run=run, seed=seed) for run, seed in VAE_RUNS for pattern in patterns]


def shown_runs(pattern: str) -> list[str]:
    """The files of the runs that are pictured, each of its first seed."""
    return [pattern.format(run=run, seed=dict(VAE_FIRST)[run]) for run in PARAMS["vae"]["shown"]]


def commit():
    """Record in dvc.lock what is up to date, when this is the repository itself and DVC did not start us."""
    here = os.path.realpath(os.getcwd()) == os.path.realpath(workflow.basedir)
    if here and os.path.isdir(".dvc") and "DVC_STAGE" not in os.environ:
        subprocess.run([sys.executable, "workflow/bridge", "commit"], check=False)


def name_interrupted() -> None:
    """Name the jobs that Ctrl-C or another signal interrupted. A run in which jobs failed names none."""
    names = sorted("-".join([job.rule.name, *job.wildcards_dict.values()]) for job in workflow.scheduler.running)
    if names:
        print(
            f"interrupted: {', '.join(names)}; the same command goes on, trainings after their last whole epoch",
            file=sys.stderr,
            flush=True,
        )


def pull_back(made: list[str], *, tolerance_seconds: float = 60) -> None:
    """Give results from the future the time of the newest result that is not: the clock was set back.

    Left as they are, they would seem newer than all that is made from them in the time to come, and Snakemake refuses that.
    """
    now = time.time() + tolerance_seconds
    times = {path: os.stat(path).st_mtime for path in made if os.path.exists(path)}
    future = [path for path, changed in times.items() if changed > now]
    if not future:
        return
    newest = max((times[path] for path in made if times.get(path, now) < now), default=time.time())
    for path in future:
        os.utime(path, (newest, newest))
    print(
        f"{len(future)} files were from the future (was the clock set back?); their times are now right",
        file=sys.stderr,
    )

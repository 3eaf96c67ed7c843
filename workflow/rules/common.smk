import functools
import subprocess
import time
from collections.abc import Callable

from bridge.planning import plain, read_keys


def tracked(*keys: str) -> Callable[..., dict]:
    """Return a function from wildcards to {key: value}, for dotted keys such as "vae.runs.{run}".

    All values are one param: of several params Snakemake compares the sorted values, and would miss
    two that swap. `plain` writes equal values (also 0 and 0.0) as one text, since they are equal for
    DVC.
    """

    def values(wildcards) -> dict:
        names = [name for key in keys for name in read_keys(key.format(**wildcards), GIVEN)]
        return {name: plain(parameter(name, GIVEN)) for name in names}

    return values


def parameter(key: str, values: dict = PARAMS):
    """Return the value at a dotted key, by default of params.yaml with all defaults filled in."""
    return functools.reduce(lambda section, name: section[name], key.split("."), values)


def representation_file(wildcards) -> str:
    """Return the file of a representation of a data set."""
    return REPRESENTATIONS[wildcards.dataset, wildcards.representation]


def curves_of(wildcards) -> list[str]:
    """Return the precision-recall curves of all representations of a data set."""
    names = [name for dataset, name in REPRESENTATIONS if dataset == wildcards.dataset]
    return expand(f"{RANKING}/precision_recall.csv", dataset=wildcards.dataset, representation=names)


def initial_weights(wildcards) -> list[str]:
    """Return the weights of a warm start: of the earlier run's same seed, or else of its first seed."""
    earlier = parameter(f"vae.runs.{wildcards.run}.warm_start")
    if earlier == "none":
        return []
    seeds = parameter(f"vae.runs.{earlier}.seeds")
    seed = int(wildcards.seed)
    return [f"{VAE}/model.safetensors".format(run=earlier, seed=seed if seed in seeds else seeds[0])]


def of_all_runs(*patterns: str) -> list[str]:
    """Return the files of each pattern for every run and seed of the VAEs."""
    return [pattern.format(run=run, seed=seed) for run, seed in VAE_RUNS for pattern in patterns]


def shown_runs(pattern: str) -> list[str]:
    """Return the files of the VAEs that figures show, with the first seed of each."""
    return [pattern.format(run=run, seed=dict(VAE_FIRST)[run]) for run in PARAMS["vae"]["shown"]]


def commit():
    """Record finished jobs in dvc.lock, unless this is a copy of the repository or DVC started it."""
    here = os.path.realpath(os.getcwd()) == os.path.realpath(workflow.basedir)
    if here and os.path.isdir(".dvc") and "DVC_STAGE" not in os.environ:
        subprocess.run([sys.executable, "workflow/bridge", "commit"], check=False)


def name_interrupted() -> None:
    """Print the jobs that Ctrl-C or another signal interrupted; print nothing after a failed job."""
    names = sorted("-".join([job.rule.name, *job.wildcards_dict.values()]) for job in workflow.scheduler.running)
    if names:
        print(
            f"interrupted: {', '.join(names)}; the same command goes on, trainings after their last whole epoch",
            file=sys.stderr,
            flush=True,
        )


def pull_back(made: list[str], *, tolerance_seconds: float = 60) -> None:
    """Set the times of results from the future to that of the newest other result.

    Such times appear when the clock is set back. Snakemake refuses results that are older than
    their inputs, as all results made from these files would be.
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

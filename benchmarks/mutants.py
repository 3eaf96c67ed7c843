"""Change executed code in single places: which changes of a dear demo job's bytes does its probe
see, and which not?

python benchmarks/mutants.py RUN [--mutants 200] [--seed 0] [--jobs NAME ...] [--patches FOLDER]

RUN is a finished demo: a repository whose params.yaml is the demo's. Each job is run once as it is,
under a trace of the lines of ours that it executes; mutants are drawn among what stands on these
lines inside functions: an operator or a comparison for its counterpart, a number by one, a truth
value or a condition for its opposite, a call or an assignment to a part dropped, a default argument
changed. Each mutant runs the whole job in a forked process that has imported other people's
packages alone. Its outputs are compared with those of the job as it is, and so are the marks of its
probe, which a whole run takes at the same steps as a probe alone. The digest of the command's code
must change for each. A mutant that takes ten times the job's CPU seconds counts as hanging.

Functions compiled by numba are not traced, so none of theirs is changed. --patches: write each
mutant that changes bytes and not the probe as a patch that leads back from it, for
benchmarks/replay.py.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import hashlib
import importlib.util
import json
import os
import random
import resource
import runpy
import shlex
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
sys.path.insert(0, str(SOURCE))

JOBS = [
    "vae_train-mlp_2d-0",
    "vae_train-gru_2d-0",
    "vae_evaluate-mlp_2d-0",
    "rbm-mnist-binary",
    "rbm_likelihood-mnist-binary",
    "rnn_train-tied",
    "text_vae_train-gru",
    "hashing_learned-random-vdsh",
    "autoencoder_train",
    "face_model-deep_rbm",
]
FAR = 10  # times the job's own CPU seconds: a hang
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
Edit = Callable[[Any], ast.AST]


@dataclass(frozen=True)
class Task:
    """A job of the demo."""

    name: str
    module: str
    key: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """A source of ours with a single change."""

    path: str  # below src
    function: str
    line: int
    change: str
    text: str


@dataclass(frozen=True)
class Ended:
    """How a job's process ended: "well", "crashed" or "hung"; its digests by output, and its
    probe's marks."""

    how: str
    cpu_seconds: float
    outputs: dict[str, str]
    marks: dict[str, str]


# --- jobs -----------------------------------------------------------------------------------------


def tasks(run: Path, names: list[str]) -> list[Task]:
    """Some jobs of a run, from its dvc.yaml."""
    from relatent.jobs.closure import key_of
    from relatent.jobs.params import read_yaml
    from relatent.tools.revisions import outputs

    stages = read_yaml(run / "dvc.yaml")["stages"]
    found = []
    for name in names:
        words = shlex.split(stages[name]["cmd"])
        at = words.index("-m")
        made = tuple(outputs(stages[name]))
        key = key_of(stages[name]["cmd"]) or ""
        found.append(Task(name, words[at + 1], key, tuple(words[at + 2 :]), tuple(stages[name]["deps"]), made))
    return found


def start(task: Task, run: Path, folder: Path, mutant: Mutant | None, seconds: float, traced: bool = False) -> int:
    """Fork a process that runs a job below a folder; its number."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in [*task.inputs, "params.yaml"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).symlink_to((run / path).resolve())
    pid = os.fork()
    if pid == 0:
        try:
            in_child(task, folder, mutant, seconds, traced)
        finally:
            os._exit(70)
    return pid


def in_child(task: Task, folder: Path, mutant: Mutant | None, seconds: float, traced: bool) -> None:
    """Run the job here, with a module of ours changed; never returns."""
    os.chdir(folder)
    said = os.open("said.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    for name in [name for name in sys.modules if name.partition(".")[0] == "relatent"]:
        del sys.modules[name]
    if mutant is not None:
        sys.meta_path.insert(0, Changed(mutant))
    lines: set[tuple[str, int]] = set()
    if traced:
        follow(lines)
    sys.argv = [task.module, *task.arguments]
    code: Any = 0
    try:
        runpy.run_module(task.module, run_name="__main__", alter_sys=True)
    except SystemExit as done:
        code = done.code
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        code = 1
    sys.settrace(None)
    if traced:
        Path("lines.json").write_text(json.dumps(sorted(lines)), encoding="utf-8")
    os._exit(0 if not code else 1)


def follow(lines: set[tuple[str, int]]) -> None:
    """Note each line of ours that this process executes from now on."""
    ours = f"{SOURCE}{os.sep}"

    def local(frame: FrameType, event: str, argument: Any) -> Any:
        lines.add((frame.f_code.co_filename[len(ours) :], frame.f_lineno))
        return local

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        return local(frame, event, argument) if frame.f_code.co_filename.startswith(ours) else None

    threading.settrace(entered)
    sys.settrace(entered)


class Changed(SourceFileLoader):
    """Finds and loads one module with a changed text."""

    def __init__(self, mutant: Mutant) -> None:
        self.module = mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        super().__init__(self.module, str(SOURCE / mutant.path))
        self.text = mutant.text

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module's spec, for the import system; None for all others."""
        if name != self.module:
            return None
        return importlib.util.spec_from_file_location(
            name,
            self.path,
            loader=self,
            submodule_search_locations=[str(Path(self.path).parent)] if self.path.endswith("__init__.py") else None,
        )

    def get_code(self, fullname: str) -> CodeType:
        """The changed text, compiled."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


def ended(task: Task, folder: Path, status: int, cpu_seconds: float) -> Ended:
    """What a process left."""
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    how = "well" if status == 0 else "hung" if killed in (signal.SIGXCPU, signal.SIGKILL) else "crashed"
    marks: dict[str, str] = {}
    found = {}
    for path in task.outputs:
        file = folder / path
        if file.name == "probe.json":
            marks = json.loads(file.read_text(encoding="utf-8"))["probe"] if file.exists() else {}
        else:
            found[path] = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""
    return Ended(how, cpu_seconds, found, marks)


# --- mutants --------------------------------------------------------------------------------------


def edits(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    """The single changes of a node, each with its kind."""
    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            yield "operator", lambda each: _with(each, op=SWAPS[type(each.op)]())
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield "comparison", lambda each: _with(each, ops=[SWAPS[type(each.ops[0])]()])
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "operator", lambda each: each.operand
        case ast.Constant(value=bool()):
            yield "constant", lambda each: ast.Constant(not each.value)
        case ast.Constant(value=int() | float()):
            yield "constant", lambda each: ast.Constant(each.value + 1)
            yield "constant", lambda each: ast.Constant(each.value - 1)
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "statement", lambda each: ast.Pass()
    if isinstance(node, ast.AugAssign):
        yield "statement", lambda each: ast.Pass()


def _with(node: ast.AST, **parts: Any) -> ast.AST:
    for name, value in parts.items():
        setattr(node, name, value)
    return node


class Replace(ast.NodeTransformer):
    """Replaces one node of a tree by what an edit makes of it."""

    def __init__(self, target: ast.AST, edit: Edit) -> None:
        self.target, self.edit = target, edit

    def visit(self, node: ast.AST) -> Any:
        """The edited node in the target's place; all others as they are."""
        if node is self.target:
            return ast.copy_location(self.edit(copy.deepcopy(node)), node)
        return self.generic_visit(node)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Each function and method with its dotted name; those inside functions come with the outer
    one."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, ast.FunctionDef))


def candidates(path: str, lines: set[int]) -> Iterator[tuple[str, str, int, ast.AST, Edit]]:
    """(function, kind, line, node, edit) of each change on executed lines inside functions of a
    source."""
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    for name, function in functions(tree):
        if not lines & {line for node in function.body for line in range(node.lineno, (node.end_lineno or 0) + 1)}:
            continue  # defined, and never called
        defaults = [each for each in [*function.args.defaults, *function.args.kw_defaults] if each is not None]
        nodes = [node for part in function.body for node in ast.walk(part) if getattr(node, "lineno", 0) in lines]
        for node in [*nodes, *(node for each in defaults for node in ast.walk(each))]:
            kind = "default argument" if node in defaults else ""
            for own, edit in edits(node):
                yield name, kind or own, node.lineno, node, edit


def draw(task: Task, lines: dict[str, set[int]], number: int, generator: random.Random) -> list[tuple[str, Mutant]]:
    """So many mutants of what a job executes, with their kinds; each change is as likely as any
    other."""
    pool = [(path, *found) for path, own in sorted(lines.items()) for found in candidates(path, own)]
    chosen = generator.sample(pool, min(number, len(pool)))
    return [(kind, mutate(path, name, line, node, edit)) for path, name, kind, line, node, edit in chosen]


def mutate(path: str, function: str, line: int, node: ast.AST, edit: Edit) -> Mutant:
    """The source with one node changed."""
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    target = next(
        each
        for each in ast.walk(tree)
        if type(each) is type(node)
        and ast.dump(each, include_attributes=True) == ast.dump(node, include_attributes=True)
    )
    shown = " -> ".join(ast.unparse(each)[:80] for each in (node, edit(copy.deepcopy(node))))
    within = (SOURCE / path).read_text(encoding="utf-8").splitlines()[line - 1].strip()
    after = ast.unparse(ast.fix_missing_locations(Replace(target, edit).visit(tree)))
    return Mutant(path, function, line, f"{shown} in: {within[:90]}", after)


def digest(task: Task, mutant: Mutant | None) -> str:
    """The digest of the command's code, with a source changed."""
    from relatent.jobs.closure import Sources

    files = dict(Sources.on_disk(SOURCE).files)
    if mutant is not None:
        files[mutant.path] = mutant.text.encode()
    return Sources(files).closures(task.key)[task.key].code


# --- the campaign ---------------------------------------------------------------------------------


def as_it_is(task: Task, run: Path, folder: Path) -> tuple[Ended, dict[str, set[int]]]:
    """Run a job unchanged, once for what it leaves and its CPU seconds, and once for the lines that
    it executes."""
    found = []
    for traced in (False, True):
        _, status, use = os.wait4(start(task, run, folder, None, 600, traced), 0)
        found.append(ended(task, folder, status, use.ru_utime + use.ru_stime))
        if found[-1].how != "well":
            raise SystemExit(f"{task.name}: {(folder / 'said.txt').read_text()[-500:]}")
    recorded = {path: hashlib.sha256((run / path).read_bytes()).hexdigest() for path in found[0].outputs}
    if not recorded == found[0].outputs == found[1].outputs:
        raise SystemExit(f"{task.name}: not as recorded, so no change can be seen")
    lines: dict[str, set[int]] = {}
    for path, line in json.loads((folder / "lines.json").read_text(encoding="utf-8")):
        lines.setdefault(path, set()).add(line)
    shutil.rmtree(folder)
    return found[0], lines


def verdict(known: Ended, found: Ended) -> str:
    """What a mutant did, and whether the probe saw it."""
    if found.how != "well":
        return found.how
    seen = "probe differs" if found.marks != known.marks else "probe as before"
    return f"other bytes, {seen}" if found.outputs != known.outputs else f"same bytes, {seen}"


def campaign(task: Task, run: Path, folder: Path, number: int, generator: random.Random) -> Iterator[dict[str, Any]]:
    """Run a job's mutants, as many at once as there are cores; a row for each."""
    known, lines = as_it_is(task, run, folder / "whole")
    own = digest(task, None)
    waiting = draw(task, lines, number, generator)
    running: dict[int, tuple[str, Mutant, Path]] = {}
    cores = len(os.sched_getaffinity(0))
    while waiting or running:
        while waiting and len(running) < cores:
            kind, mutant = waiting.pop()
            place = folder / f"{len(waiting)}"
            running[start(task, run, place, mutant, FAR * known.cpu_seconds)] = kind, mutant, place
        pid, status, use = os.wait4(-1, 0)
        kind, mutant, place = running.pop(pid)
        found = ended(task, place, status, use.ru_utime + use.ru_stime)
        shutil.rmtree(place)
        yield {
            "job": task.name,
            "kind": kind,
            "place": f"{mutant.path}:{mutant.line} {mutant.function}",
            "change": mutant.change,
            "found": verdict(known, found),
            "different": [path for path in known.outputs if found.outputs[path] != known.outputs[path]],
            "digest": "changed" if digest(task, mutant) != own else "same",
            "mutant": mutant,
        }


def write_patch(mutant: Mutant, target: Path) -> None:
    """Write the patch that leads from a mutant to the source as it is."""
    now = (SOURCE / mutant.path).read_text(encoding="utf-8")
    name = f"src/{mutant.path}"
    rows = difflib.unified_diff(mutant.text.splitlines(True), now.splitlines(True), f"a/{name}", f"b/{name}", n=3)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(row if row.endswith("\n") else f"{row}\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Print one line per mutant and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", default=JOBS, help="they share the mutants equally")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/mutants"))
    parser.add_argument("--patches", type=Path)
    options = parser.parse_args()
    import h5py  # noqa: F401
    import numba  # noqa: F401
    import numpy as np  # noqa: F401
    import pydantic  # noqa: F401
    import scipy.sparse  # noqa: F401
    import torch  # noqa: F401
    import typer  # noqa: F401

    counts, digests = Counter[str](), Counter[str]()
    chosen = tasks(options.run.resolve(), options.jobs)
    for task in chosen:
        generator = random.Random(f"{options.seed} {task.name}")
        for row in campaign(
            task, options.run.resolve(), options.folder / task.name, options.mutants // len(chosen), generator
        ):
            mutant = row.pop("mutant")
            print(json.dumps(row), flush=True)
            counts[row["found"]] += 1
            digests[row["digest"]] += 1
            if options.patches and row["found"] == "other bytes, probe as before":
                write_patch(mutant, options.patches / f"{task.name}-{mutant.line}-{sum(counts.values())}.patch")
    for found, number in [*counts.most_common(), *((f"digest {each}", n) for each, n in digests.items())]:
        print(f"{number:4} {found}")


if __name__ == "__main__":
    main()

"""Build the command lines of stages: logging, one thread per process, one-line error messages."""

from __future__ import annotations

import contextlib
import errno
import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from relatent.errors import InputError, ProbeEnded
from relatent.jobs.seal import refusal, sealed_from

# One BLAS thread per process, set before numpy is imported: Snakemake sets a count of its own, DVC
# sets none, and results must not depend on the count. Jobs and worker threads run in parallel.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

Log = Annotated[
    Path | None,
    typer.Option(help="File that messages are also written to.", callback=lambda path: open_log(path)),
]
Params = Annotated[Path, typer.Option(help="Parameter file (YAML).")]
PARAMS = Path("params.yaml")
ProbeFile = Annotated[
    Path | None,
    typer.Option("--probe", help="JSON to write: digests after the first steps; RELATENT_PROBE=1 ends the job there."),
]

# faults of the machine, not of the program: reported in one line
MACHINE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG}
# faults of a given path, with the words that report each
PATH_ERRORS = {
    errno.ENOENT: "no such file",
    errno.EISDIR: "a folder, allowed: a file",
    errno.ENOTDIR: "one of its folders is a file",
    errno.EEXIST: "a file, allowed: a folder",
    errno.ENAMETOOLONG: "too long a name",
    errno.ELOOP: "links that lead in a circle",
}
FOLDER = "folder"  # options of this name take a folder; all other paths are files

logger = logging.getLogger("relatent")


class Command(TyperCommand):
    """Check the paths of a command before it starts, so that a wrong path costs no training."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command; InputError if a folder is given as a file, or a file as a folder."""
        kinds = path_options(self.callback) if self.callback else {}
        for name, wants_folder in kinds.items():
            given = ctx.params.get(name)
            for path in map(Path, given if isinstance(given, list | tuple) else [given] if given else []):
                check_kind(path, wants_folder=wants_folder)
        return super().invoke(ctx)


def path_options(command: Callable[..., Any]) -> dict[str, bool]:
    """Return the path parameters of a command, {name: True if it is a folder}."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    return {option.name: option.name == FOLDER for option in parameters if "Path" in str(option.annotation)}


def check_kind(path: Path, *, wants_folder: bool) -> None:
    """Raise InputError if the path is a folder in place of a file, or a file in place of a folder.

    A missing path passes: the command itself decides whether it needs the path.
    """
    if path.is_dir() and not wants_folder:
        raise InputError(wrong_path(path, errno.EISDIR))
    if path.is_file() and wants_folder:
        raise InputError(wrong_path(path, errno.EEXIST))


def wrong_path(path: str | bytes | Path, number: int) -> str:
    """Describe what is wrong with a path; add the working directory to a relative path."""
    shown = Path(os.fsdecode(path))
    return f"{shown}: {PATH_ERRORS[number]}" + ("" if shown.is_absolute() else f"; seen from {Path.cwd()}")


class Stage(typer.Typer):
    """Collect the commands of a stage; give each the option `--log` beside its own options."""

    def command(self, *arguments: Any, **options: Any) -> Any:
        """Return a decorator that adds a function as a command."""
        add = super().command(*arguments, **{"cls": Command} | options)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            add(logged(function))
            return function

        return decorate


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `--log`, whose callback opens the log."""

    @functools.wraps(function)
    def command(*, log: Path | None, **options: Any) -> Any:
        return function(**options)

    own = inspect.signature(function, eval_str=True)
    added = inspect.Parameter("log", inspect.Parameter.KEYWORD_ONLY, annotation=Log, default=None)
    # evaluated annotations: typer would look up the names of quoted ones in this module
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), added])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in command.__signature__.parameters.values()}  # type: ignore[attr-defined]
    return command


def stage(help: str) -> typer.Typer:
    """Return the command line of one stage; `@app.command()` adds a command to it."""
    app = Stage(help=help, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(lambda: None)  # so that a stage with one command also takes that command's name
    return app


def open_log(path: Path | None) -> Path | None:
    """Send messages to stderr and, when a path is given, to that file as well."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=handlers, force=True)
    return path


def run(app: typer.Typer | Any) -> None:
    """Run a command line; exit with one line and status 1 if the user or the machine is at fault.

    A job of the pipeline is first checked against its plan and sealed. If it succeeds, its use of
    time and memory is recorded. With RELATENT_DEBUG=1 an error shows its traceback.
    """
    from relatent.jobs import plan, use

    try:
        job = plan.begin()
        if job is not None:
            sealed_from(job.name, reads=job.reads(), writes=job.writes())
        try:
            with contextlib.suppress(ProbeEnded):
                app()
        except SystemExit as done:
            if not done.code:
                plan.end(job)
                use.record(job.notes if job else [])
            raise
    except Exception as error:
        message = refusal(error) or mistake(error)
        if message is None:
            raise
        stop(message, error)


def mistake(error: Exception) -> str | None:
    """Describe a fault of the user or the machine in one line; return None for any other error."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno in PATH_ERRORS and error.filename is not None:
        return wrong_path(error.filename2 or error.filename, error.errno)
    if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
        return f"{error.filename or 'output'}: {os.strerror(error.errno)}; nothing was left half-written"
    return f"not enough memory: {error}" if isinstance(error, MemoryError) else None


def stop(message: str, error: BaseException) -> None:
    """Log one line and exit with status 1; with RELATENT_DEBUG, raise the error itself instead."""
    if os.environ.get("RELATENT_DEBUG"):
        raise error
    if not logging.getLogger().handlers:
        open_log(None)
    logger.error("error: %s", message)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk or a closed pipe: Python would report it again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(1)

"""What every stage's command line shares: the log, the thread count, and one line for a user's mistake."""

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

from latents.errors import InputError, ProbeEnded
from latents.jobs.seal import refusal, sealed_from

# One BLAS thread per process, set before numpy is imported: Snakemake exports its own count and DVC none, and results
# must not depend on it. Parallelism comes from jobs and from worker threads that share blocks.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

Log = Annotated[
    Path | None,
    typer.Option(help="Also write messages to this file; its folder is made.", callback=lambda path: open_log(path)),
]
Params = Annotated[Path, typer.Option(help="The parameter file.")]
PARAMS = Path("params.yaml")
ProbeFile = Annotated[
    Path | None,
    typer.Option("--probe", help="JSON to write: digests after the first steps; LATENTS_PROBE=1 ends the job there."),
]

# what the machine, not the program, is to blame for: one line is all there is to say
MACHINE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG}
# what the path, not the program, is to blame for
PATH_ERRORS = {
    errno.ENOENT: "no such file",
    errno.EISDIR: "a folder, allowed: a file",
    errno.ENOTDIR: "one of its folders is a file",
    errno.EEXIST: "a file, allowed: a folder",
    errno.ENAMETOOLONG: "too long a name",
    errno.ELOOP: "links that lead in a circle",
}
FOLDER = "folder"  # the name of every option that takes a folder; all other paths are of files

logger = logging.getLogger("latents")


class Command(TyperCommand):
    """A command that looks at its paths before it begins: a folder in a file's place costs no training."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own context below
        """Run the command; InputError when a folder stands where a file is expected, or a file for a folder."""
        kinds = path_options(self.callback) if self.callback else {}
        for name, wants_folder in kinds.items():
            given = ctx.params.get(name)
            for path in map(Path, given if isinstance(given, list | tuple) else [given] if given else []):
                check_kind(path, wants_folder=wants_folder)
        return super().invoke(ctx)


def path_options(command: Callable[..., Any]) -> dict[str, bool]:
    """The parameters of a command that are paths, and whether each is of a folder."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    return {option.name: option.name == FOLDER for option in parameters if "Path" in str(option.annotation)}


def check_kind(path: Path, *, wants_folder: bool) -> None:
    """InputError when something of the other kind is there; what is not there is for the command to judge."""
    if path.is_dir() and not wants_folder:
        raise InputError(wrong_path(path, errno.EISDIR))
    if path.is_file() and wants_folder:
        raise InputError(wrong_path(path, errno.EEXIST))


def wrong_path(path: str | bytes | Path, number: int) -> str:
    """What is wrong with a path, and from where a relative one is seen."""
    shown = Path(os.fsdecode(path))
    return f"{shown}: {PATH_ERRORS[number]}" + ("" if shown.is_absolute() else f"; seen from {Path.cwd()}")


class Stage(typer.Typer):
    """A command line of such commands; each takes `--log` beside its own options."""

    def command(self, *arguments: Any, **options: Any) -> Any:
        """Add a command."""
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
    # annotations without the quotes of `from __future__ import annotations`: typer would look their names up here
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), added])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in command.__signature__.parameters.values()}  # type: ignore[attr-defined]
    return command


def stage(help: str) -> typer.Typer:
    """The command line of one stage; its commands are added with `@app.command()`."""
    app = Stage(help=help, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback()(lambda: None)  # a stage with one command still takes the command's name
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
    """Run a command line; a user's or the machine's fault ends it with one line and status 1.

    A job of a run is held to its plan first, and sealed; what it used is recorded when it ended well. LATENTS_DEBUG=1
    shows the traceback.
    """
    from latents.jobs import plan, use

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
    """Say in one line what the user or the machine did wrong; None for what is our fault."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno in PATH_ERRORS and error.filename is not None:
        return wrong_path(error.filename2 or error.filename, error.errno)
    if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
        return f"{error.filename or 'output'}: {os.strerror(error.errno)}; nothing was left half-written"
    return f"not enough memory: {error}" if isinstance(error, MemoryError) else None


def stop(message: str, error: BaseException) -> None:
    """Log one line, or raise the error itself when LATENTS_DEBUG is set; exit with status 1."""
    if os.environ.get("LATENTS_DEBUG"):
        raise error
    if not logging.getLogger().handlers:
        open_log(None)
    logger.error("error: %s", message)
    raise SystemExit(1)

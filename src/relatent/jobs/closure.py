"""Compute digests of the code and the environment that each command of a stage uses.

The code of a command is its module closure: the stage's module without its other commands, every
module of ours that it imports (also inside functions, and as packages), and data files beside these
modules. Each module counts as its syntax tree without comments, docstrings, help texts and
annotations of plain functions. Anything that may change a result changes the digest; layout and
help texts do not.

A package whose `__init__.py` defines `__getattr__` imports its names on first use. Such a name in
an import hides the module that it comes from. A closure with such an import is refused: the import
must name the module.

The environment is Python's minor version and the distributions that the closure imports, with their
requirements.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

PACKAGE = __name__.partition(".")[0]
NAMES = (PACKAGE, "latents")  # ours, and the one before version 0.2, for revisions of that time
STAGE = re.compile(rf"(?:{'|'.join(NAMES)})\.stages\.")
# arguments that only people read, by function
SAYS = {"Option": "help", "Argument": "help", "Field": "description", "stage": "help"}
CARRIERS = {"typer", "tqdm"}  # they pass arguments and show progress; no result depends on them


class Part(NamedTuple):
    """What a module, or one command of it, adds to a closure."""

    digest: str
    modules: frozenset[str]  # imported modules of ours
    externals: frozenset[str]  # top-level names of imported modules of others


class Closure(NamedTuple):
    """Everything that a command's code consists of."""

    files: dict[str, str]  # digest of each module, by its path below src
    externals: frozenset[str]

    @property
    def code(self) -> str:
        """Return the digest of all modules together."""
        return _short("".join(f"{path} {digest}\n" for path, digest in sorted(self.files.items())))


class Sources:
    """Sources of our package, {path below src: content}, on disk or at a revision."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self._package_name = next(iter(files), PACKAGE).partition("/")[0]
        self._paths = {_module(path): path for path in files if path.endswith(".py")}
        self._lazy = {_module(path) for path in files if path.endswith("/__init__.py") and _is_lazy(files[path])}
        self._trees: dict[str, ast.Module] = {}
        self._parts: dict[str, Part] = {}

    @classmethod
    def on_disk(cls, source: Path) -> Sources:
        """Read the package below a folder `src`."""
        paths = (path for path in (source / PACKAGE).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return cls({path.relative_to(source).as_posix(): path.read_bytes() for path in paths})

    def closures(self, only: str = "") -> dict[str, Closure]:
        """Return the closure of each stage's commands, or of one, by keys such as "vae-train"."""
        found = {}
        for module in sorted(filter(STAGE.match, self._paths)):
            if only.startswith(key(module, "")) or not only:
                tree = self._tree(module)
                for command in _commands(tree).values():
                    found[key(module, command)] = self._closure(module, self._part(module, _only(tree, command)))
        return found

    def tree(self, path: str, command: str) -> ast.Module:
        """Return the syntax tree of a module (by path) as it counts for a command (by key)."""
        module, tree = _module(path), self._tree(_module(path))
        return next((_only(tree, own) for own in _commands(tree).values() if key(module, own) == command), tree)

    def _closure(self, module: str, own: Part) -> Closure:
        parts, pending = {module: own}, {*own.modules, *_packages(module)}
        while pending:
            name = pending.pop()
            if name not in parts:
                parts[name] = self._whole(name)
                pending |= {*parts[name].modules, *_packages(name)}
        externals = frozenset().union(*(part.externals for part in parts.values()))
        return Closure({self._paths[name]: part.digest for name, part in parts.items()}, externals)

    def _whole(self, module: str) -> Part:
        if module not in self._parts:
            self._parts[module] = self._part(module, self._tree(module))
        return self._parts[module]

    def _tree(self, module: str) -> ast.Module:
        if module not in self._trees:
            content = self.files[self._paths[module]]
            self._trees[module] = _Bare(keep_docstrings=b"__doc__" in content).visit(ast.parse(content))
        return self._trees[module]

    def _part(self, module: str, tree: ast.Module) -> Part:
        nodes = list(ast.walk(_without_getattr(tree) if module in self._lazy else tree))
        imported, ours = set(_imports(nodes, self._package(module))), set()
        for found in sorted(imported):
            name = found
            while name.startswith(f"{self._package_name}.") and name not in self._paths:
                name = name.rpartition(".")[0]  # the name is a function or a class of a module
            if name in self._lazy:
                raise ValueError(
                    f"{self._paths[module]}: imports {found}; {name} is lazy: name the module that defines it"
                )
            if name in self._paths:
                ours.add(name)
        others = {name.partition(".")[0] for name in imported} - {self._package_name} - sys.stdlib_module_names
        return Part(_short(ast.dump(tree), *self._beside(module, nodes)), frozenset(ours), frozenset(others))

    def _package(self, module: str) -> str:
        return module if self._paths[module].endswith("__init__.py") else module.rpartition(".")[0]

    def _beside(self, module: str, nodes: list[ast.AST]) -> Iterator[bytes]:
        """Yield the contents of files beside the module that its text names."""
        folder = str(PurePosixPath(self._paths[module]).parent)
        names = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for path in sorted(f"{folder}/{name}" for name in names if not name.endswith(".py")):
            if path in self.files:
                yield self.files[path]


def key(module: str, command: str) -> str:
    """Return the name of a command in code.json, without dots: DVC reads dots as levels.

    Examples
    --------
    >>> key("relatent.stages.figures.rnn", "curves")
    'figures-rnn-curves'
    """
    return "-".join([*STAGE.sub("", module, count=1).split("."), command])


def key_of(command: str) -> str | None:
    """Return the key of a shell command that runs a stage; None for any other command.

    Examples
    --------
    >>> key_of("PYTHONPATH=src python -m relatent.stages.vae train --run mlp_2d")
    'vae-train'
    """
    words = command.split()
    at = next((place for place, word in enumerate(words) if STAGE.match(word)), None)
    return None if at is None or at + 1 == len(words) else key(words[at], words[at + 1])


def _short(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()[:16]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _is_lazy(content: bytes) -> bool:
    return any(getattr(node, "name", None) == "__getattr__" for node in ast.parse(content).body)


def _without_getattr(tree: ast.Module) -> ast.Module:
    return ast.Module([node for node in tree.body if getattr(node, "name", None) != "__getattr__"], [])


def _packages(module: str) -> Iterator[str]:
    """Yield the packages that contain a module: Python runs them first."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def _imports(nodes: list[ast.AST], package: str) -> Iterator[str]:
    """Yield the dotted names that a tree imports, modules as well as things in them."""
    for node in nodes:
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
                plain = (alias.name for alias in node.names if alias.asname is None)
                # all are reached by attribute
                yield from (above for name in plain for above in _packages(name))
            case ast.ImportFrom():
                above = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
                base = ".".join(filter(None, (above, node.module)))
                yield from (f"{base}.{alias.name}" for alias in node.names)
            case ast.Call(func=ast.Name("import_module") | ast.Attribute(attr="import_module"), args=[first, *_]):
                if not isinstance(first, ast.Constant):
                    raise ValueError(f"line {node.lineno}: a closure cannot see what a computed name imports")
                yield str(first.value)


class _Bare(ast.NodeTransformer):
    """Remove from a tree what no result depends on."""

    def __init__(self, *, keep_docstrings: bool) -> None:
        self._keep, self._inside = keep_docstrings, 0

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._body(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._body(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        arguments = node.args
        if not node.decorator_list:  # decorators (typer, pydantic) may read annotations
            for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                each.annotation = None
            node.returns = None
        self._inside += 1
        node = self._body(node)
        self._inside -= 1
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if not self._inside or node.value is None:
            return node
        return ast.Assign([node.target], node.value)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if getattr(node.test, "id", "") == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        said = SAYS.get(str(getattr(node.func, "id", "") or getattr(node.func, "attr", "")))
        node.keywords = [each for each in node.keywords if said is None or each.arg != said]
        return self.generic_visit(node)

    def _body(self, node: Any) -> Any:
        first = node.body[0] if node.body else None
        if not self._keep and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:]
        return self.generic_visit(node)


def _commands(tree: ast.Module) -> dict[str, str]:
    """Return the commands of a stage's module, {function: command}."""
    found = {}
    for node in (each for each in tree.body if isinstance(each, ast.FunctionDef)):
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "app.command":
                found[node.name] = ast.literal_eval(mark.args[0]) if mark.args else node.name.replace("_", "-")
    return found


def _only(tree: ast.Module, command: str) -> ast.Module:
    """Keep what a command refers to, directly or indirectly, and all except definitions."""
    commands = _commands(tree)
    own = next(name for name, found in commands.items() if found == command)
    kept = {id(node) for node in tree.body if not _defines(node) or own in _defines(node)}
    while True:
        nodes = [node for node in tree.body if id(node) in kept]
        used = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)]
        named = {each.id for each in used if isinstance(each.ctx, ast.Load)}
        more = {id(node) for node in tree.body if named & _defines(node)} - kept
        if not more:
            return ast.Module(nodes, [])
        kept |= more


def _defines(node: ast.stmt) -> set[str]:
    """Return the names that a function, class or assignment defines; empty for other statements."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return set()


# --- the environment ------------------------------------------------------------------------------


@cache
def distributions(external: str) -> frozenset[str]:
    """Return the installed distributions behind an imported name, with all their requirements."""
    found: set[str] = set()
    pending: set[tuple[str, tuple[str, ...]]] = {(name, ()) for name in _by_import().get(external, [external])}
    while pending:
        name, extras = pending.pop()
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        canonical = name.lower().replace("_", "-").replace(".", "-")
        if canonical not in found:
            found.add(canonical)
            pending |= set(_needed(required, extras))
    return frozenset(found)


@cache
def _by_import() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _needed(required: Iterable[str], extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    from packaging.requirements import Requirement

    for text in required:
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield need.name, tuple(sorted(need.extras))


_version = cache(metadata.version)


def versions(externals: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of the distributions behind some imported names, sorted."""
    names = set().union(*(distributions(external) for external in externals if external not in CARRIERS))
    found = {name: _version(name) for name in sorted(names)}
    return {"python": ".".join(map(str, sys.version_info[:2]))} | found


def table(closures: Mapping[str, Closure]) -> dict[str, dict[str, str]]:
    """Return the content of code.json.

    It has digests of code and environment per command, and the versions behind the latter.
    """
    found = {
        name: {"code": each.code, "environment": _short(repr(versions(each.externals)))}
        for name, each in sorted(closures.items())
    }
    return found | {"distributions": versions(frozenset().union(*(each.externals for each in closures.values())))}

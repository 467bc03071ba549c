"""The rules of the house as functions over parsed source: modules in, faults out.

A fault is one line, `path:line: what is wrong`. The rules know nothing of the
file system but `read_house`, so that each can be shown to fail on made-up source.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

RANKS = {
    "core": 0,
    "sealing": 1,
    "ledger": 1,
    "transport": 1,
    "host": 1,
    "station": 2,
    "desk": 3,
    "drill": 4,
    "review": 4,
    "tui": 5,
    "cli": 6,
    "__main__": 7,
}
TUI_SEES = {"core", "desk", "drill", "review", "tui"}

HOMES = {
    "textual": ("hotline.tui",),
    "websockets": ("hotline.transport",),
    "sqlite3": ("hotline.ledger", "hotline.transport.relay"),
    "nats": ("hotline.transport.relay",),
    "keyring": ("hotline.host.keyring",),
    "sqlite_utils": ("hotline.ledger", "hotline.transport.relay"),
    "cryptography": ("hotline.sealing", "hotline.host.keyfile"),
    "nacl": ("hotline.sealing", "hotline.host.keyfile"),
    "fluent": ("hotline.host",),
    "babel": ("hotline.host",),
    "typer": ("hotline.cli",),
    "time": ("hotline.host",),
    "secrets": ("hotline.host",),
    "uuid": ("hotline.host",),
    "random": ("hotline.host",),
    "nacl.utils.random": ("hotline.host",),
    "os.urandom": ("hotline.host",),
    "os.getrandom": ("hotline.host",),
    "datetime.datetime.now": ("hotline.host",),
    "datetime.datetime.utcnow": ("hotline.host",),
    "datetime.datetime.today": ("hotline.host",),
    "datetime.date.today": ("hotline.host",),
    "print": ("hotline.cli",),
    "input": ("hotline.cli",),
}
"""Capability to the packages or modules that may use it; a dotted one is found in use, too."""

CORE_PACKAGES = {"hotline", "pydantic"} | set(sys.stdlib_module_names)
CORE_BANNED = {
    "asyncio",
    "ctypes",
    "http",
    "importlib",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "select",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "urllib",
}
BANNED_WORDS = {"util", "helper", "manager", "common", "misc", "data", "info", "process"}
GIVEN_NAMES = {"data_received"}
"""Methods that a library calls by that name: asyncio.Protocol's."""
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file. `path` is relative to the repository, as in "hotline/core/text.py"."""

    path: str
    source: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def floor(self) -> str:
        return floor_of(self.name)

    def fault(self, line: int, text: str) -> str:
        return f"{self.path}:{line}: {text}"


def parse(path: str, source: str) -> Module:
    return Module(path, source, ast.parse(source, filename=path))


def read_house(top: Path) -> list[Module]:
    paths = sorted((top / "hotline").rglob("*.py"))
    return [parse(path.relative_to(top).as_posix(), path.read_text("utf-8")) for path in paths]


def floor_of(name: str) -> str:
    """Return the floor of a dotted name under hotline, "" for hotline itself."""
    return name.split(".")[1] if name.count(".") else ""


def within(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import at any depth, relative ones resolved.

    `from a import b` yields both "a" and "a.b": b may be a module or a name in a.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    up = node.level - 1 if module.is_package else node.level
    parts = module.name.split(".")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def uses(module: Module) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import and of every name used, import aliases undone."""
    yield from imports(module)
    aliases = _aliases(module)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            dotted = _dotted(node, aliases)
            if dotted:
                yield node.lineno, dotted


def _aliases(module: Module) -> dict[str, str]:
    found = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            found |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    return found


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id if node.id in ("print", "input") else None)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, aliases)
        return base and f"{base}.{node.attr}"
    return None


def floor_faults(modules: Iterable[Module]) -> list[str]:
    """Imports that point up or to a sibling, and modules on no known floor."""
    return _unique(fault for module in modules for fault in _floor_faults(module))


def _floor_faults(module: Module) -> Iterator[str]:
    ours = module.floor
    if ours and ours not in RANKS:
        yield module.fault(1, f"{ours} is no floor of the house")
        return
    for line, target in imports(module):
        theirs = floor_of(target) if within(target, ["hotline"]) else ""
        if theirs not in RANKS or theirs == ours:
            continue
        if RANKS[theirs] > RANKS.get(ours, 0):
            yield module.fault(line, f"{ours or 'hotline'} imports {theirs}, a floor above it")
        elif RANKS[theirs] == RANKS.get(ours, 0):
            yield module.fault(line, f"{ours or 'hotline'} imports {theirs}, its sibling")


def tui_faults(modules: Iterable[Module]) -> list[str]:
    """Imports of the console that go past desk, drill, review and core."""
    return _unique(
        module.fault(line, f"tui imports {floor_of(target)}; it sees desk, drill, review and core")
        for module in modules
        if module.floor == "tui"
        for line, target in imports(module)
        if within(target, ["hotline"]) and floor_of(target) in RANKS.keys() - TUI_SEES
    )


def hidden_import_faults(modules: Iterable[Module]) -> list[str]:
    """Imports by a name that is only known at run time: no rule could see them."""
    return [
        module.fault(node.lineno, "an import by a computed name hides from the floors")
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in ("__import__", "import_module"))
            or (isinstance(node.func, ast.Attribute) and node.func.attr == "import_module")
        )
    ]


def cycle_faults(modules: Iterable[Module]) -> list[str]:
    """Groups of modules that import one another, at any depth, for types only or not."""
    by_name = {module.name: module for module in modules}
    graph = {
        name: {target for _, target in imports(module) if target in by_name and target != name}
        for name, module in by_name.items()
    }
    # `from package import module` needs the package's charter, which holds no code.
    graph = {
        name: {t for t in targets if not by_name[t].is_package} for name, targets in graph.items()
    }
    return [
        by_name[group[0]].fault(1, f"import cycle: {' -> '.join([*group, group[0]])}")
        for group in _cycles(graph)
    ]


def _cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return for each module in a cycle-ridden group one shortest cycle, no two alike."""
    found: dict[frozenset[str], list[str]] = {}
    for start in sorted(graph):
        paths = [[start]]
        seen = {start}
        while paths:
            path = paths.pop(0)
            if start in graph[path[-1]]:
                found.setdefault(frozenset(path), path)
                break
            fresh = sorted(graph[path[-1]] - seen)
            seen.update(fresh)
            paths += [[*path, target] for target in fresh]
    return list(found.values())


def home_faults(modules: Iterable[Module]) -> list[str]:
    """Capabilities used outside their home."""
    return _unique(
        module.fault(line, f"{capability} belongs to {' and '.join(places)}")
        for module in modules
        for line, target in uses(module)
        for capability, places in HOMES.items()
        if within(target, [capability]) and not within(module.name, places)
    )


def purity_faults(modules: Iterable[Module]) -> list[str]:
    """What the core imports or calls although it does no I/O."""
    return _unique(
        fault for module in modules if module.floor == "core" for fault in _purity_faults(module)
    )


def _purity_faults(module: Module) -> Iterator[str]:
    for line, target in imports(module):
        package = target.partition(".")[0]
        if package not in CORE_PACKAGES:
            yield module.fault(line, f"core imports {package}; it has the stdlib and pydantic")
        elif package in CORE_BANNED:
            yield module.fault(line, f"core imports {package}; it does no I/O")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "open":
            yield module.fault(node.lineno, "core opens a file; it does no I/O")


def charter_faults(modules: Iterable[Module]) -> list[str]:
    """Packages whose __init__.py is anything but a docstring (and the version at the top)."""
    faults = []
    for module in modules:
        if not module.is_package:
            continue
        if not ast.get_docstring(module.tree):
            faults.append(module.fault(1, "a charter is missing: say what lives here"))
        allowed = 1 + (module.name == "hotline")
        faults += [
            module.fault(node.lineno, "__init__.py holds a charter and no code")
            for node in module.tree.body[allowed:]
        ]
    return faults


def length_faults(modules: Iterable[Module]) -> list[str]:
    """Modules over MAX_MODULE_LINES and functions over MAX_FUNCTION_LINES, docstrings included."""
    faults = []
    for module in modules:
        lines = len(module.source.splitlines())
        if lines > MAX_MODULE_LINES:
            faults.append(module.fault(1, f"{lines} lines, the bound is {MAX_MODULE_LINES}"))
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    text = f"{node.name} has {length} lines, the bound is {MAX_FUNCTION_LINES}"
                    faults.append(module.fault(node.lineno, text))
    return faults


def name_faults(modules: Iterable[Module]) -> list[str]:
    """Modules, classes and functions whose name holds a word that says nothing."""
    faults = []
    for module in modules:
        names = [(1, part) for part in module.name.split(".")[-1:]]
        found = (n for n in ast.walk(module.tree) if isinstance(n, Definition))
        names += [(n.lineno, n.name) for n in found if n.name not in GIVEN_NAMES]
        for line, name in names:
            empty = sorted(_words(name) & BANNED_WORDS)
            faults += [module.fault(line, f"{name}: '{word}' says nothing") for word in empty]
    return faults


def _words(name: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(name)}
    return (
        words | {word.removesuffix("es") for word in words} | {w.removesuffix("s") for w in words}
    )


def docstring_faults(modules: Iterable[Module]) -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    return [
        module.fault(line, f"{name} has no docstring")
        for module in modules
        for line, name, node in _public(module)
        if not ast.get_docstring(node)
    ]


def _public(module: Module) -> Iterator[tuple[int, str, ast.Module | Definition]]:
    yield 1, module.name, module.tree
    rooms: list[ast.Module | ast.ClassDef] = [module.tree]
    while rooms:
        for node in rooms.pop().body:
            if not isinstance(node, Definition) or node.name.startswith("_"):
                continue
            if isinstance(node, ast.ClassDef):
                rooms.append(node)
            if not _documented_elsewhere(node):
                yield node.lineno, node.name, node


def _documented_elsewhere(node: Definition) -> bool:
    """Whether the docstring stands at the getter, the implementation or the base class."""
    ends = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(ends & {"setter", "deleter", "overload", "override"})


def unfinished_faults(modules: Iterable[Module]) -> list[str]:
    """Marks of work left over."""
    return [
        module.fault(number, f"{match.group()} marks unfinished work; finish it or leave it out")
        for module in modules
        for number, line in enumerate(module.source.splitlines(), start=1)
        if (match := _UNFINISHED.search(line))
    ]


def _unique(faults: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(faults))

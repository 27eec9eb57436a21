"""Importing tools that a user names: a dotted module, a folder, or a file.

The packages *above* the named one are not run: those of a benchmark import its whole harness,
model clients included, and the tools need none of it. They are made as empty packages that
only say where their modules lie, so that ``from tau_bench.envs.tool import Tool`` works.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from neveridle.errors import ToolsUnusable

BASE: Final = "tau_bench.envs.tool"
"""Where the benchmark's tools take their base class from."""
_INIT: Final = "__init__.py"
_TOOLS: Final = "tools"
_OURS: Final = "__made_by_neveridle__"
"""An attribute of packages that were made here."""


def load_module(name: str) -> ModuleType:
    """The module of a dotted name, or of the path of a folder or ``.py`` file.

    A package that has a module ``tools`` stands for that one: the domain of a benchmark.

    Raises:
        ToolsUnusable: there is none, or it cannot be imported; says why.
    """
    path = Path(name)
    if path.exists() and (path.is_dir() or path.suffix == ".py"):
        whole = path.resolve()
        inner = whole / _TOOLS
        return _from_path(inner if (whole / _INIT).is_file() and inner.is_dir() else whole)
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        msg = f"There is no folder, file or module {name}."
        raise ToolsUnusable(msg, remedy="Name the tools as package.module, or by their path.")
    with _working_folder():
        known = sys.modules.get(name)
        if known is None or hasattr(known, _OURS):
            places = _places(parts[0], name)
            for place in places:
                if Path(place, *parts[1:], _TOOLS, _INIT).is_file():
                    parts = [*parts, _TOOLS]
                    break
            _stand_in_above(parts[:-1], places)
        return _imported(".".join(parts))


def sibling(module: ModuleType, name: str) -> ModuleType | None:
    """The module of that name beside a module, or within it; None: there is none.

    Raises:
        ToolsUnusable: it is there, and cannot be imported.
    """
    above = module.__name__.rpartition(".")[0]
    for package in (module.__name__, above):
        known = sys.modules.get(package)
        if known is None or not hasattr(known, "__path__"):
            continue
        full = f"{package}.{name}"
        if importlib.util.find_spec(full) is not None:
            return _imported(full)
    return None


def _from_path(path: Path) -> ModuleType:
    folder = path if path.is_dir() else path.parent
    inner = [] if path.is_dir() else [path.stem]
    if not (folder / _INIT).is_file():  # no package: its files may still import each other
        known = f"neveridle_tools_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
        package = _empty_package(known, [str(folder)])
        if path.is_dir():
            for file in sorted(path.glob("*.py")):
                setattr(package, file.stem, _imported(f"{known}.{file.stem}"))
            return package
        return _imported(f"{known}.{path.stem}")
    top, names = folder, [folder.name]
    while (top.parent / _INIT).is_file():
        top = top.parent
        names.insert(0, top.name)
    if inner == ["__init__"]:
        inner = []
    _stand_in_above([*names, *inner][:-1], [str(top)])
    if len(names) + len(inner) == 1:  # the folder itself is the whole package
        return _run(names[0], folder)
    return _imported(".".join([*names, *inner]))


def _places(root: str, name: str) -> list[str]:
    """Where the modules of a package lie; it is not run."""
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        msg = f"There is no package {root}, so that {name} cannot be imported."
        raise ToolsUnusable(
            msg, remedy="Install it, add its folder to PYTHONPATH, or give the tools' path."
        )
    return list(spec.submodule_search_locations or ())


def _stand_in_above(names: list[str], places: list[str]) -> None:
    """Make empty packages of these names, the first of which lies at ``places``.

    Raises:
        ToolsUnusable: another package of the first name was imported before.
    """
    if names:
        _make_room(names[0], places)
    for length in range(1, len(names) + 1):
        name = ".".join(names[:length])
        if name not in sys.modules:
            _empty_package(name, places)
        places = [str(Path(place) / names[length]) for place in places if length < len(names)]


def _make_room(top: str, places: list[str]) -> None:
    """Forget a package of ours that lies elsewhere; one that is not ours stays, and is told of."""
    known = sys.modules.get(top)
    if known is None or not set(places).isdisjoint(getattr(known, "__path__", ())):
        return
    if not hasattr(known, _OURS):
        msg = f"There is another package called {top}; the tools' folder cannot have that name."
        raise ToolsUnusable(msg, remedy="Rename the folder that the tools' package is in.")
    _forget(top)


def _forget(top: str) -> None:
    for name in [one for one in sys.modules if one == top or one.startswith(f"{top}.")]:
        del sys.modules[name]


def _empty_package(name: str, places: list[str]) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = places
    setattr(package, _OURS, True)
    package.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    package.__spec__.submodule_search_locations = places
    sys.modules[name] = package
    return package


def _imported(name: str) -> ModuleType:
    with _base_class():
        try:
            return importlib.import_module(name)
        except Exception as error:  # the user's code may raise anything
            raise _unimportable(name, error) from error


def _run(name: str, folder: Path) -> ModuleType:
    """The package that lies in a folder, under the folder's name."""
    _make_room(name, [str(folder)])
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, folder / _INIT, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:  # only for files that Python cannot run
        msg = f"{folder} is no Python package."
        raise ToolsUnusable(msg)
    module = importlib.util.module_from_spec(spec)
    setattr(module, _OURS, True)
    sys.modules[name] = module
    with _base_class():
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # the user's code may raise anything
            _forget(name)
            raise _unimportable(name, error) from error
    return module


def _unimportable(name: str, error: Exception) -> ToolsUnusable:
    msg = f"{name} cannot be imported: {type(error).__name__}: {error}."
    remedy = "It must be importable by itself: correct it, or install what it needs."
    return ToolsUnusable(msg, remedy=remedy)


@contextmanager
def _working_folder() -> Generator[None]:
    """Modules are also looked for in the working folder, as ``python -m`` does."""
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


@contextmanager
def _base_class() -> Generator[None]:
    """Give tools that were copied out of tau-bench the base class that they name."""
    root = BASE.partition(".")[0]
    if root in sys.modules or importlib.util.find_spec(root) is not None:
        yield
        return
    names = ["tau_bench", "tau_bench.envs"]
    for name in names:
        _empty_package(name, [])
    module = ModuleType(BASE)
    stand_in: Any = type("Tool", (), {"__doc__": "A tool: ``invoke`` and ``get_info``."})
    module.__dict__["Tool"] = stand_in
    sys.modules[BASE] = module
    try:
        yield
    finally:
        for name in (*names, BASE):
            sys.modules.pop(name, None)

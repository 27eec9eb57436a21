"""The tools of a benchmark's domain, as a user names them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

from neveridle.errors import NeveridleError, ToolsUnusable
from neveridle.evals.importers.authored import OUTCOME
from neveridle.evals.importers.database import Database
from neveridle.evals.importers.packages import load_module, sibling

LIST: Final = "ALL_TOOLS"
OURS: Final = frozenset({OUTCOME, "ask_human", "ask_peer", "escalate"})
"""Tools that the worker brings itself."""
_WHAT: Final = (
    "A tool is a class with invoke(data, **arguments) and get_info(), or a function "
    "with an attribute `info`; they are listed in ALL_TOOLS, or found by that."
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        function: its name, description and parameters, as OpenAI writes functions.
        invoke: what it does: takes the database and named arguments.
    """

    function: Mapping[str, Any]
    invoke: Callable[..., Any]


class Toolset:
    """The tools of a domain, by name.

    Attributes:
        named: how the user named them.
        functions: see ``Tool.function``.
    """

    def __init__(self, named: str, tools: Mapping[str, Tool], module: ModuleType) -> None:
        self.named = named
        self._tools = dict(tools)
        self._module = module

    @classmethod
    def load(cls, named: str) -> Toolset:
        """Import the tools.

        Args:
            named: a dotted module, or the path of a folder or file.

        Raises:
            ToolsUnusable: there are none, or they cannot be used; says why.
        """
        module = load_module(named)
        tools: dict[str, Tool] = {}
        for one in _candidates(module):
            tool = _tool(one)
            name = str(tool.function["name"])
            if name in OURS:
                msg = f"The tool {name} has the name of one of the worker's own."
                raise ToolsUnusable(msg, remedy="Give it another name, also in the recording.")
            if name in tools and tools[name].invoke is not tool.invoke:
                msg = f"{named} has two tools that are called {name}."
                raise ToolsUnusable(msg, remedy=f"List those that count in {LIST}.")
            tools[name] = tool
        if not tools:
            msg = f"{named} has no tools."
            raise ToolsUnusable(msg, remedy=_WHAT)
        return cls(named, tools, module)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    @property
    def names(self) -> list[str]:
        """All names, in alphabetical order."""
        return sorted(self._tools)

    @property
    def functions(self) -> list[Mapping[str, Any]]:
        """What the model is told of them."""
        return [tool.function for tool in self._tools.values()]

    def call(self, data: dict[str, Any], name: str, args: dict[str, Any]) -> str:
        """What a tool says; what it raises is told as ``Error: …``, as tau-bench does."""
        try:
            said = self._tools[name].invoke(data=data, **args)
        except NeveridleError:
            raise
        except Exception as error:  # noqa: BLE001 - a tool's error is an answer to the model
            return f"Error: {error}"
        if said is None:
            return ""
        return said if isinstance(said, str) else json.dumps(said, default=str)

    def database(self) -> Database | None:
        """What the package's own ``load_data()`` gives; None: it has none.

        Raises:
            ToolsUnusable, DatasetInvalid: it has one, and it cannot be used.
        """
        for module in (self._module, sibling(self._module, "data")):
            load = getattr(module, "load_data", None)
            if callable(load):
                return Database.from_function(load)
        return None


def _candidates(module: ModuleType) -> Iterable[Any]:
    listed: Any = getattr(module, LIST, None)
    if isinstance(listed, dict):
        listed = list(cast("dict[str, Any]", listed).values())
    if isinstance(listed, (list, tuple)):
        return cast("list[Any]", listed)
    if listed is not None:
        msg = f"{LIST} of {module.__name__} is {type(listed).__name__}, not a list."
        raise ToolsUnusable(msg, remedy=_WHAT)
    found: dict[int, Any] = {}
    for holder in (module, *_modules(module)):
        for one in vars(holder).values():
            if _is_tool(one):
                found[id(one)] = one
    return found.values()


def _modules(module: ModuleType) -> list[ModuleType]:
    """The modules of a folder that is no package: imported each by itself."""
    prefix = f"{module.__name__}."
    values = vars(module).values()
    return [o for o in values if isinstance(o, ModuleType) and o.__name__.startswith(prefix)]


def _is_tool(one: Any) -> bool:
    if isinstance(one, type):
        own = callable(getattr(one, "invoke", None)) and callable(getattr(one, "get_info", None))
        return own and not inspect.isabstract(one) and _described(one) is not None
    return inspect.isfunction(one) and isinstance(getattr(one, "info", None), dict)


def _described(one: Any) -> Any:
    """What a class says of itself; None: nothing, as a base class."""
    try:
        return one.get_info()
    except Exception:  # noqa: BLE001 - a base class raises; one that is listed says why
        return None


def _tool(one: Any) -> Tool:
    name = getattr(one, "__name__", repr(one))
    info: Any = getattr(one, "info", None)
    invoke: Any = one
    if not inspect.isfunction(one):
        invoke = getattr(one, "invoke", None)
        try:
            info = one.get_info()
        except Exception as error:  # the user's code may raise anything
            msg = f"{name}.get_info() failed: {type(error).__name__}: {error}."
            raise ToolsUnusable(msg, remedy=_WHAT) from error
    known = cast("dict[str, Any]", info) if isinstance(info, dict) else {}
    function: Any = known.get("function", known)
    if not callable(invoke) or not isinstance(function, dict):
        msg = f"{name} is no tool."
        raise ToolsUnusable(msg, remedy=_WHAT)
    said = cast("dict[str, Any]", function)
    if not isinstance(said.get("name"), str) or not said["name"]:
        msg = f"{name} does not say what it is called."
        raise ToolsUnusable(msg, remedy=_WHAT)
    if not isinstance(said.get("parameters", {}), dict):
        msg = f"The parameters of {said['name']} are no JSON Schema."
        raise ToolsUnusable(msg, remedy=_WHAT)
    return Tool(said, invoke)


def database_for(toolset: Toolset, data: Path | None) -> Database:
    """The tables in a folder, or what the tools' package loads itself.

    Raises:
        DatasetInvalid: there are neither.
    """
    from neveridle.errors import DatasetInvalid

    if data is not None:
        return Database.from_folder(data, domain=toolset.named)
    own = toolset.database()
    if own is None:
        msg = f"There is no database: {toolset.named} has no data.load_data()."
        raise DatasetInvalid(msg, remedy="Give the folder of its tables with --data.")
    return own

"""The tools that a user names: what can be imported, and what is said of what cannot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import DatasetInvalid, ToolsUnusable
from neveridle.evals.importers.database import Database, digest
from neveridle.evals.importers.toolset import Toolset, database_for

COPIED = """
from tau_bench.envs.tool import Tool

class Add(Tool):
    @staticmethod
    def invoke(data, n):
        data["sum"] += n
        return str(data["sum"])

    @staticmethod
    def get_info():
        return {"type": "function", "function": {"name": "add", "parameters": {}}}
"""
PLAIN = """
def add(data, n):
    data["sum"] += n
    return str(data["sum"])

add.info = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}

def helper(data):
    return "not a tool"
"""


def uses(named: str | Path) -> None:
    tools, data = Toolset.load(str(named)), {"sum": 1}
    assert tools.names == ["add"]
    assert tools.call(data, "add", {"n": 4}) == "5"
    assert tools.call(data, "add", {}).startswith("Error: ")
    assert data == {"sum": 5}


def test_tools_are_imported_without_the_packages_above_them(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Toolset.load(str(shop)).names == ["look", "odd", "sell", "transfer_to_human_agents"]
    monkeypatch.setattr(sys, "path", [str(shop.parents[3]), *sys.path])
    for name in [one for one in sys.modules if one.partition(".")[0] == "kiosk"]:
        monkeypatch.delitem(sys.modules, name)
    assert "look" in Toolset.load("kiosk.envs.shop.tools")
    for name in [one for one in sys.modules if one.partition(".")[0] == "kiosk"]:
        monkeypatch.delitem(sys.modules, name)
    assert "look" in Toolset.load("kiosk.envs.shop")  # the domain's package has tools
    assert "look" in Toolset.load(str(shop.parent))


def test_tools_that_were_copied_out_of_the_benchmark_find_their_base_class(tmp_path: Path) -> None:
    package = tmp_path / "copied_tools"
    package.mkdir()
    (package / "adding.py").write_text(COPIED)
    (package / "__init__.py").write_text("from .adding import Add\nALL_TOOLS = [Add]\n")
    uses(package)
    assert "tau_bench" not in sys.modules
    (package / "__init__.py").unlink()
    uses(package)  # a folder that is no package
    uses(package / "adding.py")


def test_plain_functions_that_say_what_they_are_will_do(tmp_path: Path) -> None:
    (tmp_path / "calculator.py").write_text(PLAIN)
    uses(tmp_path / "calculator.py")


def test_two_packages_of_one_name_do_not_get_mixed_up(tmp_path: Path) -> None:
    for place, name in (("one", "add"), ("two", "subtract")):
        package = tmp_path / place / "same_name" / "tools"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text(PLAIN.replace('"add"', f'"{name}"'))
        assert Toolset.load(str(package)).names == [name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no tools"),
        ("ALL_TOOLS = []", "has no tools"),
        ("ALL_TOOLS = 3", "is int, not a list"),
        ("ALL_TOOLS = [3]", "failed: AttributeError"),
        ("import nothing_like_this", "No module named 'nothing_like_this'"),
        ("def (", "SyntaxError"),
        (COPIED + "\nclass Sum(Add): invoke = lambda **_: ''\n", "two tools that are called add"),
        (PLAIN.replace('"add"', '"ask_human"'), "one of the worker's own"),
        (PLAIN.replace('{"type": "object"}', "3"), "no JSON Schema"),
        (PLAIN.replace('"name": "add", ', ""), "what it is called"),
    ],
)
def test_tools_that_cannot_be_used_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad_tools.py").write_text(text)
    with pytest.raises(ToolsUnusable) as refused:
        Toolset.load(str(tmp_path / "bad_tools.py"))
    assert said in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("named", ["no/such/folder", "no_such_package.tools", "json.nothing", ""])
def test_tools_that_are_not_there_are_refused(named: str) -> None:
    with pytest.raises(ToolsUnusable) as refused:
        Toolset.load(named)
    assert refused.value.remedy


def test_the_database_is_the_packages_own_where_none_is_given(shop: Path, tables: Path) -> None:
    toolset = Toolset.load(str(shop))
    with pytest.raises(DatasetInvalid, match=r"no data.load_data"):
        database_for(toolset, None)
    data = shop.parent / "data"
    data.mkdir()
    (data / "__init__.py").write_text("def load_data():\n    return {'stock': {'own': 1}}\n")
    own = database_for(toolset, None)
    assert own.fresh() == {"stock": {"own": 1}}
    own.fresh()["stock"]["own"] = 2
    assert own.fresh() == {"stock": {"own": 1}}
    assert database_for(toolset, tables).tables == ["sales", "stock"]


def test_tables_are_named_by_their_files_without_the_domain(tmp_path: Path) -> None:
    (tmp_path / "air_flights.json").write_text('{"f": 1}')
    (tmp_path / "air_old_users.json").write_text("[]")
    assert Database.from_folder(tmp_path).tables == ["flights", "old_users"]
    (tmp_path / "shop_orders.json").write_text("{}")
    with pytest.raises(DatasetInvalid, match="several domains: air, shop"):
        Database.from_folder(tmp_path)
    assert Database.from_folder(tmp_path, domain="x.envs.shop.tools").tables == ["orders"]
    (tmp_path / "users.json").write_text("{}")
    assert "users" in Database.from_folder(tmp_path).tables
    (tmp_path / "users.json").write_text('{"a":')
    with pytest.raises(DatasetInvalid, match=r"users.json is no JSON"):
        Database.from_folder(tmp_path)
    with pytest.raises(DatasetInvalid, match=r"no \.json files"):
        Database.from_folder(tmp_path / "nowhere")


def test_the_hash_is_the_benchmarks(tables: Path) -> None:
    # Computed by the benchmark's own code, for the same value.
    known: Any = {"b": [1, {"z": None, "a": 2.5}], "a": {"y": [], "x": [True]}}
    assert digest(known) == ("7499d833c5a30561ee58324e75d4358f89022aad312985177d917cb2d977a5b3")
    assert digest({"a": {"x": [True], "y": []}, "b": [1, {"a": 2.5, "z": None}]}) == digest(known)
    assert digest(Database.from_folder(tables).fresh()) != digest(known)

"""The graph as LangGraph's users see it: invoked, streamed, drawn, in Studio."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import NotFound
from neveridle.graph.build import build_graph

NODES = {
    "heartbeat",
    "check_dispatch",
    "check_backlog",
    "check_roadmap",
    "check_improvement",
    "rest",
    "claim",
    "work",
    "verify",
    "deliver",
    "reflect",
    "hand_off",
    "park",
    "recover",
}


async def test_one_invocation_is_one_tick_and_never_waits(team: Any) -> None:
    state = await team.graph.ainvoke({"agent": "sam"})
    assert state["path"] == [
        "heartbeat",
        "check_dispatch",
        "check_backlog",
        "check_roadmap",
        "check_improvement",
        "rest",
    ]
    assert state["wait"]["on"] == "wakeup"
    task = await team.dispatch("sam", "Task")
    state = await team.graph.ainvoke({"agent": "sam"})
    assert (state["ending"], state["task"], state["rung"]) == ("completed", task.id, "dispatch")
    with pytest.raises(NotFound):
        await team.graph.ainvoke({"agent": "nobody"})
    with pytest.raises(NotFound):
        await team.graph.ainvoke({"path": []})


async def test_a_tick_can_be_followed_node_by_node(team: Any) -> None:
    await team.dispatch("sam", "Task")
    seen: list[str] = []
    async for update in team.graph.astream({"agent": "sam"}, stream_mode="updates"):
        seen += list(update)
    assert seen == ["heartbeat", "check_dispatch", "claim", "work", "verify", "deliver", "reflect"]


def test_the_tree_draws_itself_with_the_names_of_the_design(project: Any) -> None:
    drawn = build_graph(project.team()).get_graph()
    assert set(drawn.nodes) - {"__start__", "__end__"} == NODES
    edges = {(edge.source, edge.target) for edge in drawn.edges}
    assert {
        ("__start__", "heartbeat"),
        ("heartbeat", "check_dispatch"),
        ("check_dispatch", "check_backlog"),
        ("check_backlog", "check_roadmap"),
        ("check_roadmap", "check_improvement"),
        ("check_improvement", "rest"),
        ("check_roadmap", "claim"),
        ("claim", "work"),
        ("work", "verify"),
        ("verify", "deliver"),
        ("verify", "hand_off"),
        ("deliver", "reflect"),
        ("work", "park"),
        ("work", "recover"),
        ("rest", "__end__"),
        ("reflect", "__end__"),
    } <= edges
    mermaid = drawn.draw_mermaid()
    assert all(name in mermaid for name in NODES)


async def test_studio_finds_the_graph_of_the_configured_team(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parents[2]
    named = json.loads((root / "langgraph.json").read_text("utf-8"))["graphs"]["neveridle"]
    file, _, attribute = named.partition(":")
    assert (root / file).is_file()
    module = importlib.import_module(
        f"neveridle.{Path(file).with_suffix('').as_posix().replace('/', '.')}"
    )
    (project.root / "neveridle.toml").write_text(
        '[team]\nrepository = "repo"\n[model]\ndefault = "replay:recording.jsonl"\n'
        '[checks]\ntests = "sh check.sh"\n[improvement]\nenabled = false\n'
        "[memory]\nenabled = false\n"
    )
    monkeypatch.setenv("NEVERIDLE_CONFIG", str(project.root / "neveridle.toml"))
    async with getattr(module, attribute)() as graph:
        state = await graph.ainvoke({"agent": "sam"})
    assert state["path"][-1] == "rest"

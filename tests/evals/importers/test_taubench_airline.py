"""Recorded runs of the airline domain, with its own database and a few tools made for this."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[3].parent / "shared"))
TAUBENCH = SHARED / "data" / "taubench"

# Ours: only what the chosen runs call, by what the recorded results show.
TOOLS = """
import json


def lookup(table, what):
    def look(data, **key):
        (id,) = key.values()
        found = data[table].get(id)
        return f"Error: {what} not found" if found is None else json.dumps(found)
    return look


def cancel_reservation(data, reservation_id):
    booked = data["reservations"][reservation_id]
    paid = list(booked["payment_history"])
    booked["payment_history"] += [{**one, "amount": -one["amount"]} for one in paid]
    booked["status"] = "cancelled"
    return json.dumps(booked)


def transfer_to_human_agents(data, summary):
    return "Transfer successful"


def think(data, thought):
    return ""


def tool(name, invoke):
    info = {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    return type(name, (), {"invoke": staticmethod(invoke), "get_info": staticmethod(lambda: info)})


ALL_TOOLS = [
    tool("get_user_details", lookup("users", "user")),
    tool("get_reservation_details", lookup("reservations", "reservation")),
    *(tool(one.__name__, one) for one in (cancel_reservation, transfer_to_human_agents, think)),
]
"""
KNOWN = {"get_user_details", "get_reservation_details", "cancel_reservation",
         "transfer_to_human_agents", "think"}  # fmt: skip


def needs(run: Any) -> set[str]:
    called = {
        call["function"]["name"]
        for message in run["traj"]
        for call in message.get("tool_calls") or ()
    }
    return called | {one["name"] for one in run["info"]["task"]["actions"]}


@pytest.mark.skipif(not TAUBENCH.is_dir(), reason="the runs are not here; set NEVERIDLE_SHARED")
def test_the_verdict_on_airline_runs_is_the_recorded_reward(
    tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    (tmp_path / "airline_tools.py").write_text(TOOLS)
    runs = json.loads((TAUBENCH / "gpt-4o-airline-dev.json").read_text())
    chosen = [run for run in runs if needs(run) <= KNOWN]
    assert {run["reward"] for run in chosen} == {0.0, 1.0}
    (tmp_path / "runs.json").write_text(json.dumps(chosen[:2]))
    ended = invoke(
        "tau-bench", tmp_path / "runs.json", "--tools", tmp_path / "airline_tools.py",
        "--data", TAUBENCH / "airline", "--json",
    )  # fmt: skip
    assert (ended.code, ended.facts["agreement"]) == (0, 1.0)
    # The data is newer than the recording: a part of addresses has another name.
    assert set(ended.facts["differing_tools"]) <= {"get_user_details"}

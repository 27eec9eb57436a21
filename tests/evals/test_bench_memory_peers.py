"""The comparison with other memories: our side, LangGraph's, and one that is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINES = (
    "I sold the boat in May.",
    "My sister plays the violin.",
    "The oven burnt my bread again.",
    "We painted the fence green.",
)


def _conversation() -> list[dict[str, Any]]:
    said = [LINES[n] if n < len(LINES) else f"Nothing new, day {n}." for n in range(20)]
    turns = [
        {"speaker": "Ada" if n % 2 else "Ben", "dia_id": f"D1:{n + 1}", "text": text}
        for n, text in enumerate(said)
    ]
    asked = [
        {"question": "Who sold the boat?", "evidence": ["D1:1"], "category": 4},
        {"question": "Who plays the violin?", "evidence": ["D1:2"], "category": 4},
        {"question": "Burnt bread, painted fence?", "evidence": ["D1:3", "D1:4"], "category": 1},
    ]
    talk = {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": turns}
    return [{"sample_id": "one", "conversation": talk, "qa": asked}]


def test_all_sides_find_the_evidence_and_who_cannot_run_is_left_out_with_the_reason(
    tmp_path: Path,
) -> None:
    data = tmp_path / "talk.json"
    data.write_text(json.dumps(_conversation()), encoding="utf-8")
    sides = ["notes", "episodes", "langgraph"]
    command = [
        *(sys.executable, "-P", "-m", "bench.memory_peers", "--json", "--embedder", "hashing"),
        *("--dataset", str(data), "--rows", "20", "--sides", *sides, "crewai"),
        *("--python", sys.executable),
    ]

    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert list(told["skipped"]) == ["crewai"]
    assert "crewai" in told["skipped"]["crewai"]  # the module that is not there
    assert list(told["sides"]) == sides
    for one in told["sides"].values():
        assert (one["added"], one["searches"]) == (20, 3)
        assert one["recall@10"] == 1.0
        assert one["add_ms"]["median"] > 0
        assert one["search_ms"]["median"] > 0

"""The reader against hand-labelled real roadmaps, scored as their README defines."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neveridle.graph.sources.roadmap import read_roadmap

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[3].parent / "shared"))
GOLD = SHARED / "data" / "roadmap_gold"

pytestmark = pytest.mark.skipif(
    not GOLD.is_dir(), reason="the labelled roadmaps are not here; set NEVERIDLE_SHARED"
)


@dataclass(frozen=True)
class Score:
    file: str
    finding: float  # F1 of item lines
    status: float  # share of found items with the right status
    report: str


def lines_in(notes: str, kind: str) -> set[int]:
    """The lines and ranges after ``AMBIGUOUS(kind):``."""
    found: set[int] = set()
    for listed in re.findall(rf"AMBIGUOUS\({kind}\):([\d\s,\u2013-]+)", notes):
        for first, last in re.findall(r"(\d+)(?:\s*[\u2013-]\s*(\d+))?", listed):
            found.update(range(int(first), int(last or first) + 1))
    return found


def score(gold: dict[str, Any]) -> Score:
    text = (SHARED / "data" / "roadmaps" / gold["file"]).read_bytes().decode()
    last = gold.get("labelled_until_line") or float("inf")
    doubtful = lines_in(gold["notes"], "existence")
    unsure = lines_in(gold["notes"], "status")
    labelled = {item["line"]: item for item in gold["items"]}
    read = {item.line: item for item in read_roadmap(text) if item.line <= last}
    hits = sorted(read.keys() & labelled.keys())
    extra = sorted(read.keys() - labelled.keys() - doubtful)
    missed = sorted(labelled.keys() - read.keys() - doubtful)
    wrong = [
        line
        for line in hits
        if read[line].status != labelled[line]["status"] and line not in unsure
    ]
    counted = 2 * len(hits) + len(extra) + len(missed)
    finding = 2 * len(hits) / counted if counted else 1.0
    status = 1 - len(wrong) / len(hits) if hits else 1.0
    report = (
        f"{finding:.3f} {status:.3f} {gold['file']}: extra {extra}, missed {missed}, "
        f"wrong status {wrong}"
    )
    return Score(gold["file"], finding, status, report)


def test_labelled_roadmaps_are_read_well_enough() -> None:
    scores = [score(json.loads(path.read_text("utf-8"))) for path in sorted(GOLD.glob("*.json"))]
    assert scores
    finding = sum(s.finding for s in scores) / len(scores)
    status = sum(s.status for s in scores) / len(scores)
    report = "\n".join(["finding status file", *(s.report for s in scores)])
    assert finding >= 0.85, report
    assert status >= 0.90, report

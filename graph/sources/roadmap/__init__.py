"""The roadmap as a source of work: read ``ROADMAP.md``, and write progress back into it."""

from __future__ import annotations

from neveridle.graph.sources.roadmap.item import RoadmapItem, Status
from neveridle.graph.sources.roadmap.reader import read_roadmap
from neveridle.graph.sources.roadmap.writer import mark

__all__ = ["RoadmapItem", "Status", "mark", "read_roadmap"]

"""One trace leads from a tick to model call, tool call and service request; nothing else shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CLIENT = 3
ERROR = 2


async def test_one_trace_leads_from_tick_to_model_call_and_tool_call(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    api.use(project)
    api.says("Fix", api.tool("write_file", path="a.txt", content="x"), api.outcome())
    delivery = sending()
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle")
    delivery.close()

    assert report.endings == {"completed": 1}
    tick = collector.named("tick")
    print(collector.tree(tick), collector.spans)
    assert collector.tree(tick) == {}

"""The words and signs by which people say how far a piece of work has come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status

# Signs whose meaning differs between projects (the red circle, the cross) get the meaning
# that does least harm when wrong: todo. A legend in the file overrides every entry here.
MARKS: dict[str, Status] = {
    **dict.fromkeys("✅✔☑✓🟢🟩", "done"),
    **dict.fromkeys("🚧🔄⏳⌛🟡🟨🟠◐", "in_progress"),
    **dict.fromkeys("🚫⛔🗑", "dropped"),
    **dict.fromkeys("📋🔲⬜☐🔜⏸🔴⚪◻🔳🔵⭕❌🛑⏭✗✘☒○🟥", "todo"),
    **dict.fromkeys((":white_check_mark:", ":heavy_check_mark:"), "done"),
    **dict.fromkeys((":ballot_box_with_check:", ":green_circle:"), "done"),
    **dict.fromkeys((":construction:", ":hourglass:", ":yellow_circle:"), "in_progress"),
    **dict.fromkeys((":hourglass_flowing_sand:", ":arrows_counterclockwise:"), "in_progress"),
    **dict.fromkeys((":no_entry:", ":no_entry_sign:", ":wastebasket:"), "dropped"),
    **dict.fromkeys((":x:", ":clipboard:", ":soon:", ":white_large_square:"), "todo"),
    **dict.fromkeys((":red_circle:", ":black_square_button:"), "todo"),
}
"""Signs that mean a status wherever they stand in front of or behind an item."""

SIGNS: dict[str, Status] = {
    **MARKS,
    **dict.fromkeys("🏁🎉💚🆗🚢", "done"),
    **dict.fromkeys("🏗🔨🛠👷🔧🔃⚙🏃", "in_progress"),
    **dict.fromkeys("📅🗓💡📝🔮🆕📌🧊💤", "todo"),
}
"""All signs, with those that are mostly decoration: they count only in a status cell or field."""

HEADING_MARKS = frozenset("✅✔☑✓🚧🟢🟡🔴⬜🔲⏳❌")
"""Signs that mean a status in front of a heading, where emoji are mostly decoration."""

BOXES: dict[str, Status] = {
    **dict.fromkeys("xX✓✔√✅☑vV", "done"),
    **dict.fromkeys("~/>.oO%*◐🚧⏳🔄", "in_progress"),
    **dict.fromkeys("-", "dropped"),
    **dict.fromkeys(" \u00a0_?!", "todo"),
}

SIGN = (
    r"(?:[\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff]\ufe0f?"
    rf"|{'|'.join(sign for sign in SIGNS if sign.startswith(':'))})"
)
BOX = r"\[(?:[^\[\]\w\s]\ufe0f?|[xXoOvV_ \u00a0])\]"

_TODO = (
    r"not\s+(?:yet\s+)?(?:started|begun|done|implemented|completed?|finished|shipped|released|built"
    r"|working|available|supported|addressed|fixed)",
    r"to[- ]?do",
    r"to\s+be\s+\w+",
    r"unstarted|incomplete|pending|planned|planning|scheduled|backlog(?:ged)?|queued|upcoming",
    r"proposed|proposal|tbd|blocked|on[- ]hold|paused|deferred|postponed|parked|someday",
    r"up\s+next|next|later|future|soon|ready|needed|brainstorm|missing",
    r"pendiente|por\s+hacer|planeado|geplant|offen|à\s+faire|prévu|pendente|a\s+fazer|планируется",
)
_LOOSE_TODO = (
    r"new|open|idea|draft|designed|wanted|considering|under\s+consideration|considered",
    r"exploring|research|maybe|unknown|needs?\b|low\s+priority|high\s+priority|unassigned|none",
)
_PROGRESS = (
    r"(?:currently\s+)?(?:in[- ]?progress|wip|work\s+in\s+progress|under\s*way|on-?going"
    r"|in\s+flight)",
    r"(?:in|under)\s+(?:active\s+)?(?:development|review|testing|implementation|construction)",
    r"(?:work\s+)?(?:has\s+)?started|begun|half[- ](?:done|built|finished)|in\s+the\s+works",
    r"partial(?:ly)?(?:\s+(?:done|complete|completed|implemented|fixed|shipped|built|landed))?",
    r"(?:mostly|almost|nearly|largely)\s+(?:done|complete|completed|finished|implemented|ready)",
    r"(?:currently\s+)?(?:being\s+\w+ed|working\s+on|implementing|doing|developing)|in\s+design",
    r"(?:draft\s+|initial\s+)?pr\s+(?:open|in\s+flight|pending|under\s+review)|(?:open"
    r"|initial)\s+pr",
    r"en\s+(?:progreso|curso|cours)|in\s+arbeit|em\s+andamento|в\s+работе|в\s+процессе",
)
_LOOSE_PROGRESS = (r"active|current|prototyp(?:e|ing)|investigating|testing|beta|experimental",)
_DROPPED = (
    r"won'?t(?:\s+(?:do|fix|be\s+\w+|implement))?|won\u2019t(?:\s+\w+)?|will\s+not\s+\w+",
    r"cancell?ed|dropped|abandoned|rejected|declined|discarded|obsolete|superseded|scrapped",
    r"not\s+planned|not\s+needed|no\s+longer\s+(?:planned|needed|relevant)|descoped|de-scoped",
    r"out\s+of\s+scope|decided\s+against|not\s+doing",
)
_DONE = (
    r"(?:already\s+)?(?:done|completed?|finished|shipped|released|implemented|delivered|deployed)",
    r"(?:already\s+)?(?:merged|fixed|resolved|closed|landed|launched|achieved|published)",
    r"hecho|completad[oa]|terminado|erledigt|fertig|termin[ée]e?|conclu[íi]d[oa]|готово|сделано",
)
_LOOSE_DONE = (
    r"built|available|live|stable|working|works|verified|passed|ga|generally\s+available|yes",
    r"addressed|installed|exists|already\s+exists|v?\d+(?:\.\d+)+\s+(?:released|published|shipped)",
)
_CJK: dict[Status, str] = {
    "done": "已完成|完成済み|完了|完成|완료|已实现|已发布",
    "in_progress": "进行中|進行中|开发中|開発中|진행\\s*중|部分完成",
    "dropped": "已取消|已放弃|中止|취소",
    "todo": "未开始|未完成|计划中|計画中|待办|待开始|未着手|予定|예정|規劃中|规划中|대기",
}


def _compile(*groups: tuple[Status, tuple[str, ...]]) -> re.Pattern[str]:
    """One pattern with a named group for each status; at one place the earlier group wins."""
    return re.compile(
        "|".join(
            rf"(?P<{status}>(?<![^\W_])(?<!-)(?:{'|'.join(words)})(?![^\W_]|-)|{_CJK[status]})"
            for status, words in groups
        ),
        re.IGNORECASE,
    )


# Order matters where two wordings start at the same place: "partially done" before "done".
STRICT = _compile(
    ("dropped", _DROPPED), ("in_progress", _PROGRESS), ("todo", _TODO), ("done", _DONE)
)
"""Wordings that mean a status wherever an item puts a remark about itself."""

LOOSE = _compile(
    ("dropped", _DROPPED),
    ("in_progress", _PROGRESS + _LOOSE_PROGRESS),
    ("todo", _TODO + _LOOSE_TODO),
    ("done", _DONE + _LOOSE_DONE),
)
"""Further wordings that mean a status only where one is expected: a status cell or field."""


def status_named(match: re.Match[str]) -> Status:
    """Give the status whose wording ``STRICT`` or ``LOOSE`` matched."""
    return cast("Status", match.lastgroup)

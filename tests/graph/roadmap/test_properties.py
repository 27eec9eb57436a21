from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.graph.sources.roadmap import Status, mark, read_roadmap

LINE_END = re.compile(r"(\r\n|\n|\r)")

FRAGMENTS = [
    *("# ", "## ", "### ", "> ", "  ", "    ", "\t", "- ", "* ", "1. ", "2) ", "---", "```", "+++"),
    *("[ ] ", "[x] ", "[~] ", "[-] ", "| ", "|---|---|", "Task | Status", "✅ ", "🚧", "❌", "🔴"),
    *("(done)", "[DONE]", " — WIP", "TODO: ", "**Status:** ", "In progress", "Done", "Planned"),
    *("Phase 1", "v1.0", "TASK-1: ", "depends on ", "@bob", "owner: ", "~~", "**", "`", "50%"),
    *("<!--", "-->", "<summary>Done</summary>", "Legend", "`[!]` blocked · `[x]` done", "\\"),
    *("[a](b)", "foo", "bar baz", "Won't do", "Next", "\x0b", "\u2028", "\x00", "\ufeff", "é"),
]

fragment = st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3))
loose = st.lists(st.one_of(fragment, st.sampled_from(["\n", "\r\n", "\r"])), max_size=50).map(
    "".join
)
word = st.sampled_from(["Parser", "the printer", "Linker, fast", "Überblick", "a | b", "#12"])
line = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(
        ["", "- ", "- [ ] ", "- [x] ", "  - [~] ", "* ✅ ", "1. ", "## ", "### 1. ", "| "]
    ),
    st.sampled_from(["", "**", "🚧 ", "TODO: ", "[backend] ", "~~"]),
    word,
    st.sampled_from(
        ["", "**", " — FIXED", " (in progress)", " ✅", " | Done |", " | ⏳ Planned |", "~~"]
    ),
)
header = st.sampled_from(["", "# Roadmap\n\n", "## Done\n\n", "| Task | Status |\n|---|---|\n"])


def document(lines: list[str], end: str, first: str) -> str:
    return (first + "\n".join(lines) + end).replace("\n", end or "\n")


shaped = st.builds(
    document,
    st.lists(st.one_of(line, header, st.just("")), max_size=12),
    st.sampled_from(["\n", "\r\n", ""]),
    header,
)
roadmaps = st.one_of(loose, shaped)
statuses = st.sampled_from(["todo", "in_progress", "done", "dropped"])


@given(roadmaps)
@settings(deadline=None, max_examples=300)
def test_reading_never_fails_and_stays_within_the_file(text: str) -> None:
    items = read_roadmap(text)
    lines = [item.line for item in items]
    assert lines == sorted(set(lines))
    assert len({item.key for item in items}) == len(items)
    last = len(LINE_END.split(text)[::2])
    for item in items:
        assert 1 <= item.line <= last
        assert item.title
        assert item.line not in item.depends_on
        assert set(item.depends_on) <= set(lines)
        assert item.parent_line in {None, *lines} - {item.line}


@given(roadmaps, statuses)
@settings(deadline=None, max_examples=300)
def test_marking_changes_one_line_and_is_understood(text: str, status: Status) -> None:
    for item in read_roadmap(text)[:4]:
        after = mark(text, item.key, status)
        if after == text:
            continue
        old, new = LINE_END.split(text), LINE_END.split(after)
        assert len(old) == len(new)
        assert old[1::2] == new[1::2]
        assert sum(1 for a, b in zip(old, new, strict=True) if a != b) == 1
        assert {i.key: i.status for i in read_roadmap(after)}[item.key] == status


@given(st.lists(word, min_size=1, max_size=8), st.data())
@settings(deadline=None, max_examples=100)
def test_every_checkbox_can_be_ticked(words: list[str], data: st.DataObject) -> None:
    text = "".join(f"- [ ] {word}\n" for word in words)
    items = read_roadmap(text)
    assert len(items) == len(words)
    item = data.draw(st.sampled_from(items))
    lines = mark(text, item.key, "done").split("\n")
    assert lines[item.line - 1].startswith("- [x] ")
    assert sum(line.startswith("- [x] ") for line in lines) == 1

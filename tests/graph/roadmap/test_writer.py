from __future__ import annotations

from textwrap import dedent

import pytest

from neveridle.errors import NotFound
from neveridle.graph.sources.roadmap import Status, mark, read_roadmap


def marked(text: str, title: str, status: Status) -> str:
    key = next(item.key for item in read_roadmap(text) if item.title == title)
    return mark(text, key, status)


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.split("\n"), after.split("\n"), strict=True)
    return [(old, new) for old, new in pairs if old != new]


@pytest.mark.parametrize(
    ("line", "status", "expected"),
    [
        ("- [ ] Parser", "done", "- [x] Parser"),
        ("  3) [x] Parser", "todo", "  3) [ ] Parser"),
        ("- 🚧 Parser", "done", "- ✅ Parser"),
        ("- Parser 📋", "in_progress", "- Parser 🚧"),
        ("- Parser (in progress)", "done", "- Parser (done)"),
        ("- Parser — WIP", "done", "- Parser — DONE"),
        ("- [WIP] Parser", "done", "- [DONE] Parser"),
        ("- **TODO:** Parser", "done", "- **DONE:** Parser"),
        ("- TODO: Parser", "in_progress", "- IN PROGRESS: Parser"),
    ],
)
def test_the_mark_is_changed_in_its_own_style(line: str, status: Status, expected: str) -> None:
    before = f"# Planned work\n\n{line}\n- another thing\n"
    assert marked(before, "Parser", status) == before.replace(line, expected)


def test_a_status_column_in_front_is_filled_and_ticked() -> None:
    before = "| Status | Task |\n|---|---|\n| [x] | Login |\n| [ ] | Billing |\n| | Export |\n"
    assert changed_lines(before, marked(before, "Billing", "done")) == [
        ("| [ ] | Billing |", "| [x] | Billing |")
    ]
    assert changed_lines(before, marked(before, "Export", "done")) == [
        ("| | Export |", "| [x] | Export |")
    ]


TABLE = dedent(
    """\
    # R

    | Task | State | Due |
    |---|---|---|
    | Login | ✅ Shipped | May |
    | Billing | 🔄 Doing | June |
    | Reports | ⏳ Planned | July |
    | Export |  | July |
    """
)


def test_a_cell_takes_the_words_its_table_already_uses() -> None:
    assert changed_lines(TABLE, marked(TABLE, "Reports", "done")) == [
        ("| Reports | ⏳ Planned | July |", "| Reports | ✅ Shipped | July |")
    ]
    assert changed_lines(TABLE, marked(TABLE, "Reports", "in_progress")) == [
        ("| Reports | ⏳ Planned | July |", "| Reports | 🔄 Doing | July |")
    ]


def test_an_empty_cell_is_filled() -> None:
    (change,) = changed_lines(TABLE, marked(TABLE, "Export", "done"))
    assert change[1].count("✅ Shipped") == 1
    assert change[1].count("|") == 4


def test_a_remark_beside_the_status_in_a_cell_stays() -> None:
    text = "| Task | Status |\n|---|---|\n| Login | 🚧 In Progress, see #12 |\n"
    assert marked(text, "Login", "done").endswith("| Login | ✅ Done, see #12 |\n")


def test_a_box_in_a_cell_and_a_share_are_written() -> None:
    text = "| Task | Done? |\n|---|---|\n| Login | [ ] |\n"
    assert marked(text, "Login", "done") == text.replace("[ ]", "[x]")
    text = "| Task | Progress |\n|---|---|\n| Login | 60% |\n"
    assert marked(text, "Login", "done") == text.replace("60%", "100%")


def test_the_file_decides_which_sign_and_which_box() -> None:
    text = "- [X] A first thing\n- [ ] Another thing\n"
    assert marked(text, "Another thing", "done") == text.replace("[ ]", "[X]")
    text = "Key: `[ ]` todo, `[o]` in progress, `[x]` done\n\n- [ ] Another thing\n"
    after = marked(text, "Another thing", "in_progress")
    assert changed_lines(text, after) == [("- [ ] Another thing", "- [o] Another thing")]
    text = "# Planned\n\n- ☑️ A first thing\n- 🚧 Another thing\n"
    assert marked(text, "Another thing", "done") == text.replace("🚧", "☑️")


def test_headings_and_fields() -> None:
    text = "# B\n\n## 1. Race — FIXED\n\nGone.\n\n## 2. Leak\n\nStill there.\n"
    assert marked(text, "Leak", "done") == text.replace("2. Leak", "2. Leak — FIXED")
    text = "# B\n\n## Race\n\n**Status:** Not started\n\n## Leak\n\n**Status:** Done\n"
    assert marked(text, "Race", "in_progress") == text.replace("Not started", "In progress")


def test_an_unmarked_point_is_marked_like_its_neighbours() -> None:
    text = "## Next steps\n\n1. ✅ Review\n2. Write it down\n"
    assert marked(text, "Write it down", "done") == text.replace("2. W", "2. ✅ W")


@pytest.mark.parametrize("status", ["in_progress", "done", "dropped"])
def test_what_cannot_say_it_stays_as_it_is(status: Status) -> None:
    text = "# Roadmap\n\n- A plain bullet\n- Another\n"
    assert marked(text, "Another", status) == text


def test_plain_checkboxes_have_no_way_to_say_begun() -> None:
    text = "- [ ] A first thing\n- [x] Another thing\n"
    assert marked(text, "A first thing", "in_progress") == text


def test_line_ends_and_the_missing_last_one_are_kept() -> None:
    text = "# R\r\n\r\n- [ ] Parser  \r\n- [ ] Printer"
    assert marked(text, "Printer", "done") == "# R\r\n\r\n- [ ] Parser  \r\n- [x] Printer"
    assert marked("\ufeff" + text, "Parser", "done") == "\ufeff" + text.replace(
        "[ ] Parser", "[x] Parser"
    )


def test_saying_it_twice_changes_nothing_more() -> None:
    text = "- [ ] Parser\n"
    once = marked(text, "Parser", "done")
    assert marked(once, "Parser", "done") == once


def test_an_item_that_is_gone_is_named() -> None:
    key = read_roadmap("- [ ] Parser\n")[0].key
    with pytest.raises(NotFound, match=key):
        mark("- [ ] Printer\n", key, "done")

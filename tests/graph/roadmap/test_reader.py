from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from neveridle.graph.sources.roadmap import RoadmapItem, read_roadmap

# Each case is a roadmap, CASE.md, and what a careful reader finds in it, CASE.txt: one item a
# line, with the item's line, status and title.
CASES = sorted((Path(__file__).parent / "cases").glob("*.md"))


def text_of(case: Path) -> str:
    return case.read_bytes().decode().replace("\r\n", "\n")


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_items_are_found_with_line_status_and_title(case: Path) -> None:
    items = read_roadmap(text_of(case))
    expected = text_of(case.with_suffix(".txt")).splitlines()
    assert [f"{item.line} {item.status} {item.title}" for item in items] == expected


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(case: Path) -> None:
    unix = text_of(case)
    assert read_roadmap(unix.replace("\n", "\r\n")) == read_roadmap(unix)
    assert read_roadmap("\ufeff" + unix) == read_roadmap(unix)


def test_there_are_cases() -> None:
    assert len(CASES) >= 20


def by_title(text: str) -> dict[str, RoadmapItem]:
    return {item.title: item for item in read_roadmap(dedent(text))}


def test_parents_sections_and_leaves() -> None:
    items = by_title(
        """\
        # Roadmap

        ## 1. Core 🚧

        - [ ] Parser
          - [x] Tokens
        - Grammar:
          - [ ] Rules
        """
    )
    parser, tokens, rules = items["Parser"], items["Tokens"], items["Rules"]
    assert (parser.parent_line, tokens.parent_line, rules.parent_line) == (3, 5, 3)
    assert (items["Core"].leaf, parser.leaf, tokens.leaf) == (False, False, True)
    assert items["Core"].section == "Roadmap"
    assert tokens.section == "1. Core 🚧"


def test_without_a_heading_the_section_is_none() -> None:
    assert [item.section for item in read_roadmap("- [ ] Parser\n")] == [None]


def test_lists_within_lists_are_read_to_any_depth_that_people_write() -> None:
    items = read_roadmap("".join(f"{'  ' * depth}- [ ] Part {depth}\n" for depth in range(60)))
    assert [item.parent_line for item in items] == [None, *range(1, 60)]


@pytest.mark.parametrize("piece", ["- ", "> ", "1. ", "> - "])
def test_lists_and_quotes_without_end_are_bounded(piece: str) -> None:
    deep = "".join(f"{' ' * (len(piece) * depth)}{piece}x\n" for depth in range(300))
    assert len(read_roadmap(deep)) <= 300
    assert len(read_roadmap(f"{piece * 3000}[ ] x\n")) <= 1


def test_owners_are_those_who_do_it() -> None:
    items = by_title(
        """\
        - [ ] Parser @ana
        - [ ] Printer (owner: Bob)
        - [ ] Linker, requested by @cleo
        - [ ] Update @scope/package
        - [ ] Loader
          - **Assignee:** Dana Miller
        - [ ] Checker
          - Owner: TBD
        """
    )
    assert {item.line: item.owner for item in items.values()} == {
        1: "ana",
        2: "Bob",
        3: None,
        4: None,
        5: "Dana Miller",
        7: None,
    }


def test_areas_come_from_tags_fields_and_columns() -> None:
    items = by_title(
        """\
        - [ ] [backend] Add a cache
        - [ ] New menu
          - Component: editor

        | Task | Team | Status |
        |---|---|---|
        | Ship it | Platform | Todo |
        """
    )
    assert {item.title: item.area for item in items.values()} == {
        "Add a cache": "backend",
        "New menu": "editor",
        "Ship it": "Platform",
    }


def test_dependencies_are_resolved_by_identity_title_number_and_group() -> None:
    items = by_title(
        """\
        ## Phase 1

        1. **TASK-1: Types**
        2. **TASK-2: Guards**
           - Depends on: TASK-1, TASK-77
        3. **Release notes page** — depends on guards

        ## Phase 2

        4. **TASK-3: Integration tests**
           - **Dependencies**: all Phase 1 tasks
        5. **TASK-4: Ship**
           - Blocked by: nothing
        """
    )
    assert {item.line: item.depends_on for item in items.values()} == {
        3: (),
        4: (3,),
        6: (4,),
        10: (3, 4, 6),
        12: (),
    }


def test_keys_outlive_edits_elsewhere_and_changes_of_status() -> None:
    before = "# R\n\n## Core 🚧\n\n- [ ] Parser\n- [ ] Fix\n\n## Later\n\n- [ ] Fix\n- [ ] Fix\n"
    after = (
        "# R\n\nNew text.\n\n## Core ✅\n\n- [x] New item\n- [x] Parser\n- [~] Fix\n\n"
        "## Later\n\n- [x] Fix\n- [ ] Fix\n"
    )
    keys = [item.key for item in read_roadmap(before)]
    kept = [item.key for item in read_roadmap(after) if item.title != "New item"]
    assert kept == keys
    assert len(set(keys)) == len(keys)


def test_a_done_summary_tells_the_status_of_an_unmarked_entry() -> None:
    items = by_title(
        """\
        ## Work

        ### TASK-1: Login

        Build it.

        ### TASK-2: Logout

        Build that too.

        ## Summary

        | Task | Status |
        |---|---|
        | TASK-1 | Done |
        | TASK-2 | In progress |
        """
    )
    assert {item.title: item.status for item in items.values()} == {
        "TASK-1: Login": "done",
        "TASK-2: Logout": "in_progress",
    }


def test_hostile_lines_are_read_in_reasonable_steps() -> None:
    for piece in ("[", "- ", "(done ", "`", "**a ", "~~a", " ", "> ", "<b ", "✅", "_a", "@a."):
        assert len(read_roadmap("- x " + piece * 3000)) <= 1

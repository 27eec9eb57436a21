"""The pages: well-formed, by themselves, and nothing that others wrote becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.evals.report import compare, write_reports
from neveridle.evals.report.comparison_page import comparison_page
from neveridle.evals.report.result_page import result_page
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e &amp; \"'"
KEY = "gh" + "p_0123456789abcdefABCDEF0123"


def parsed(page: str) -> Element:
    """The page, which must be well-formed XML as well as HTML."""
    head, _, rest = page.partition("\n")
    assert head == "<!doctype html>"
    return ElementTree.fromstring(rest)


def kinds_of(root: Element) -> list[str]:
    return [one.get("data-kind", "") for one in root.iter() if one.get("data-kind") is not None]


class Tags(HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.fixture
def pages(make: Make, suite: Suite) -> list[str]:
    """Of results, and of a comparison, with what could do harm in every text."""
    scores = [
        ScoreLine(name=EVIL, value=0.2, passed=False, detail=f"{EVIL} {KEY}", scorer=EVIL),
        ScoreLine(name="graded", passed=None, detail="the grader failed"),
    ]
    live = [
        make("live", "passed" if n else "failed", repeat=n + 1, events=str(n), model_calls=n + 3)
        for n in range(4)
    ]
    result = suite(
        make("plain", title=EVIL, model_calls=3),
        make(EVIL, "failed", title=EVIL, scores=scores, path=[EVIL], model_calls=9),
        make("broken", "error", trouble=EVIL),
        make("left", "skipped", trouble=EVIL),
        *live,
        suite=EVIL, model="openai:gpt-5", version_of={EVIL: EVIL}, started_at=EVIL,
    )  # fmt: skip
    other = suite(make("plain", "failed"), make("new"), *live[:2])
    return [result_page(result), comparison_page(compare(other, result, names=(EVIL, "b")))]


def test_pages_are_well_formed_and_load_nothing(pages: list[str]) -> None:
    for page in pages:
        root = parsed(page)
        policy = root.find(".//meta[@http-equiv]")
        assert policy is not None
        assert "default-src 'none'" in policy.get("content", "")
        for tag, attributes in tags_of(page):
            assert tag not in {"img", "link", "iframe", "object", "embed", "base", "form", "a"}
            assert not {"src", "href", "xlink:href", "style"} & set(attributes)
            assert not any(name.startswith("on") for name in attributes)
        styles = "".join(one.text or "" for one in root.iter("style"))
        assert "prefers-color-scheme: dark" in styles
        assert not re.search(r"url\(|@import|https?:", styles)
        viewport = root.find(".//meta[@name='viewport']")
        assert viewport is not None


def tags_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    parser.close()
    return parser.seen


def test_what_others_wrote_stays_text_without_secrets(pages: list[str]) -> None:
    for page in pages:
        root = parsed(page)
        assert len(list(root.iter("script"))) == 1
        assert "alert(1)" in "".join(root.itertext())
        assert KEY not in page
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", page)


def test_the_policy_lets_only_the_pages_own_script_run(pages: list[str]) -> None:
    for page in pages:
        script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
        assert script is not None
        digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
        assert f"script-src &#x27;sha256-{digest}&#x27;" in page


def test_filters_name_what_is_there(pages: list[str]) -> None:
    for page in pages:
        root = parsed(page)
        only = [one.get("data-only", "") for one in root.iter("button")]
        assert only[0] == ""
        assert set(only[1:]) == set(kinds_of(root))
    assert kinds_of(parsed(pages[0])) == ["passed", "failed", "error", "skipped", "failed",
                                          "passed", "passed", "passed"]  # fmt: skip


def test_charts_are_drawn_to_scale(pages: list[str]) -> None:
    root = parsed(pages[0])
    bar, calls = root.iter("svg")
    assert [float(one.get("width", "")) for one in bar.iter("rect")] == [320.0, 160.0, 80.0, 80.0]
    widths = [float(one.get("width", "")) for one in calls.iter("rect")]
    assert len(widths) == 3
    assert widths[1] == pytest.approx(widths[0] / 2, abs=0.1)  # 4.5 calls of 9
    forest = list(parsed(pages[1]).iter("svg"))
    assert forest
    assert all(one.get("role") == "img" for one in forest)


def test_pages_are_written_as_files(tmp_path: Path, make: Make, suite: Suite) -> None:
    paths = [tmp_path / "page.html", tmp_path / "junit.xml"]
    assert write_reports(suite(make()), html=paths[0], junit=paths[1]) == paths[::-1]
    assert paths[0].read_text("utf-8").startswith("<!doctype html>\n<html")


@given(st.text(), st.text())
def test_any_text_makes_a_page(title: str, detail: str) -> None:
    score = ScoreLine(name="s", passed=False, detail=detail)
    run = CaseResult(task=title, title=detail, status="failed", scores=(score,))
    result = SuiteResult(results=(run,), suite=title)
    parsed(result_page(result))
    parsed(comparison_page(compare(result, result, names=(title, detail))))

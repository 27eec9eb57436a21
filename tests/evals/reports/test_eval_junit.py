"""JUnit XML: what the schemas that CI servers use allow, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hypothesis import given
from hypothesis import strategies as st

from neveridle.evals.report.junit import junit_xml
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult, Trouble

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]

COUNT, SECONDS, TEXT = r"\d+", r"\d+\.\d{3}", r"(?s).*"
# What both junit-10.xsd (Jenkins) and JUnit.xsd (Ant) know: attributes with the form of their
# values, and children in their order.
RULES: dict[str, tuple[dict[str, str], list[str]]] = {
    "testsuites": (
        {"name": TEXT, "tests": COUNT, "failures": COUNT, "errors": COUNT, "time": SECONDS},
        ["testsuite"],
    ),
    "testsuite": (
        {"name": TEXT, "tests": COUNT, "failures": COUNT, "errors": COUNT, "skipped": COUNT,
         "time": SECONDS, "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"},
        ["properties", "testcase"],
    ),
    "properties": ({}, ["property"]),
    "property": ({"name": r"(?s).+", "value": TEXT}, []),
    "testcase": (
        {"classname": r"\S+", "name": TEXT, "time": SECONDS},
        ["skipped", "error", "failure", "system-out"],
    ),
    "skipped": ({"message": TEXT}, []),
    "error": ({"message": TEXT, "type": TEXT}, []),
    "failure": ({"message": TEXT, "type": TEXT}, []),
    "system-out": ({}, []),
}  # fmt: skip


def valid(text: str) -> Element:
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    for one in root.iter():
        attributes, children = RULES[one.tag]
        for name, value in one.attrib.items():
            assert re.fullmatch(attributes[name], value), (one.tag, name, value)
        order = [children.index(child.tag) for child in one]
        assert order == sorted(order)
    for case in root.iter("testcase"):
        assert {"classname", "name", "time"} <= set(case.attrib)
        assert len([one for one in case if one.tag != "system-out"]) <= 1
    suite = root.find("testsuite")
    assert suite is not None
    assert int(suite.attrib["tests"]) == len(list(root.iter("testcase")))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == len(list(root.iter(tag)))
    return root


def test_each_run_is_a_test_case_with_its_seconds(make: Make, suite: Suite) -> None:
    lines = [
        ScoreLine(name="tests", passed=False, detail="2 of 3 failed\x1b[0m"),
        ScoreLine(name="rubric", passed=None, detail="no answer", scorer="rubric"),
    ]
    root = valid(
        junit_xml(
            suite(
                make("a", repeat=1, seconds=1.5, title="Add a & b", model_calls=4),
                make("a", "failed", repeat=2, seconds=0.25, scores=lines[:1]),
                make("b", "error", scores=lines[1:]),
                make("c", "error", trouble="the repository is missing"),
                make("d", "skipped", trouble="no sandbox"),
                started_at="2026-03-02T10:00:00.5+02:00",
                version_of={"python": "3.12"},
            )
        )
    )
    cases = {one.attrib["name"]: one for one in root.iter("testcase")}
    assert list(cases) == ["a (run 1)", "a (run 2)", "b", "c", "d"]
    assert cases["a (run 1)"].attrib["time"] == "1.500"
    assert cases["a (run 1)"].findtext("system-out") == "Add a & b\nmodel_calls: 4\nseconds: 1.5"
    assert cases["a (run 2)"].findtext("failure") == "tests: 2 of 3 failed\\u001b[0m"
    grader, missing = cases["b"].find("error"), cases["c"].find("error")
    assert grader is not None
    assert missing is not None
    assert grader.attrib["type"] == "scorer-failed"
    assert "scorer rubric failed" in (grader.text or "")
    assert missing.attrib == {
        "type": "recording-invalid", "message": "the repository is missing",
    }  # fmt: skip
    left = cases["d"].find("skipped")
    assert left is not None
    assert left.attrib["message"] == "no sandbox"
    suite_element = root.find("testsuite")
    assert suite_element is not None
    assert suite_element.attrib["time"] == "1.750"
    assert suite_element.attrib["timestamp"] == "2026-03-02T08:00:00"
    said = {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}
    assert said == {"model": "recorded", "matching": "exact", "version.python": "3.12"}


text = st.text(st.characters(exclude_categories=[]) | st.sampled_from("\x00\x1b\ufffe&<>\"'\n"))


@given(text, text, st.sampled_from(["passed", "failed", "error", "skipped"]))
def test_any_text_makes_a_valid_file(name: str, said: str, status: str) -> None:
    run = CaseResult.model_construct(
        task=name, title=said, status=status, trouble=Trouble.model_construct(
            code=said, message=said, remedy=name), repeat=1, measures={said: 1.0, "seconds": 2.0},
        scores=(ScoreLine.model_construct(name=name, passed=False, detail=said, scorer=name,
                                          value=None),), path=(), lenient=0,
    )  # fmt: skip
    valid(junit_xml(SuiteResult.model_construct(
        results=(run,), suite=name, started_at=said, model=said, matching="exact",
        version_of={name: said},
    )))  # fmt: skip

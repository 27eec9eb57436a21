"""Results as JUnit XML, which CI servers read: one test case per run of a recorded task.

Written to the stricter of the schemas in use: elements and attributes that only some readers
know (properties of a test case, say) are not used. Measures stand in ``system-out``.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from neveridle.evals.report.texts import number, shown
from neveridle.evals.result import CaseResult, SuiteResult


def junit_xml(result: SuiteResult) -> str:
    """The whole document, with its XML declaration."""
    counts = Counter(one.status for one in result.results)
    seconds = sum(_seconds(one) for one in result.results)
    sums = {
        "tests": str(len(result.results)),
        "failures": str(counts["failed"]),
        "errors": str(counts["error"]),
        "time": f"{seconds:.3f}",
    }
    name = shown(f"neveridle eval {result.suite}", longest=300)
    root = Element("testsuites", {"name": name, **sums})
    suite = SubElement(root, "testsuite", {"name": name, **sums, "skipped": str(counts["skipped"])})
    started = _moment(result.started_at)
    if started:
        suite.set("timestamp", started)
    listed = SubElement(suite, "properties")
    facts = {"model": result.model or "recorded", "matching": result.matching}
    facts |= {f"version.{name}": result.version_of[name] for name in sorted(result.version_of)}
    for key, value in facts.items():
        SubElement(listed, "property", {"name": shown(key), "value": shown(value)})
    often = Counter(one.task for one in result.results)
    for run in result.results:
        _case(suite, run, repeated=often[run.task] > 1)
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: Element, run: CaseResult, *, repeated: bool) -> None:
    name = f"{run.task} (run {run.repeat})" if repeated else run.task
    case = SubElement(
        suite,
        "testcase",
        {"classname": "neveridle.eval", "name": shown(name), "time": f"{_seconds(run):.3f}"},
    )
    bad = [line for line in run.scores if line.passed is False]
    unknown = [one for one in run.scores if one.passed is None and one.unscored != "skipped"]
    trouble = run.trouble
    if run.status == "failed":
        said = [f"{line.name}: {line.detail}" for line in bad]
        _said(case, "failure", "score", [line.name for line in bad], said)
    elif run.status == "error":
        said = [f"{trouble.code}: {trouble.message}", trouble.remedy] if trouble else []
        said += [f"scorer {one.scorer} failed at {one.name}: {one.detail}" for one in unknown]
        said += [f"{line.name}: {line.detail}" for line in bad]
        names = [trouble.message] if trouble else [one.name for one in unknown]
        _said(case, "error", trouble.code if trouble else "scorer-failed", names, said)
    elif run.status == "skipped":
        SubElement(case, "skipped", {"message": shown(trouble.message if trouble else "left out")})
    lines = [
        run.title,
        *(f"{name}: {number(value)}" for name, value in sorted(run.measures.items())),
    ]
    out = SubElement(case, "system-out")
    out.text = "\n".join(shown(line, longest=500) for line in lines if line)


def _said(case: Element, kind: str, what: str, names: list[str], said: list[str]) -> None:
    message = shown("; ".join(names) or "no score says why", longest=300)
    element = SubElement(case, kind, {"type": shown(what), "message": message})
    element.text = "\n".join(shown(one, lines=True) for one in said if one)


def _seconds(run: CaseResult) -> float:
    return max(0.0, run.measures.get("seconds", 0.0))


def _moment(text: str) -> str:
    """A time as the schema takes it: to the second, in UTC, without a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if found.tzinfo is not None:
        found = found.astimezone(UTC)
    return found.replace(tzinfo=None, microsecond=0).isoformat()

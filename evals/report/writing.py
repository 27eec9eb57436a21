"""Writing reports to files, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from neveridle.errors import ResultsInvalid
from neveridle.evals.result import SuiteResult


def write_reports(
    result: SuiteResult,
    *,
    json: Path | None = None,
    junit: Path | None = None,
    html: Path | None = None,
) -> list[Path]:
    """Write what is asked for; the files that were written.

    Args:
        result: what came of a run.
        json: the file of results, which ``load_results`` reads again.
        junit: JUnit XML.
        html: one page that needs nothing besides itself.

    Raises:
        ResultsInvalid: a file cannot be written.
    """
    from neveridle.evals.report.junit import junit_xml
    from neveridle.evals.report.result_page import result_page

    made: list[Path] = []
    if json is not None:
        write_text(json, result.model_dump_json(indent=2) + "\n")
        made.append(json)
    if junit is not None:
        write_text(junit, junit_xml(result))
        made.append(junit)
    if html is not None:
        write_text(html, result_page(result))
        made.append(html)
    return made


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all; its folder is made.

    Raises:
        ResultsInvalid: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise ResultsInvalid(msg, remedy="Name a file in a folder that can be written.") from error

"""Writing reports to files, each whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
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
        with suppress(OSError):  # its folder is none, or nothing can be taken out of it
            draft.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def check_places(files: Sequence[Path | None], folder: Path | None = None) -> None:
    """See that files can be written, before minutes are spent on what goes into them.

    Their folders are made; files that are there stay as they are.

    Args:
        files: what is to be written; None: nothing.
        folder: where folders are to be made; None: nowhere.

    Raises:
        ResultsInvalid: one cannot be written.
    """
    for path in files:
        if path is None:
            continue
        if path.is_dir():
            raise _unwritable(path, "it is a folder")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise _unwritable(path, error) from error
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            msg = f"Nothing can be kept in {folder}: {error.strerror or error}."
            raise ResultsInvalid(msg, remedy="Name a folder that can be written.") from error


def _unwritable(path: Path, why: OSError | str) -> ResultsInvalid:
    said = why if isinstance(why, str) else why.strerror or str(why)
    msg = f"{path} cannot be written: {said}."
    return ResultsInvalid(msg, remedy="Name a file in a folder that can be written.")

"""JSON Schemas of recorded tasks and of results, made from their models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from neveridle.evals.recorded_task import RecordedTask
from neveridle.evals.result import SuiteResult

FOLDER: Final = Path(__file__).parent / "schema"
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
FILES: Final = {
    "task": "recorded-task.schema.json",
    "results": "eval-results.schema.json",
}
"""By what they describe, the files that are shipped."""


def task_schema() -> dict[str, Any]:
    """Of ``task.toml``, as TOML's values are in JSON."""
    made = RecordedTask.model_json_schema(by_alias=True)
    del made["properties"]["folder"]  # where it lies: not in the file
    return {"$schema": DRAFT, **made, "title": "A recorded task of neveridle (task.toml)"}


def results_schema() -> dict[str, Any]:
    """Of the file that ``neveridle eval run --output`` writes."""
    made = SuiteResult.model_json_schema()
    return {"$schema": DRAFT, **made, "title": "Results of neveridle eval run"}


def schema_text(what: str) -> str:
    """The text of a schema's file: ``task`` or ``results``."""
    made = task_schema() if what == "task" else results_schema()
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def write_schemas() -> None:
    """Write the files that are shipped."""
    for what, name in FILES.items():
        (FOLDER / name).write_text(schema_text(what), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_schemas()

"""Put every design note into the navigation, so that a new one cannot be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTION = "Design notes"


def on_config(config: Any) -> Any:
    """Fill the section; MkDocs calls this by its name once it has read ``mkdocs.yml``."""
    docs = Path(config["docs_dir"])
    notes = [note.relative_to(docs).as_posix() for note in sorted(docs.glob("design/*.md"))]
    nav: list[dict[str, Any]] = config["nav"]
    config["nav"] = [{SECTION: notes} if SECTION in item else item for item in nav]
    return config

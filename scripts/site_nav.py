"""Put every design note and every service's page into the navigation: none can be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS = {"Services": "services/*.md", "Design notes": "design/*.md"}


def on_config(config: Any) -> Any:
    """Fill the sections; MkDocs calls this by its name once it has read ``mkdocs.yml``."""
    docs = Path(config["docs_dir"])
    nav: list[dict[str, Any]] = []
    for item in config["nav"]:
        (section,) = item
        pattern = SECTIONS.get(section)
        pages = [] if pattern is None else sorted(docs.glob(pattern))
        found = [page.relative_to(docs).as_posix() for page in pages]
        nav.append({section: found} if found else item)
    config["nav"] = nav
    return config

"""Write the generated pages, or with ``--check`` say which are out of date."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from reference import commands, configuration, errors

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "configuration.md": configuration.page,
    "commands.md": commands.page,
    "errors.md": errors.page,
}


def stale(folder: Path, names: Iterable[str]) -> dict[Path, str]:
    """The pages in ``folder`` that differ from what would be generated, with that text."""
    pages = {folder / name: PAGES[name]() for name in names}
    return {
        path: text
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main(arguments: list[str] | None = None) -> int:
    """Return 1 when ``--check`` found a page that is out of date, else 0."""
    parser = argparse.ArgumentParser(prog="reference", description=__doc__)
    parser.add_argument("pages", nargs="*", help=f"some of {', '.join(PAGES)}; default: all")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of the pages")
    options = parser.parse_args(arguments)
    for name in set(options.pages) - set(PAGES):
        parser.error(f"{name}: no such page")
    pages = stale(options.docs, options.pages or PAGES)
    for path, text in pages.items():
        if options.check:
            print(f"docs/{path.name} is out of date: run `make reference`", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote docs/{path.name}")
    return 1 if options.check and pages else 0


if __name__ == "__main__":
    raise SystemExit(main())

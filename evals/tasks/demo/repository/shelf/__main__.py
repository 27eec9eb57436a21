"""The command line of shelf."""

import argparse
import sys
from pathlib import Path

from shelf.files import load, save
from shelf.pages import page
from shelf.tags import parse_tags


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="shelf")
    parser.add_argument("--file", type=Path, default=Path("shelf.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("url")
    add.add_argument("title")
    add.add_argument("--tags", default="")
    commands.add_parser("list")
    commands.add_parser("page")
    chosen = parser.parse_args(arguments)

    shelf = load(chosen.file)
    if chosen.command == "add":
        shelf.add(chosen.url, chosen.title, parse_tags(chosen.tags))
        save(shelf, chosen.file)
    elif chosen.command == "list":
        for bookmark in shelf.all():
            print(f"{bookmark.title}  {bookmark.url}")
    else:
        print(page(shelf))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of ledger."""

import argparse
import sys
from pathlib import Path

from ledger.files import load, save
from ledger.money import parse
from ledger.report import report


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="ledger")
    parser.add_argument("--file", type=Path, default=Path("ledger.csv"))
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("day")
    add.add_argument("account")
    add.add_argument("amount")
    add.add_argument("text", nargs="?", default="")
    commands.add_parser("report")
    chosen = parser.parse_args(arguments)

    book = load(chosen.file)
    if chosen.command == "add":
        book.add(chosen.day, chosen.account, parse(chosen.amount), chosen.text)
        save(book, chosen.file)
    else:
        print(report(book))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line of weather."""

import argparse
import sys
from pathlib import Path

from weather.readings import parse, remarks
from weather.report import report


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="weather")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("report", "remarks"):
        commands.add_parser(name).add_argument("file", type=Path)
    chosen = parser.parse_args(arguments)

    text = chosen.file.read_text(encoding="utf-8")
    if chosen.command == "report":
        print(report(chosen.file.stem, parse(text)))
    else:
        print("\n".join(remarks(text)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m neveridle.tools.standin FILE [PORT]``: say where it is, and serve."""

from __future__ import annotations

import sys
from pathlib import Path

from neveridle.tools.standin.server import StandinServer


def main() -> None:
    """Serve until killed."""
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with StandinServer(Path(sys.argv[1]), port=port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        server.wait()


if __name__ == "__main__":
    main()

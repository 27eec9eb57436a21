"""A small MCP server over stdin and stdout that behaves as badly as it is asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TOOLS: dict[str, dict[str, Any]] = {
    "echo": {"readOnlyHint": True}, "pid": {"readOnlyHint": True}, "environ": {}, "hang": {},
    "ignore": {}, "crash": {}, "crash_reading": {"readOnlyHint": True}, "big": {}, "fail": {},
    "refuse": {}, "image": {}, "odd.name": {}, "child": {},
}  # fmt: skip


def text(said: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}]}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    if "count" in arguments:  # in a file, as it has to outlive us
        with Path(arguments["count"]).open("a", encoding="utf-8") as file:
            file.write("x")
    match name:
        case "echo" | "odd.name":
            return text(str(arguments.get("text", "")))
        case "pid":
            return text(str(os.getpid()))
        case "environ":
            return text(json.dumps(dict(os.environ)))
        case "hang":
            time.sleep(600)
        case "ignore":
            return None
        case "crash" | "crash_reading":
            os._exit(3)
        case "big":
            return text("x" * 1_000_000)
        case "fail":
            return {**text("no such city"), "isError": True}
        case "image":
            return {"content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]}
        case "child":
            child = subprocess.Popen(["sleep", "600"])
            return text(str(child.pid))
        case _:
            pass
    raise ValueError(name)


def answer(asked: dict[str, Any]) -> dict[str, Any] | None:
    match asked["method"]:
        case "initialize":
            return {
                "protocolVersion": asked["params"]["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"},
            }  # fmt: skip
        case "tools/list":
            schema = {"type": "object", "properties": {"text": {"type": "string"}}}
            return {
                "tools": [
                    {"name": name, "description": f"{name} " * 1000, "inputSchema": schema,
                     "annotations": hints}
                    for name, hints in TOOLS.items()
                ]
            }  # fmt: skip
        case "tools/call":
            return call(asked["params"]["name"], asked["params"].get("arguments") or {})
        case "ping":
            return {}
        case _:
            raise ValueError(asked["method"])


def main() -> None:
    if "--broken" in sys.argv:
        sys.stderr.write("no configuration was found\n")
        sys.exit(4)
    if "--deaf" in sys.argv:
        time.sleep(600)
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            result = answer(asked)
        except ValueError as error:
            said["error"] = {"code": -32602, "message": f"unknown: {error}"}
        else:
            if result is None:
                continue
            said["result"] = result
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

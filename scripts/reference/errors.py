"""``docs/errors.md``, from the classes in ``neveridle.errors``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from neveridle import errors
from neveridle.errors import NeveridleError
from reference.markdown import NOTE, code, prose
from reference.markdown import page as build

INTRODUCTION = """\
Every error of neveridle says what happened and what to do next. It has a code, which does
not change, and a category, which decides how the team responds (see
[Concepts](concepts.md#when-something-goes-wrong)). The command line ends with the exit
code given here. In Python, catch the class: they all derive from `NeveridleError` in
`neveridle.errors`, and catching a branch catches what stands below it.
[Troubleshooting](troubleshooting.md) says, for each code, why it comes and what to do."""


def page() -> str:
    """The text of the page; each section's anchor is the error's code."""
    tree = inspect.cleandoc(errors.__doc__ or "").partition("::\n")[2].partition("\nEvery ")[0]
    return build(
        NOTE,
        "# Errors",
        INTRODUCTION,
        f"```text\n{inspect.cleandoc(tree)}\n```",
        *(_section(kind, depth) for kind, depth in walk(NeveridleError)),
    )


def walk(kind: type[NeveridleError], depth: int = 0) -> Iterator[tuple[type[NeveridleError], int]]:
    """The class and those below it, with their depth, in the order of the tree that is drawn."""
    yield kind, depth
    drawn = (errors.__doc__ or "").split()
    ours = [one for one in kind.__subclasses__() if getattr(errors, one.__name__, None) is one]
    for below in sorted(ours, key=lambda one: drawn.index(one.__name__)):
        yield from walk(below, depth + 1)


def _section(kind: type[NeveridleError], depth: int) -> str:
    text = inspect.getdoc(kind) or ""
    text = prose(text.partition("\nArgs:")[0])
    facts = (
        f"Category {kind.category.value}, exit code {kind.exit_code}, "
        f"in Python {code(kind.__name__)}"
    )
    parent = kind.__base__
    if parent is not None and issubclass(parent, NeveridleError):
        facts += f", a kind of [{parent.code}](#{parent.code})"
    return build(f"{'##' if depth < 2 else '###'} {kind.code}", text, f"{facts}.")

"""Finder: what the linter complains about."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from neveridle.graph.sources.improvement.finder import FinderContext, FinderFailed
from neveridle.graph.sources.improvement.lint_reports import LintFinding, lint_findings
from neveridle.graph.sources.improvement.proposal import Proposal, fingerprint
from neveridle.graph.sources.improvement.quoting import NOTICE, inside, one_line, quoted
from neveridle.graph.sources.improvement.unusable import why_unusable

if TYPE_CHECKING:
    from neveridle.tools.sandbox import CommandResult

MOST: Final = 50
"""Proposals at most; what is left is found again once these are done."""

_BASE: Final = 0.4
_FOR_ERRORS: Final = 0.1
_FOR_EACH_MORE: Final = 0.01
_FOR_MORE_AT_MOST: Final = 0.1


class Linter:
    """Runs the linter's command and proposes one task for each rule and file.

    A command that ends with 0 is content, whatever it prints. Without a command
    there is nothing to propose.
    """

    name = "linter"

    async def find(self, context: FinderContext) -> list[Proposal]:
        """Proposals, the most valuable first.

        Raises:
            FinderFailed: the command could not run.
        """
        if not context.lint_command:
            return []
        result = await context.checkout.run(context.lint_command)
        if result.ok:
            return []
        groups: dict[tuple[str, str], list[LintFinding]] = defaultdict(list)
        places: dict[str, str | None] = {}
        for finding in lint_findings(result.output):
            if finding.path not in places:
                places[finding.path] = inside(context.checkout.tree, finding.path)
            place = places[finding.path]
            if place:
                groups[place, finding.rule].append(finding)
        if not groups:
            why = why_unusable("lint", result)
            if why:
                remedy = "See that lint in [improvement] works on a fresh clone in the sandbox."
                raise FinderFailed(why, remedy=remedy)
            return [_whole(result)]
        found = [_group(path, rule, finds) for (path, rule), finds in groups.items()]
        return sorted(found, key=lambda proposal: (-proposal.value, proposal.title))[:MOST]


def _group(path: str, rule: str, findings: list[LintFinding]) -> Proposal:
    count, broken = len(findings), any(finding.error for finding in findings)
    more = min(_FOR_MORE_AT_MOST, _FOR_EACH_MORE * (count - 1))
    what = one_line(rule, 60) or ("the errors" if broken else "the findings")
    times = "one finding" if count == 1 else f"{count} findings"
    listed = "\n".join(
        f"line {finding.line}: {one_line(finding.message, 200)}" for finding in findings
    )
    return Proposal(
        finder=Linter.name,
        title=f"Resolve {what} in {one_line(path, 80)} ({times})",
        reason="The linter calls this an error." if broken else "The linter asks for it.",
        description=f"The linter reports {what} in {one_line(path, 200)}. Correct the code; "
        f"silence the linter only where it is wrong, and say why.\n\n{NOTICE}\n{quoted(listed)}",
        value=round(_BASE + (_FOR_ERRORS if broken else 0) + more, 3),
        fingerprint=fingerprint(Linter.name, path, rule),
        paths=(path,),
    )


def _whole(result: CommandResult) -> Proposal:
    return Proposal(
        finder=Linter.name,
        title=f"Make the linter pass: {one_line(result.command, 80)}",
        reason=f"The linter's command ends with exit code {result.exit_code}.",
        description="The linter's command fails, in a way that names no file and rule. Find out "
        f"what it wants.\n\nThe end of its output. {NOTICE}\n{quoted(result.output, tail=True)}",
        value=_BASE + _FOR_ERRORS,
        fingerprint=fingerprint(Linter.name, "command", result.command),
    )

"""Finder: tests that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neveridle.graph.sources.improvement.finder import FinderContext, FinderFailed
from neveridle.graph.sources.improvement.proposal import Proposal, fingerprint
from neveridle.graph.sources.improvement.quoting import NOTICE, inside, one_line, quoted
from neveridle.graph.sources.improvement.runner_reports import FailedTest, failed_tests
from neveridle.graph.sources.improvement.unusable import why_unusable

if TYPE_CHECKING:
    from neveridle.tools.sandbox import CommandResult

MOST_TESTS: Final = 10
"""Failing tests of one check that are proposed one by one; more share a cause, most likely."""

_TEST_VALUE: Final = 0.9
_CHECK_VALUE: Final = 0.8


class FailingTests:
    """Runs the project's checks and proposes to repair what fails.

    One proposal for each failing test that the output names, up to ten for a
    check; one for the check where there are more, or none is named. The linter's
    command is left to the linter's finder. A check that could not run is a problem.
    """

    name = "failing-tests"

    async def find(self, context: FinderContext) -> list[Proposal]:
        """Proposals from all checks.

        Raises:
            FinderFailed: a check could not run; carries what the others showed.
        """
        found: list[Proposal] = []
        problems: list[str] = []
        for check, command in context.checks.items():
            if not command.strip() or command.strip() == context.lint_command:
                continue
            result = await context.checkout.run(command)
            if result.ok:
                continue
            tests = failed_tests(result.output)
            why = "" if tests else why_unusable(check, result)
            if why:
                problems.append(why)
            elif 0 < len(tests) <= MOST_TESTS:
                found += [_one_test(context, check, result, test) for test in tests]
            else:
                found.append(_whole_check(context, check, result, tests))
        if problems:
            remedy = "See that [checks] works on a fresh clone in the sandbox."
            raise FinderFailed(" ".join(problems), remedy=remedy, found=found)
        return found


def _one_test(
    context: FinderContext, check: str, result: CommandResult, test: FailedTest
) -> Proposal:
    path = inside(context.checkout.tree, test.path)
    return Proposal(
        finder=FailingTests.name,
        title=f"Repair the failing test {one_line(test.name, 100)}",
        reason=f"It fails on {one_line(context.target_branch, 60)}, so the check "
        f"{one_line(check, 40)!r} protects nobody.",
        description=_description(context, check, result, [test]),
        value=_TEST_VALUE,
        # Not the check: two checks that run the same test see one opportunity.
        fingerprint=fingerprint(FailingTests.name, "test", test.name.replace("\\", "/")),
        paths=(path,) if path else (),
    )


def _whole_check(
    context: FinderContext, check: str, result: CommandResult, tests: list[FailedTest]
) -> Proposal:
    paths = {path for test in tests if (path := inside(context.checkout.tree, test.path))}
    many = f" ({len(tests)} tests)" if tests else ""
    return Proposal(
        finder=FailingTests.name,
        title=f"Repair the failing check {one_line(check, 60)!r}{many}",
        reason=f"It fails on {one_line(context.target_branch, 60)} with exit code "
        f"{result.exit_code}, so it protects nobody.",
        description=_description(context, check, result, tests),
        value=_CHECK_VALUE,
        fingerprint=fingerprint(FailingTests.name, "check", check),
        paths=tuple(sorted(paths))[:MOST_TESTS],
    )


def _description(
    context: FinderContext, check: str, result: CommandResult, tests: list[FailedTest]
) -> str:
    parts = [
        f"The check {one_line(check, 60)!r} fails on {one_line(context.target_branch, 60)}. "
        "Find the cause and repair it. Change a test only where the test itself is wrong, "
        "and say why.",
        f"The command:\n{quoted(result.command, lines=5, limit=500)}",
    ]
    if tests:
        names = "\n".join(one_line(test.name, 150) for test in tests[: 2 * MOST_TESTS])
        parts.append(f"Failing tests ({len(tests)}):\n{quoted(names, limit=1_500)}")
    parts.append(f"The end of its output. {NOTICE}\n{quoted(result.output, tail=True)}")
    return "\n\n".join(parts)

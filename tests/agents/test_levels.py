"""Whom to turn to: the table of levels, over every kind of error there is."""

from __future__ import annotations

import pytest

from neveridle import errors
from neveridle.agents.escalation import EscalationLevel, Rules, Trouble, category_of, level_of
from neveridle.errors import ErrorCategory, NeveridleError
from neveridle.settings import Settings

HEAL, PEER, HUMAN, EMERGENCY = EscalationLevel
PLAIN = Rules(attempts=3)

# At once; and once the attempts are used up.
TABLE = {
    # The model's: its own affair, then a peer's. A person's no is not for peers to go round.
    "ModelMistake": (HEAL, PEER),
    "PathEscape": (HEAL, PEER),
    "EditRejected": (HEAL, PEER),
    "OutcomeInvalid": (HEAL, PEER),
    "LimitReached": (HEAL, PEER),
    "NoProgress": (HEAL, PEER),
    "Stuck": (HEAL, PEER),
    "HandoffRefused": (HEAL, PEER),
    "WorkRefused": (HEAL, PEER),
    "RequestRefused": (HEAL, PEER),
    "EffectRefused": (HEAL, PEER),
    "MergeConflict": (HEAL, PEER),
    "ApprovalDenied": (HEAL, HUMAN),
    # Who was there first: as for the model.
    "CoordinationError": (HEAL, PEER),
    "LeaseLost": (HEAL, PEER),
    "NotFound": (HEAL, PEER),
    "DependencyCycle": (HEAL, PEER),
    "StateConflict": (HEAL, PEER),
    # What a person has to configure or repair: nobody else can.
    "OperatorError": (HUMAN, HUMAN),
    "SettingsInvalid": (HUMAN, HUMAN),
    "SoulInvalid": (HUMAN, HUMAN),
    "RoadmapInvalid": (HUMAN, HUMAN),
    "ImportInvalid": (HUMAN, HUMAN),
    "RecordingInvalid": (HUMAN, HUMAN),
    "RecordingMismatch": (HUMAN, HUMAN),
    "DatasetInvalid": (HUMAN, HUMAN),
    "ResultsInvalid": (HUMAN, HUMAN),
    "ToolsUnusable": (HUMAN, HUMAN),
    "ModelNotConfigured": (HUMAN, HUMAN),
    "ExtraMissing": (HUMAN, HUMAN),
    "RepositoryUnusable": (HUMAN, HUMAN),
    "SandboxMissing": (HUMAN, HUMAN),
    "StageTaken": (HUMAN, HUMAN),
    "BoardUnusable": (HUMAN, HUMAN),
    "MemoryUnusable": (HUMAN, HUMAN),
    "AccessRefused": (HUMAN, HUMAN),
    "BudgetReached": (HUMAN, HUMAN),
    "EffectStuck": (HUMAN, HUMAN),
    "DiskFull": (HUMAN, HUMAN),
    "StateCorrupted": (HUMAN, HUMAN),
    "CredentialsRejected": (HUMAN, HUMAN),
    # An outage: waited for, and never a reason for a dispatch.
    "ServiceError": (HEAL, HEAL),
    "ServiceUnreached": (HEAL, HEAL),
    "RateLimited": (HEAL, HEAL),
    "ServiceUnavailable": (HEAL, HEAL),
    "EffectUnsettled": (HEAL, HEAL),
    # One of which nothing more is known.
    "NeveridleError": (HUMAN, HUMAN),
}


def test_the_table_names_every_error() -> None:
    every = {name for name in errors.__all__ if isinstance(getattr(errors, name), type)}
    assert set(TABLE) == every - {"ErrorCategory"}


@pytest.mark.parametrize("name", TABLE)
def test_an_error_has_its_level(name: str) -> None:
    trouble = Trouble.of(getattr(errors, name))
    early = {level_of(trouble, failures=n, rules=PLAIN) for n in (0, 1, 2)}
    late = {level_of(trouble, failures=n, rules=PLAIN) for n in (3, 4, 100)}
    assert (early, late) == ({TABLE[name][0]}, {TABLE[name][1]})


@pytest.mark.parametrize("name", TABLE)
def test_what_fails_for_the_sake_of_a_service_is_never_a_peers(name: str) -> None:
    chosen = {str(category): PEER for category in ErrorCategory}
    for rules in (PLAIN, Rules(levels=chosen)):
        trouble = Trouble.of(getattr(errors, name), service="github")
        assert level_of(trouble, failures=9, rules=rules) is not PEER


def test_a_bug_of_ours_is_no_peers() -> None:
    bug = Trouble.of_problem({"code": "bug", "category": "recoverable"})
    assert level_of(bug, failures=2, rules=PLAIN) is HEAL
    assert level_of(bug, failures=3, rules=PLAIN) is HUMAN


@pytest.mark.parametrize(
    ("kind", "down", "level"),
    [
        (errors.ServiceUnavailable, False, EMERGENCY),
        (errors.CredentialsRejected, False, EMERGENCY),
        (errors.AccessRefused, False, EMERGENCY),
        (errors.ServiceError, False, HEAL),
        (errors.RateLimited, False, HEAL),
        (errors.ServiceError, True, EMERGENCY),
    ],
)
def test_what_production_runs_on_is_an_emergency_once_it_is_down(
    kind: type[NeveridleError], down: bool, level: EscalationLevel
) -> None:
    rules = Rules(emergency=frozenset({"vercel"}))

    def found(service: str) -> EscalationLevel:
        trouble = Trouble(code=kind.code, category=kind.category, service=service, down=down)
        return level_of(trouble, failures=0, rules=rules)

    assert found("vercel") is level
    assert found("linear") is not EMERGENCY


def test_what_is_configured_says_whom_and_not_when() -> None:
    levels = {
        "work-refused": HUMAN,
        "disk-full": EMERGENCY,
        "fatal": EMERGENCY,
        "edit-rejected": HEAL,
    }
    rules = Rules(attempts=2, levels=levels)

    def level(kind: type[NeveridleError], failures: int) -> EscalationLevel:
        return level_of(Trouble.of(kind), failures=failures, rules=rules)

    assert [level(errors.WorkRefused, n) for n in (1, 2)] == [HEAL, HUMAN]
    assert [level(errors.EditRejected, n) for n in (1, 2, 50)] == [HEAL, HEAL, HEAL]
    assert level(errors.DiskFull, 0) is EMERGENCY
    assert level(errors.StateCorrupted, 0) is EMERGENCY, "by its category"
    assert level(errors.PathEscape, 2) is PEER


def test_a_code_wins_over_its_category() -> None:
    rules = Rules(levels={"fatal": EMERGENCY, "credentials-rejected": HUMAN})
    assert level_of(Trouble.of(errors.CredentialsRejected), failures=0, rules=rules) is HUMAN


def test_what_an_outage_is_raised_to_is_never_lowered_to_a_dispatch() -> None:
    rules = Rules(levels={"transient": PEER, "disk-full": PEER})
    assert level_of(Trouble.of(errors.ServiceError), failures=9, rules=rules) is HUMAN
    assert level_of(Trouble.of(errors.DiskFull), failures=9, rules=rules) is HUMAN


def test_rules_come_from_the_settings() -> None:
    said = {"levels": {"disk-full": "EMERGENCY"}, "emergency": [" Vercel "]}
    rules = Rules.of(Settings.model_validate({"escalation": said, "limits": {"attempts": 5}}))
    assert rules == Rules(
        attempts=5, levels={"disk-full": EMERGENCY}, emergency=frozenset({"vercel"})
    )


def test_categories_by_code() -> None:
    for name in TABLE:
        kind = getattr(errors, name)
        assert category_of(kind.code) is kind.category
    assert category_of("bug") is ErrorCategory.RECOVERABLE
    assert category_of("nothing of the kind") is ErrorCategory.BLOCKING

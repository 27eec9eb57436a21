"""How work on one task is confined, limited and delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from neveridle.settings.table import Table as _Table


class DeliverySettings(_Table):
    """What happens to work that passed its checks."""

    mode: Literal["branch", "merge", "pull_request"] = Field(
        default="branch",
        description="branch leaves a branch to look at; merge merges it once the checks "
        "pass on the merged tree; pull_request pushes it and opens one on GitHub.",
    )
    merge_style: Literal["commit", "fast-forward"] = Field(
        default="commit", description="A merge commit always, or a fast-forward where possible."
    )
    unsandboxed_merge: bool = Field(
        default=False, description="Allow merge where no sandbox is available on this machine."
    )
    branch_prefix: str = Field(
        default="neveridle/", description="Branches are named <prefix><task>-<slug>."
    )
    rounds: int = Field(
        default=5,
        ge=0,
        description="How often an agent goes back to an open pull request, for failed checks, "
        "reviews and conflicts, before a person is asked. Failed attempts do not count.",
    )
    pull_request_merge: bool = Field(
        default=False,
        description="Whether every agent may merge pull requests of the team; else those in "
        "mergers of [services.github] may, and nobody else.",
    )
    approvals: int = Field(
        default=1,
        ge=0,
        description="Approving reviews a pull request needs before an agent merges it.",
    )
    look: float = Field(
        default=30.0,
        gt=0,
        description="Seconds until an open pull request is looked at again; twice as long each "
        "time nothing has changed.",
    )
    look_longest: float = Field(
        default=900.0, gt=0, description="Seconds between two looks at a pull request, at most."
    )


class SandboxSettings(_Table):
    """How commands and checks are confined."""

    kind: Literal["auto", "bubblewrap", "none"] = Field(
        default="auto",
        description="auto uses bubblewrap where it works, and says so where it does not.",
    )
    network: bool = Field(default=False, description="Whether commands may reach the network.")
    timeout: float = Field(
        default=600.0, gt=0, description="Seconds one command or check may take."
    )
    memory_mb: int = Field(default=4096, ge=64, description="Address space of one command, in MiB.")
    output_bytes: int = Field(
        default=200_000, ge=1_000, description="Output kept of one command; the middle is cut out."
    )
    readable: list[Path] = Field(
        default_factory=list[Path],
        description="Further folders commands may read, such as a toolchain in a home folder.",
    )
    environment: dict[str, str] = Field(
        default_factory=dict[str, str], description="Variables set for commands and checks."
    )


class LimitSettings(_Table):
    """What one attempt, and one task, may cost."""

    attempts: int = Field(default=3, ge=1, description="Failed attempts before a person is asked.")
    model_calls: int = Field(default=60, ge=1, description="Model calls per attempt.")
    tool_calls: int = Field(default=150, ge=1, description="Tool calls per attempt.")
    attempt_timeout: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds one attempt may work, those before a resumption included.",
    )
    idle_timeout: float = Field(
        default=0.0,
        ge=0,
        description="Seconds without progress (no model call and no tool call finished) after "
        "which an attempt fails, and without output after which a command of its is ended. "
        "0: 900, or more where sandbox.timeout or twice model.timeout is more.",
    )
    stuck_repeats: int = Field(
        default=4,
        ge=0,
        description="How often an agent may do the same with the same result, also in turns of up "
        "to four rounds, before it is told; as often again, and the attempt is stopped. 0: ever.",
    )
    stuck_rounds: int = Field(
        default=12,
        ge=0,
        description="Rounds in which nothing new comes of whatever an agent does before it is "
        "told; as many again, and the attempt is stopped. 0: any number.",
    )
    claim_retries: int = Field(
        default=3, ge=1, description="How often a lost claim returns to the same rung in one tick."
    )

"""The services a team uses, one class per table ``[services.<name>]``.

Tokens are never settings: a setting names the environment variable that holds one.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from neveridle.settings.table import Table


class ServiceSettings(Table):
    """What all services have in common."""

    name: ClassVar[str] = ""

    enabled: bool = Field(default=True, description="Whether the service is used at all.")
    url: str = Field(description="Where its API is.")
    token_env: str = Field(
        description="The environment variable that holds the token; it is never written to a file."
    )
    timeout: float = Field(
        default=30.0,
        gt=0,
        description="Seconds each step of a request may take (connect, send, answer); "
        "the whole takes twice that at most.",
    )
    attempts: int = Field(default=5, ge=1, le=20, description="Requests one call may make.")
    total_timeout: float = Field(
        default=120.0, gt=0, description="Seconds one call may take, all its requests and waits."
    )
    breaker_threshold: int = Field(
        default=5, ge=1, description="Failures in a row after which nobody calls it for a while."
    )
    breaker_reset: float = Field(
        default=30.0, gt=0, description="Seconds after which one call tries it again."
    )


class LinearSettings(ServiceSettings):
    """Linear. The token is an API key, or an OAuth token beginning with `Bearer `."""

    name: ClassVar[str] = "linear"

    url: str = Field(default="https://api.linear.app/graphql", description="The GraphQL address.")
    token_env: str = Field(
        default="LINEAR_API_KEY", description="The environment variable with the API key."
    )
    team: str = Field(default="", description="The key of the Linear team, such as AGT.")
    states: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Names of workflow states for started, review, done and reopened. Unset: the "
        "first state of that type.",
    )
    creators: list[str] = Field(
        default_factory=list[str], description="Agents that may make tickets. Empty: none."
    )
    webhook_secret_env: str = Field(
        default="LINEAR_WEBHOOK_SECRET",
        description="The environment variable with the secret that signs webhooks.",
    )


class GitHubSettings(ServiceSettings):
    """GitHub. The token may be a fine-grained or a classic personal access token."""

    name: ClassVar[str] = "github"

    url: str = Field(default="https://api.github.com", description="The REST address.")
    token_env: str = Field(
        default="GITHUB_TOKEN", description="The environment variable with the token."
    )
    repository: str = Field(default="", description="The repository, as OWNER/NAME.")
    remote: str = Field(default="origin", description="The git remote branches are pushed to.")
    mergers: list[str] = Field(
        default_factory=list[str], description="Agents that may merge pull requests."
    )
    webhook_secret_env: str = Field(
        default="GITHUB_WEBHOOK_SECRET",
        description="The environment variable with the secret that signs webhooks.",
    )


class VercelSettings(ServiceSettings):
    """Vercel."""

    name: ClassVar[str] = "vercel"

    url: str = Field(default="https://api.vercel.com", description="The REST address.")
    token_env: str = Field(
        default="VERCEL_TOKEN", description="The environment variable with the token."
    )
    project: str = Field(default="", description="The project's name or id.")
    team: str = Field(default="", description="The team's id or slug. Empty: the personal account.")


class ConvexSettings(ServiceSettings):
    """Convex: the functions of one deployment, by HTTP."""

    name: ClassVar[str] = "convex"

    url: str = Field(default="", description="The deployment, such as https://….convex.cloud.")
    token_env: str = Field(
        default="CONVEX_DEPLOY_KEY",
        description="The environment variable with a deploy key. Unset: functions are called "
        "without credentials.",
    )
    mutations: list[str] = Field(
        default_factory=list[str],
        description="Mutations and actions agents may call, such as tasks:create. Queries all may.",
    )
    keys: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="For functions that do nothing twice for one key: the argument in which each "
        'takes it, such as { "tasks:create" = "requestId" }. All others may be called twice where '
        "an answer was lost.",
    )


class SlackSettings(ServiceSettings):
    """Slack."""

    name: ClassVar[str] = "slack"

    url: str = Field(default="https://slack.com/api", description="The Web API's address.")
    token_env: str = Field(
        default="SLACK_BOT_TOKEN", description="The environment variable with the bot's token."
    )
    channel: str = Field(
        default="dev", description="The channel the team talks in: its name or id."
    )
    alerts: str = Field(default="", description="The channel for alerts. Empty: the same one.")
    history: bool = Field(
        default=True,
        description="Whether the token may read the channel (channels:history). Then a message "
        "whose answer was lost is looked for before it is posted again.",
    )
    mirror: bool = Field(
        default=True, description="Whether what is said in the board's dev channel is posted there."
    )


class McpServer(Table):
    """One MCP server, in a table `[services.mcp.<name>]`."""

    command: list[str] = Field(
        default_factory=list[str],
        description="The program to start and its arguments, speaking over stdin and stdout.",
    )
    url: str = Field(default="", description="Or the address of a server that speaks HTTP.")
    token_env: str = Field(
        default="", description="The environment variable with a token for the url. Empty: none."
    )
    environment: list[str] = Field(
        default_factory=list[str],
        description="Names of environment variables the program may see; it sees no others.",
    )
    tools: list[str] = Field(
        default_factory=list[str], description="The tools agents may use. Empty: none; *: all."
    )
    agents: list[str] = Field(
        default_factory=list[str], description="Agents that may use them. Empty: all."
    )
    timeout: float = Field(default=60.0, gt=0, description="Seconds one call may take.")
    breaker_threshold: int = Field(default=5, ge=1, description="As for every service.")
    breaker_reset: float = Field(default=30.0, gt=0, description="As for every service.")


class ServicesSettings(Table):
    """The services; one that has no table is not used."""

    linear: LinearSettings | None = Field(default=None, description="Linear.")
    github: GitHubSettings | None = Field(default=None, description="GitHub.")
    vercel: VercelSettings | None = Field(default=None, description="Vercel.")
    convex: ConvexSettings | None = Field(default=None, description="Convex.")
    slack: SlackSettings | None = Field(default=None, description="Slack.")
    mcp: dict[str, McpServer] = Field(
        default_factory=dict[str, McpServer], description="MCP servers, one table each."
    )
    record: str = Field(
        default="",
        description="A JSONL file to which every request to a service and its answer is recorded. "
        "Empty: none.",
    )
    replay: str = Field(
        default="",
        description="A JSONL file from which every request to a service is answered: none is "
        "called. Empty: they are called.",
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> ServicesSettings:
        if self.record and self.replay:
            msg = "record and replay exclude each other: empty one of them"
            raise ValueError(msg)
        return self

"""What Linear says, as far as we use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from neveridle.errors import ServiceError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

OVER = frozenset({"completed", "canceled", "duplicate"})
"""Types of states in which nothing is left to be done."""
BLOCKS = "blocks"


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class PageInfo(_Model):
    """Whether there is more, and from where on."""

    has_next_page: bool
    end_cursor: str | None = None


class Page(_Model, Generic[T]):
    """One page of a connection."""

    nodes: tuple[T, ...]
    page_info: PageInfo


class User(_Model):
    """A person, or an app that acts like one."""

    id: str
    name: str
    display_name: str
    email: str
    is_me: bool


class WorkflowState(_Model):
    """A state of a team's workflow.

    Attributes:
        type: triage, backlog, unstarted, started, completed, canceled or duplicate.
        position: its place among those of its team.
    """

    id: str
    name: str
    type: str
    position: float


class Label(_Model):
    """A label of a team or of the workspace."""

    id: str
    name: str


class LinearTeam(_Model):
    """A team, with at most 50 states, 100 labels and 100 members."""

    id: str
    key: str
    name: str
    states: Page[WorkflowState]
    labels: Page[Label]
    members: Page[User]


class TeamRef(_Model):
    """The team of an issue."""

    id: str
    key: str


class StateType(_Model):
    """A state's type alone."""

    type: str


class Related(_Model):
    """The issue at the other end of a relation."""

    id: str
    identifier: str
    state: StateType

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done for it."""
        return self.state.type in OVER


class Relation(_Model):
    """A relation that an issue has to another: it ``blocks`` it, say."""

    id: str
    type: str
    related_issue: Related


class InverseRelation(_Model):
    """A relation that another issue has to this one."""

    id: str
    type: str
    issue: Related


class Change(_Model):
    """One entry of an issue's history, as far as it tells of assignments."""

    id: str
    created_at: str
    from_assignee_id: str | None = None
    to_assignee_id: str | None = None


class Changes(_Model):
    """The newest entries of an issue's history, the newest first."""

    nodes: tuple[Change, ...]


class Issue(_Model):
    """An issue.

    Attributes:
        identifier: such as AGT-275.
        priority: 0 none, 1 urgent, 2 high, 3 normal, 4 low.
        history: who it was assigned to lately; None: it was not asked for.
    """

    id: str
    identifier: str
    title: str
    description: str | None = None
    priority: float = 0
    url: str
    created_at: str
    updated_at: str
    archived_at: str | None = None
    trashed: bool | None = None
    team: TeamRef
    state: WorkflowState
    assignee: User | None = None
    labels: Page[Label]
    relations: Page[Relation]
    inverse_relations: Page[InverseRelation]
    history: Changes | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done for it."""
        return self.state.type in OVER or self.archived_at is not None or bool(self.trashed)

    @property
    def blocked_by(self) -> tuple[Related, ...]:
        """The issues that must be done first."""
        return tuple(one.issue for one in self.inverse_relations.nodes if one.type == BLOCKS)

    @property
    def blocks(self) -> tuple[Related, ...]:
        """The issues that wait for it."""
        return tuple(one.related_issue for one in self.relations.nodes if one.type == BLOCKS)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Its labels' names."""
        return tuple(one.name for one in self.labels.nodes)

    @property
    def whole(self) -> bool:
        """Whether its relations were all read."""
        return not (
            self.relations.page_info.has_next_page or self.inverse_relations.page_info.has_next_page
        )


class Comment(_Model):
    """A comment on an issue; ``user`` is None where an integration wrote it."""

    id: str
    body: str
    created_at: str
    url: str
    user: User | None = None


def parsed(model: type[M], value: object, what: str) -> M:
    """A part of an answer as a model.

    Raises:
        ServiceError: Linear answered something else; what it was is not said, only where.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        msg = f"linear answered {what} in a form we do not know (at {where or 'the top'})."
        raise ServiceError(msg, service="linear") from None


def part(data: Mapping[str, Any], *names: str) -> Any:
    """What lies at a path of names in an answer.

    Raises:
        ServiceError: there is nothing of the kind.
    """
    found: Any = data
    for name in names:
        found = cast("dict[str, Any]", found).get(name) if isinstance(found, dict) else None
        if found is None:
            msg = f"linear's answer has no {'.'.join(names)}."
            raise ServiceError(msg, service="linear")
    return found

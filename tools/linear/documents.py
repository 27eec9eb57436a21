"""The GraphQL documents we send to Linear, one for each operation.

What a document costs is counted as Linear counts it: a tenth of a point for each property, one
for each object, and what a connection holds as often as it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

USER: Final = "fragment UserParts on User { id name displayName email isMe }"
STATE: Final = "fragment StateParts on WorkflowState { id name type position }"
RELATED: Final = "fragment RelatedParts on Issue { id identifier state { type } }"
ISSUE: Final = """fragment IssueParts on Issue {
  id identifier title description priority url createdAt updatedAt archivedAt trashed
  team { id key }
  state { ...StateParts }
  assignee { ...UserParts }
  labels(first: 10) { nodes { id name } pageInfo { hasNextPage endCursor } }
  relations(first: 10) {
    nodes { id type relatedIssue { ...RelatedParts } }
    pageInfo { hasNextPage endCursor }
  }
  inverseRelations(first: 10) {
    nodes { id type issue { ...RelatedParts } }
    pageInfo { hasNextPage endCursor }
  }
}"""
WHOLE: Final = f"{ISSUE}\n{STATE}\n{USER}\n{RELATED}"

SCALAR, OBJECT = 0.1, 1.0
LONGEST_QUERY: Final = 10_000
"""Points one query may cost."""
REQUESTS_PER_HOUR: Final = 5_000
POINTS_PER_HOUR: Final = 250_000
"""What an API key may spend in an hour, as Linear states it; its headers say what holds."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: its name in the document.
        document: the document, with its fragments.
        repeats: whether doing it again changes nothing: it reads, or sets a state.
        partial: whether an answer with errors can be used as far as it goes.
        fixed: points it costs once.
        each: points for each object of the page it asks for; 0: it asks for no page.
    """

    name: str
    document: str
    repeats: bool = True
    partial: bool = False
    fixed: float = 0.0
    each: float = 0.0

    def points(self, first: int = 0) -> float:
        """What it costs with a page of ``first``."""
        return self.fixed + self.each * first


PAGE_INFO: Final = OBJECT + 2 * SCALAR
USER_POINTS: Final = OBJECT + 5 * SCALAR
STATE_POINTS: Final = OBJECT + 4 * SCALAR
RELATED_POINTS: Final = OBJECT + 2 * SCALAR + OBJECT + SCALAR
RELATIONS_POINTS: Final = 10 * (OBJECT + 2 * SCALAR + RELATED_POINTS) + PAGE_INFO + OBJECT
LABELS_POINTS: Final = 10 * (OBJECT + 2 * SCALAR) + PAGE_INFO + OBJECT
TEAM_POINTS: Final = OBJECT + 2 * SCALAR
ISSUE_POINTS: Final = (
    OBJECT + 10 * SCALAR + TEAM_POINTS + STATE_POINTS + USER_POINTS + LABELS_POINTS
    + 2 * RELATIONS_POINTS
)  # fmt: skip

VIEWER: Final = Operation(
    "NeveridleViewer",
    f"query NeveridleViewer {{ viewer {{ ...UserParts }} }}\n{USER}",
    fixed=USER_POINTS,
)

TEAMS: Final = Operation(
    "NeveridleTeams",
    """query NeveridleTeams($filter: TeamFilter, $first: Int!, $after: String) {
  teams(filter: $filter, first: $first, after: $after) {
    nodes {
      id key name
      states(first: 50) { nodes { ...StateParts } pageInfo { hasNextPage endCursor } }
      labels(first: 100) { nodes { id name } pageInfo { hasNextPage endCursor } }
      members(first: 100) { nodes { ...UserParts } pageInfo { hasNextPage endCursor } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + f"{STATE}\n{USER}",
    fixed=OBJECT + PAGE_INFO,
    each=OBJECT + 3 * SCALAR
    + 50 * STATE_POINTS + PAGE_INFO + OBJECT
    + 100 * (OBJECT + 2 * SCALAR) + PAGE_INFO + OBJECT
    + 100 * USER_POINTS + PAGE_INFO + OBJECT,
)  # fmt: skip

ISSUES: Final = Operation(
    "NeveridleIssues",
    """query NeveridleIssues(
  $filter: IssueFilter, $first: Int!, $after: String, $archived: Boolean
) {
  issues(
    filter: $filter, first: $first, after: $after, includeArchived: $archived, orderBy: updatedAt
  ) {
    nodes { ...IssueParts }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + WHOLE,
    fixed=OBJECT + PAGE_INFO,
    each=ISSUE_POINTS,
)

RELATIONS: Final = Operation(
    "NeveridleRelations",
    """query NeveridleRelations(
  $id: String!, $first: Int!, $after: String, $inverseAfter: String
) {
  issue(id: $id) {
    relations(first: $first, after: $after) {
      nodes { id type relatedIssue { ...RelatedParts } }
      pageInfo { hasNextPage endCursor }
    }
    inverseRelations(first: $first, after: $inverseAfter) {
      nodes { id type issue { ...RelatedParts } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
    + RELATED,
    fixed=OBJECT + 2 * (OBJECT + PAGE_INFO),
    each=2 * (OBJECT + 2 * SCALAR + RELATED_POINTS),
)

LOOK: Final = Operation(
    "NeveridleLook",
    """query NeveridleLook($filter: IssueFilter!) {
  issues(filter: $filter, first: 1, includeArchived: true) {
    nodes {
      ...IssueParts
      history(first: 10) { nodes { id createdAt fromAssigneeId toAssigneeId } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + WHOLE,
    fixed=OBJECT + PAGE_INFO + ISSUE_POINTS + OBJECT + 10 * (OBJECT + 4 * SCALAR),
)

COMMENTS: Final = Operation(
    "NeveridleComments",
    """query NeveridleComments($filter: CommentFilter, $first: Int!, $after: String) {
  comments(filter: $filter, first: $first, after: $after) {
    nodes { id body createdAt url user { ...UserParts } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + USER,
    partial=True,
    fixed=OBJECT + PAGE_INFO,
    each=OBJECT + 4 * SCALAR + USER_POINTS,
)

CREATE: Final = Operation(
    "NeveridleCreate",
    """mutation NeveridleCreate($input: IssueCreateInput!) {
  issueCreate(input: $input) { success issue { id identifier title url } }
}""",
    repeats=False,
    fixed=OBJECT + SCALAR + OBJECT + 4 * SCALAR,
)

UPDATE: Final = Operation(
    "NeveridleUpdate",
    """mutation NeveridleUpdate($id: String!, $input: IssueUpdateInput!) {
  issueUpdate(id: $id, input: $input) {
    success
    issue { id identifier state { ...StateParts } assignee { ...UserParts } }
  }
}
"""
    + f"{STATE}\n{USER}",
    fixed=OBJECT + SCALAR + OBJECT + 2 * SCALAR + STATE_POINTS + USER_POINTS,
)

COMMENT: Final = Operation(
    "NeveridleComment",
    """mutation NeveridleComment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success comment { id url } }
}""",
    repeats=False,
    fixed=OBJECT + SCALAR + OBJECT + 2 * SCALAR,
)

ATTACH: Final = Operation(
    "NeveridleAttach",
    """mutation NeveridleAttach($input: AttachmentCreateInput!) {
  attachmentCreate(input: $input) { success attachment { id url title } }
}""",
    fixed=OBJECT + SCALAR + OBJECT + 3 * SCALAR,
)

OPERATIONS: Final = (
    VIEWER, TEAMS, ISSUES, RELATIONS, LOOK, COMMENTS, CREATE, UPDATE, COMMENT, ATTACH,
)  # fmt: skip
"""All there are."""

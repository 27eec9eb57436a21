"""What we send to Linear, and what its stand-in answers, against Linear's own schema."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import RequestRefused
from neveridle.settings.services import LinearSettings
from neveridle.tools.linear import Linear
from neveridle.tools.linear.client import PAGE, issue_filter
from neveridle.tools.linear.documents import (
    ISSUES,
    LONGEST_QUERY,
    OBJECT,
    OPERATIONS,
    SCALAR,
    TEAMS,
    Operation,
)
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.linear import LinearStandin

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[2] / ".." / "shared"))
graphql: Any = importlib.import_module("graphql")  # its types are partly unknown
NAMES = [operation.name for operation in OPERATIONS]


@pytest.fixture(scope="module")
def schema() -> Any:
    path = SHARED / "contracts" / "linear" / "schema.graphql"
    if not path.exists():
        pytest.skip(f"{path} is not there: NEVERIDLE_SHARED says where the contracts are")
    return graphql.build_schema(path.read_text(encoding="utf-8"), assume_valid=True)


class Walk:
    """Walks a document with the schema, over an answer or to count what it costs."""

    def __init__(self, schema: Any, document: Any) -> None:
        self.schema = schema
        self.fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, graphql.FragmentDefinitionNode)
        }
        (self.operation,) = (
            one for one in document.definitions if isinstance(one, graphql.OperationDefinitionNode)
        )

    @property
    def root(self) -> Any:
        return self.schema.get_root_type(self.operation.operation)

    def fields(self, selection: Any) -> list[Any]:
        found: list[Any] = []
        for one in selection.selections:
            if isinstance(one, graphql.FieldNode):
                found.append(one)
            elif isinstance(one, graphql.FragmentSpreadNode):
                found += self.fields(self.fragments[one.name.value].selection_set)
        return found

    def check(self, data: Any) -> None:
        """Fail where an answer's data is not what was selected, in the schema's types."""
        self._object(self.operation.selection_set, self.root, data, "data")

    def _object(self, selection: Any, kind: Any, given: Any, where: str) -> None:
        assert isinstance(given, dict), f"{where} is no object"
        value: dict[str, Any] = {**given}
        fields = self.fields(selection)
        wanted = {one.alias.value if one.alias else one.name.value for one in fields}
        assert set(value) == wanted, f"{where} has {sorted(value)}, not {sorted(wanted)}"
        for one in fields:
            name = one.name.value
            self._value(one.selection_set, kind.fields[name].type, value[name], f"{where}.{name}")

    def _value(self, selection: Any, kind: Any, value: Any, where: str) -> None:
        if graphql.is_non_null_type(kind):
            assert value is not None, f"{where} is null"
            self._value(selection, kind.of_type, value, where)
        elif value is None:
            return
        elif graphql.is_list_type(kind):
            assert isinstance(value, list), f"{where} is no list"
            listed: list[Any] = [*value]
            for place, one in enumerate(listed):
                self._value(selection, kind.of_type, one, f"{where}[{place}]")
        elif graphql.is_object_type(kind):
            self._object(selection, kind, value, where)
        elif kind.name == "DateTime":
            assert isinstance(value, str), where
            assert value.endswith("Z"), where
        else:  # an enum or a scalar
            expected: Any = {"Float": (int, float), "Int": int, "Boolean": bool}.get(kind.name, str)
            assert isinstance(value, expected), f"{where} is no {kind.name}"
            assert isinstance(value, bool) == (kind.name == "Boolean"), where
            if graphql.is_enum_type(kind):
                assert value in kind.values, f"{where}: {value}"

    def points(self, first: int) -> float:
        """What it costs, as Linear says it counts: see ``documents``."""
        return self._points(self.operation.selection_set, self.root, first)

    def _points(self, selection: Any, kind: Any, first: int) -> float:
        total = 0.0
        for one in self.fields(selection):
            inner: Any = graphql.get_named_type(kind.fields[one.name.value].type)
            if not graphql.is_object_type(inner):
                total += SCALAR
                continue
            times = 1.0
            for argument in one.arguments or ():  # None with some versions
                if argument.name.value == "first":
                    value = argument.value
                    times = (
                        int(value.value)
                        if isinstance(value, graphql.IntValueNode)
                        else float(first)
                    )
            if inner.name.endswith("Connection"):
                for part in self.fields(one.selection_set):
                    deeper: Any = graphql.get_named_type(inner.fields[part.name.value].type)
                    much = OBJECT + self._points(part.selection_set, deeper, first)
                    total += much * times if part.name.value == "nodes" else much
                total += OBJECT
            else:
                total += OBJECT + self._points(one.selection_set, inner, first)
        return total


@pytest.fixture(scope="module")
def walks(schema: Any) -> dict[str, Walk]:
    return {one.name: Walk(schema, graphql.parse(one.document)) for one in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_the_document_is_valid(schema: Any, operation: Operation) -> None:
    document = graphql.parse(operation.document)
    assert graphql.validate(schema, document) == []
    (only,) = (d for d in document.definitions if isinstance(d, graphql.OperationDefinitionNode))
    assert only.name is not None
    assert only.name.value == operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_what_a_document_costs_is_counted_right_and_is_allowed(
    walks: dict[str, Walk], operation: Operation
) -> None:
    for first in (1, 50):
        assert operation.points(first) == pytest.approx(walks[operation.name].points(first))
    pages = {ISSUES.name: PAGE, TEAMS.name: 5}
    assert operation.points(pages.get(operation.name, 50)) < LONGEST_QUERY


@pytest.fixture
def standin() -> Generator[LinearStandin]:
    with LinearStandin(token="t") as one:
        yield one


@pytest.fixture
async def client(standin: LinearStandin, tmp_path: Path) -> AsyncGenerator[Linear]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        settings = LinearSettings(url=standin.url, team="AGT")
        one = Linear.connect(
            settings, ServiceKit(board.breakers, board.clock, {"LINEAR_API_KEY": "t"})
        )
        yield one
        assert (await board.breakers.get("linear")).state is BreakerState.CLOSED
        await one.aclose()


async def test_all_that_is_sent_and_answered_fits_the_schema(
    standin: LinearStandin, client: Linear, schema: Any, walks: dict[str, Walk]
) -> None:
    store = standin.store
    refs = [store.add(f"Issue {n}", labels=["python"], priority=n % 5) for n in range(61)]
    store.change(refs[3], assignee="Ada", state="In Progress")
    for other in refs[4:18]:
        store.block(other, refs[3])
        store.block(refs[3], refs[20])
    viewer = await client.viewer()
    team = await client.team("AGT")
    everything = await client.issues(
        issue_filter(
            "AGT", types=["unstarted", "started"], labels=["python"], assignee=viewer.id,
            unassigned=True, priorities=[0, 1, 2, 3, 4], since="2020-01-01T00:00:00.000Z",
        )
    )  # fmt: skip
    looked = await client.look(refs[3])
    gone = await client.look("AGT-999")
    made = await client.create(
        {"id": "0b0b0b0b-0000-4000-8000-000000000001", "teamId": team.id, "title": "New",
         "description": "It is new.", "priority": 2, "labelIds": [team.labels.nodes[0].id]}
    )  # fmt: skip
    state = await client.state("AGT", "review")
    await client.update(made["identifier"], {"stateId": state.id, "assigneeId": viewer.id})
    await client.update(made["identifier"], {"assigneeId": None})
    comment = {"id": "0b0b0b0b-0000-4000-8000-000000000002", "issueId": refs[0], "body": "Hello"}
    await client.comment(comment)
    await client.attach({"issueId": refs[0], "url": "https://a.example", "title": "A"})
    comments = await client.comments(refs[0])
    with pytest.raises(RequestRefused):
        await client.comment(comment)

    assert [one.identifier for one in everything] == [r for r in _by_change(store) if r != refs[3]]
    assert looked is not None
    assert gone is None
    assert [one.identifier for one in looked.blocked_by] == refs[4:18]
    assert len(looked.blocks) == 14
    assert (state.name, comments[0].body) == ("In Review", "Hello")
    assert len(standin.store.attachments) == 1

    used: set[str] = set()
    for exchange in standin.exchanges:
        body = exchange.request.json
        walk = walks[body["operationName"]]
        used.add(body["operationName"])
        coerced = graphql.execution.values.get_variable_values(
            schema, walk.operation.variable_definitions or (), body["variables"]
        )
        assert not isinstance(coerced, list), coerced  # of errors
        assert exchange.request.headers["content-type"] == "application/json"
        assert (exchange.request.method, exchange.request.path) == ("POST", "/")
        assert exchange.answer is not None
        said = exchange.answer.json
        if said["data"] is not None:
            walk.check(said["data"])
    assert used == set(NAMES)


def _by_change(store: Any) -> list[str]:
    found = sorted(store.issues.values(), key=lambda one: -one.updated_at)
    return [store.identifier(one) for one in found if one.title != "New"]

"""The services' own OpenAPI contracts, and what a stand-in met and said checked against them.

``contract("github/api.github.com.json")`` gives a ``Contract``; ``contract.check(standin)``
fails where any exchange of an ``HttpStandin`` breaks it. Schemas are looked up lazily, so that
a file of 13 MB costs its parsing, once per session.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shutil
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from neveridle.board import Board
from neveridle.tools.standin.http import Answer, HttpStandin, StandinRequest

SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).parents[2] / ".." / "shared"))
# Their types are partly unknown, and differ between their versions.
jsonschema: Any = importlib.import_module("jsonschema")
openapi: Any = importlib.import_module("openapi_schema_validator")
referencing: Any = importlib.import_module("referencing")
dialects: Any = importlib.import_module("referencing.jsonschema")

HERE = "urn:contract"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


class Operation:
    """One method of one path.

    Attributes:
        method: in small letters.
        template: the path, as ``/repos/{owner}/{repo}``.
        values: what stands for each name in it.
        what: the operation as in the contract.
    """

    def __init__(self, method: str, template: str, values: dict[str, str], what: Any) -> None:
        self.method = method
        self.template = template
        self.values = values
        self.what = what

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.template}"


class Contract:
    """An OpenAPI 3.0 or 3.1 document, or a Swagger 2.0 one.

    Args:
        document: the document.
        base: what precedes the paths in a request; None: what its first server says.
    """

    def __init__(self, document: Any, base: str | None = None) -> None:
        self.document = document
        version = str(document.get("openapi") or document["swagger"])
        servers: Any = document.get("servers") or [{"url": document.get("basePath", "")}]
        said = urlsplit(str(servers[0]["url"])).path
        self.base: str = (said if base is None else base).rstrip("/")
        self.swagger = version.startswith("2")
        kinds: tuple[Any, Any] = (
            _with_null(openapi.OAS30WriteValidator),
            _with_null(openapi.OAS30ReadValidator),
        )
        if self.swagger:
            kinds = (jsonschema.Draft4Validator, jsonschema.Draft4Validator)
        elif version.startswith("3.1"):
            kinds = (openapi.OAS31Validator, openapi.OAS31Validator)
        self._request_kind, self._answer_kind = kinds
        dialect = dialects.DRAFT202012 if version.startswith("3.1") else dialects.DRAFT4
        resource = referencing.Resource(contents=document, specification=dialect)
        self._registry = referencing.Registry().with_resource(HERE, resource)
        self._paths = [
            (re.compile("/".join(_pattern(part) for part in path.split("/")) + r"\Z"), path)
            for path in sorted(document["paths"], key=lambda path: path.count("{"))
        ]

    # Finding what a request is.

    def operation(self, method: str, path: str) -> Operation:
        """The operation a request means; the path as it was sent."""
        assert path.startswith(self.base), f"{path} is not below {self.base}"
        inner = path.removeprefix(self.base)
        for pattern, template in self._paths:
            found = pattern.match(inner)
            what = self.document["paths"][template].get(method.lower())
            if found and what is not None:
                names = re.findall(r"\{([^}]*)\}", template)
                values = dict(zip(names, found.groups(), strict=True))
                return Operation(method.lower(), template, values, what)
        msg = f"{method} {path} is in no contract"
        raise AssertionError(msg)

    # Checking.

    def check(self, standin: HttpStandin, *, skip: Callable[[StandinRequest], bool] | None = None,
              headers: tuple[str, ...] = ()) -> set[str]:  # fmt: skip
        """Check all that was asked and answered; the operations that were used.

        Args:
            standin: whose exchanges they are. At least one must be there.
            skip: requests that belong to no contract.
            headers: that each request must have, in small letters.
        """
        used: set[str] = set()
        for one in standin.exchanges:
            if skip is not None and skip(one.request):
                continue
            used.add(str(self.check_request(one.request)))
            missing = [name for name in headers if name not in one.request.headers]
            assert not missing, f"{one.request} has no {missing}"
            if one.answer is not None:
                self.check_answer(one.request, one.answer)
        assert used, "nothing was asked"
        return used

    def check_request(self, request: StandinRequest) -> Operation:
        """Fail where a request has a wrong path, query, or body; its operation."""
        operation = self.operation(request.method, request.path)
        wrong = list(self._wrong_request(operation, request))
        assert not wrong, f"{request} breaks {operation}:\n" + "\n".join(wrong)
        return operation

    def check_answer(self, request: StandinRequest, answer: Answer) -> None:
        """Fail where an answer's status is not foreseen, or its body does not fit."""
        data = json.loads(answer.body) if answer.body and _is_json(answer.headers) else None
        self.check_said(request.method, request.path, answer.status, data)

    def check_said(self, method: str, path: str, status: int, data: Any) -> None:
        """The same for an answer from anywhere. Errors need not be foreseen, but be JSON."""
        operation = self.operation(method, path)
        foreseen = operation.what["responses"]
        key = str(status)
        if key not in foreseen and "default" in foreseen:
            key = "default"
        if key not in foreseen:
            known = ", ".join(foreseen)
            fine = status == 304 or (status >= 400 and isinstance(data, dict))
            assert fine, f"{operation} answers {known}, not {status}"
            return
        pointer = [*self._pointer(operation), "responses", key]
        schema = self._schema_of(pointer, "application/json")
        if schema is None:
            assert data is None or self.swagger, f"{operation} has no body with {status}: {data}"
            return
        wrong = [_said(error) for error in self._errors(self._answer_kind, schema, data)]
        assert not wrong, f"{operation} with {status} is wrong:\n" + "\n".join(wrong[:10])

    def examples(self, method: str, template: str, status: int) -> dict[str, Any]:
        """The examples of a JSON answer that the contract gives, by name."""
        what = self.document["paths"][template][method.lower()]["responses"][str(status)]
        content = self._resolved(what).get("content", {}).get("application/json", {})
        found = {name: self._resolved(one) for name, one in content.get("examples", {}).items()}
        given: dict[str, Any] = {}
        for name, one in found.items():
            if "value" in one and _referred(one["value"]):  # to another example as a whole
                given[name] = self._resolved(one["value"])["value"]
            elif "value" in one:
                given[name] = one["value"]
        return {**given, **({"example": content["example"]} if "example" in content else {})}

    # How.

    def _wrong_request(self, operation: Operation, request: StandinRequest) -> Iterator[str]:
        shared = self.document["paths"][operation.template].get("parameters", [])
        given = [self._resolved(one) for one in (*shared, *operation.what.get("parameters", []))]
        parameters = {(one["in"], one["name"]): one for one in given}
        for name, values in request.query.items():
            bare = name.removesuffix("[]")
            parameter = parameters.get(("query", name)) or parameters.get(("query", bare))
            if parameter is None:
                yield f"there is no {name} in its query"
            elif not any(self._fits(parameter, one) for one in _readings(values)):
                yield f"{name} in its query must not be {', '.join(values)}"
        for (where, name), parameter in parameters.items():
            if where == "query" and parameter.get("required") and name not in request.query:
                yield f"{name} is missing in its query"
            if where == "path" and not any(
                self._fits(parameter, one) for one in _readings((operation.values[name],))
            ):
                yield f"{name} in its path must not be {operation.values[name]}"
        yield from self._wrong_body(operation, request, parameters)

    def _wrong_body(
        self, operation: Operation, request: StandinRequest, parameters: Mapping[Any, Any]
    ) -> Iterator[str]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        data: Any = None
        if request.data and kind == "application/x-www-form-urlencoded":
            data = dict(parse_qsl(request.data.decode(), keep_blank_values=True))
        elif request.data:
            data = request.json
        if self.swagger:
            yield from self._wrong_fields(data, parameters)
            return
        body = operation.what.get("requestBody")
        if body is None:
            if data is not None:
                yield f"it has no body: {data}"
            return
        if data is None:
            if self._resolved(body).get("required"):
                yield "its body is missing"
            return
        schema = self._schema_of([*self._pointer(operation), "requestBody"], kind)
        if schema is None:
            yield f"its body must not be {kind}"
            return
        for error in self._errors(self._request_kind, schema, data):
            yield _said(error)
        known = self._properties(schema)
        if known is not None and isinstance(data, dict):
            given: dict[str, Any] = {**data}
            for name in given.keys() - known:
                yield f"its body has no {name}"

    def _wrong_fields(self, data: Any, parameters: Mapping[Any, Any]) -> Iterator[str]:
        """What is wrong with the fields of a form, or the same as JSON (Swagger 2.0)."""
        body = next((one for (where, _), one in parameters.items() if where == "body"), None)
        if body is not None:
            schema = {"$ref": f"{HERE}#/"} if not body.get("schema") else body["schema"]
            for error in self._errors(self._request_kind, self._absolute(schema), data):
                yield _said(error)
            return
        fields = {name: one for (where, name), one in parameters.items() if where == "formData"}
        given: dict[str, Any] = dict(data or {})
        for name in given.keys() - fields.keys():
            yield f"its form has no {name}"
        for name, one in fields.items():
            if one.get("required") and name not in given:
                yield f"{name} is missing"

    def _pointer(self, operation: Operation) -> list[str]:
        return ["paths", operation.template, operation.method]

    def _at(self, pointer: list[str]) -> tuple[list[str], Any]:
        """What is at a pointer, and where it is really, after references."""
        found: Any = self.document
        for part in pointer:
            found = found[part]
        reference = _referred(found)
        return self._at(_parts(reference)) if reference else (pointer, found)

    def _resolved(self, what: Any) -> Any:
        reference = _referred(what)
        return self._at(_parts(reference))[1] if reference else what

    def _schema_of(self, pointer: list[str], kind: str) -> Any:
        """A reference to the schema of a body of a kind; None: there is none."""
        pointer, found = self._at(pointer)
        if self.swagger:
            return _reference([*pointer, "schema"]) if "schema" in found else None
        content = found.get("content", {})
        if kind not in content or "schema" not in content[kind]:
            return None
        return _reference([*pointer, "content", kind, "schema"])

    def _errors(self, kind: Any, schema: Any, data: Any) -> Iterator[Any]:
        yield from kind(schema, registry=self._registry).iter_errors(data)

    def _absolute(self, schema: Any) -> Any:
        if isinstance(schema, dict):
            given: dict[str, Any] = {**schema}
            return {
                name: f"{HERE}{one}" if name == "$ref" else self._absolute(one)
                for name, one in given.items()
            }
        if isinstance(schema, list):
            items: list[Any] = [*schema]
            return [self._absolute(one) for one in items]
        return schema

    def _fits(self, parameter: Any, value: Any) -> bool:
        schema = parameter.get("schema") or {
            name: one for name, one in parameter.items() if name in ("type", "enum", "items")
        }
        if schema.get("type") == "string" and not isinstance(value, str):
            return False
        return not any(self._errors(self._request_kind, self._absolute(schema), value))

    def _properties(self, schema: Any) -> set[str] | None:
        """The names an object may have; None: any."""
        if "$ref" in schema:
            schema = self._at(_parts(str(schema["$ref"])))[1]
        if schema.get("additionalProperties"):
            return None
        names = set(schema.get("properties", {}))
        for key in ("allOf", "anyOf", "oneOf"):
            for one in schema.get(key, ()):
                inner = self._properties(one)
                if inner is None and "properties" not in schema:
                    return None
                names |= inner or set()
        return names or None


def _with_null(kind: Any) -> Any:
    """A validator that takes null for what is ``nullable`` though its ``enum`` forgets it.

    Services do send null there: the contract's own examples show it.
    """
    plain = kind.VALIDATORS["enum"]

    def enum(validator: Any, values: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not (instance is None and schema.get("nullable")):
            yield from plain(validator, values, instance, schema) or ()

    return jsonschema.validators.extend(kind, {"enum": enum})


def _pattern(part: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", "([^/]+)", re.escape(part))


def _referred(what: Any) -> str:
    """Where JSON refers to; empty: nowhere."""
    if not isinstance(what, dict):
        return ""
    fields: dict[str, Any] = {**what}
    return str(fields.get("$ref", ""))


def _parts(reference: str) -> list[str]:
    pointer = unquote(reference.removeprefix(HERE)).removeprefix("#/")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]


def _reference(pointer: list[str]) -> dict[str, str]:
    parts = [part.replace("~", "~0").replace("/", "~1") for part in pointer]
    quoted = [part.replace("{", "%7B").replace("}", "%7D") for part in parts]
    return {"$ref": f"{HERE}#/{'/'.join(quoted)}"}


def _readings(values: tuple[str, ...]) -> Iterator[Any]:
    """What the text of a parameter may mean."""
    yield list(values)
    if len(values) != 1:
        return
    (text,) = values
    yield text
    yield text.split(",")
    if re.fullmatch(r"-?\d+", text):
        yield int(text)
    if re.fullmatch(r"-?\d+\.\d+", text):
        yield float(text)
    if text in ("true", "false"):
        yield text == "true"


def _is_json(headers: Mapping[str, str]) -> bool:
    given = {name.lower(): value for name, value in headers.items()}
    return "json" in given.get("content-type", "application/json")


def _said(error: Any) -> str:
    inner = [_said(one) for one in error.context or ()][:4]
    where = "/".join(str(part) for part in error.absolute_path)
    return f"{where or 'it'}: {error.message[:300]}" + "".join(f"\n    {one}" for one in inner)


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The folder with the services' contracts."""
    folder = SHARED / "contracts"
    if not folder.is_dir():
        pytest.skip(f"the services' contracts are not at {folder}; set NEVERIDLE_SHARED")
    return folder


@pytest.fixture(scope="session")
def contract(contracts: Path) -> Callable[..., Contract]:
    """Reads a contract by its name, once."""
    read: dict[tuple[str, str | None], Contract] = {}

    def get(name: str, base: str | None = None) -> Contract:
        if (name, base) not in read:
            text = (contracts / name).read_text(encoding="utf-8")
            read[name, base] = Contract(json.loads(text), base)
        return read[name, base]

    return get


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty board's file: copying it is quicker than migrating each time."""
    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
async def board(migrated: Path, tmp_path: Path) -> AsyncGenerator[Board]:
    """An open, empty board."""
    shutil.copy(migrated, tmp_path / "board.db")
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one

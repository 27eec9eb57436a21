"""A lesson drawn from a finished task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from neveridle.errors import OutcomeInvalid
from neveridle.memory.tidy import tidy_tags

_MAX_PART: Final = 2_000  # characters; models that ramble are cut, not refused


def _short(value: object) -> object:
    return value.strip()[:_MAX_PART] if isinstance(value, str) else value


def _tags(value: object) -> object:
    if isinstance(value, list | tuple):
        items = cast("list[object] | tuple[object, ...]", value)  # what a model sent
        return list(tidy_tags([item for item in items if isinstance(item, str)]))
    return value


Short = Annotated[str, BeforeValidator(_short)]


class Learning(BaseModel):
    """What an agent learnt: under which circumstances, what it saw, what follows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    agent: str = Field(description="Who learnt it.")
    type: Literal["success", "failure", "insight"] = Field(
        description="success: what worked; failure: what did not; insight: how things are here."
    )
    context: Short = Field(description="The circumstances in which the lesson holds.")
    observation: Short = Field(description="What happened, with names, paths and messages.")
    lesson: Annotated[Short, Field(min_length=1)] = Field(
        description="What to do next time, as one instruction that stands by itself."
    )
    tags: Annotated[list[str], BeforeValidator(_tags)] = Field(
        default_factory=list[str], description="A few words to find it by."
    )


def _schema() -> dict[str, Any]:
    schema = Learning.model_json_schema()
    properties = {
        name: {key: value for key, value in field.items() if key not in {"minLength", "default"}}
        for name, field in schema["properties"].items()
        if name != "agent"
    }
    return {
        "title": "Learning",
        "description": schema["description"],
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# What a model is asked for: everything but the agent, which we know. Strict in the form that
# providers of structured output accept.
LEARNING_SCHEMA: Final[dict[str, Any]] = _schema()


def learning_from(answer: Mapping[str, Any], *, agent: str) -> Learning:
    """The lesson in a model's answer to ``LEARNING_SCHEMA``.

    Raises:
        OutcomeInvalid: the answer is no lesson; the message names what is wrong.
    """
    try:
        return Learning.model_validate({**answer, "agent": agent})
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        msg = f"The answer is no learning: {wrong}."
        raise OutcomeInvalid(msg, remedy="Answer with all fields of the schema.") from None


def learning_text(learning: Learning) -> str:
    """The lesson as the text that is remembered: the lesson first, then its grounds."""
    lines = [f"{learning.type}: {learning.lesson}"]
    if learning.context:
        lines.append(f"Context: {learning.context}")
    if learning.observation:
        lines.append(f"Observation: {learning.observation}")
    return "\n".join(lines)

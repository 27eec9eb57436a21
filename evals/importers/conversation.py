"""A recorded conversation: what an assistant said and called, and what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from neveridle.errors import RecordingInvalid
from neveridle.evals.importers.reading import table

FORMAT: Final = (
    'Messages are expected as OpenAI writes them: [{"role": "user", "content": "…"}, '
    '{"role": "assistant", "tool_calls": […]}, …].'
)


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call of a tool.

    Attributes:
        name: the tool's.
        args: what it was called with.
        result: what it said; None: the recording has no result of it.
    """

    name: str
    args: dict[str, Any]
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the recorded model.

    Attributes:
        text: what it said.
        calls: what it called, in order.
        reply: what the user said to it; None: nothing before the next answer.
    """

    text: str
    calls: tuple[Call, ...] = ()
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A recorded conversation.

    Attributes:
        system: what its system messages say.
        opening: what the user said first.
        turns: the model's answers, in order.
    """

    system: str
    opening: str
    turns: tuple[Turn, ...]

    @property
    def calls(self) -> list[Call]:
        """All calls, in order."""
        return [call for turn in self.turns for call in turn.calls]


@dataclass(slots=True)
class _Draft:
    """An answer while what comes back for it is still read."""

    text: str
    calls: list[tuple[str, str, dict[str, Any]]]  # id, name, arguments
    results: dict[int, str] = field(default_factory=dict[int, str])
    reply: list[str] = field(default_factory=list[str])

    def answer(self, id: str | None, text: str) -> bool:
        """Note a result; whether there is a call that it belongs to.

        Ids may be used twice, also within one message: then results come in the calls' order.
        """
        for at, (known, _, _) in enumerate(self.calls):
            if at not in self.results and (id is None or known == id):
                self.results[at] = text
                return True
        return False

    def done(self) -> Turn:
        # Who runs only the first of several calls records results of no others: those were
        # never made. Where none has a result, the recording ends here.
        made = [at for at in range(len(self.calls)) if at in self.results or not self.results]
        calls = [Call(*self.calls[at][1:], self.results.get(at)) for at in made]
        return Turn(self.text, tuple(calls), "\n\n".join(self.reply) if self.reply else None)


def read_conversation(raw: Any, where: str) -> Conversation:
    """The conversation in a list of messages.

    Args:
        raw: as parsed from JSON.
        where: what it is called in errors.

    Raises:
        RecordingInvalid: which message is wrong, and how.
    """
    if not isinstance(raw, list) or not raw:
        msg = f"{where} has no messages."
        raise RecordingInvalid(msg, remedy=FORMAT)
    system: list[str] = []
    opening: list[str] = []
    drafts: list[_Draft] = []
    for number, one in enumerate(cast("Sequence[Any]", raw), start=1):
        here = f"{where}, message {number}"
        if not isinstance(one, dict):
            msg = f"{here} is no message."
            raise RecordingInvalid(msg, remedy=FORMAT)
        said = cast("Mapping[str, Any]", one)
        role, text = said.get("role"), text_of(said.get("content"), here)
        if role in ("system", "developer"):
            system.append(text)
        elif role == "assistant":
            drafts.append(_Draft(text, _calls(said, here)))
        elif role == "user":
            (drafts[-1].reply if drafts else opening).append(text)
        elif role in ("tool", "function"):
            id = said.get("tool_call_id")
            known = id if isinstance(id, str) and role == "tool" else None
            if not drafts or not drafts[-1].answer(known, text):
                msg = f"{here} is a tool's result, and nothing before it called for it."
                raise RecordingInvalid(msg, remedy=FORMAT)
        else:
            msg = f"{here} has the role {role!r}."
            raise RecordingInvalid(msg, remedy="Roles are system, user, assistant and tool.")
    return Conversation(
        "\n\n".join(system), "\n\n".join(opening), tuple(one.done() for one in drafts)
    )


def text_of(content: Any, where: str) -> str:
    """A message's content as text: null is empty, of parts those that are text.

    Raises:
        RecordingInvalid: it is neither.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = cast("Sequence[Any]", content)
        texts = [table(one).get("text") for one in parts]
        return "\n".join(text for text in texts if isinstance(text, str))
    msg = f"{where} has a content that is neither text nor a list of parts."
    raise RecordingInvalid(msg, remedy=FORMAT)


def _calls(said: Mapping[str, Any], where: str) -> list[tuple[str, str, dict[str, Any]]]:
    raw: Any = said.get("tool_calls")
    old: Any = said.get("function_call")  # as OpenAI wrote it before there were several
    if not raw:
        raw = [{"id": "", "function": old}] if old else []
    if not isinstance(raw, list):
        msg = f"{where} has tool_calls that are no list."
        raise RecordingInvalid(msg, remedy=FORMAT)
    return [_call(one, where) for one in cast("Sequence[Any]", raw)]


def _call(raw: Any, where: str) -> tuple[str, str, dict[str, Any]]:
    call = table(raw)
    function: Any = call.get("function")
    if not isinstance(function, dict):
        msg = f"{where} has a tool call without a function."
        raise RecordingInvalid(msg, remedy=FORMAT)
    known = cast("Mapping[str, Any]", function)
    name: Any = known.get("name")
    args: Any = known.get("arguments")
    if not isinstance(name, str) or not name:
        msg = f"{where} has a tool call without a name."
        raise RecordingInvalid(msg, remedy=FORMAT)
    if isinstance(args, str):
        try:
            args = json.loads(args) if args.strip() else None
        except (ValueError, RecursionError) as error:
            msg = f"{where} calls {name} with arguments that are no JSON: {error}."
            raise RecordingInvalid(msg, remedy="Correct them, or leave the run out.") from error
    if args is None:
        return str(call.get("id") or ""), name, {}
    if not isinstance(args, dict):
        msg = f"{where} calls {name} with {type(args).__name__}, not with named arguments."
        raise RecordingInvalid(msg, remedy=FORMAT)
    return str(call.get("id") or ""), name, cast("dict[str, Any]", args)

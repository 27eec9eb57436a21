"""What is asked for when an effect is: checked, bounded, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from neveridle.board.effect import canonical, digest
from neveridle.board.verb import EffectVerb
from neveridle.errors import ModelMistake

REQUEST = 256 * 1024
"""Bytes of JSON a request may have."""
RESULT = 64 * 1024
"""Bytes of JSON that are kept of a result."""
TARGET = 500
"""Characters a target may have."""
KEPT = 2_000
"""Characters that are kept of what cannot be kept whole, and of errors."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One asking for an effect.

    Attributes:
        target: without secrets, as it is stored.
        named: as it was given: what the key is made of, for what counts as a secret may
            differ from process to process.
        request: without secrets: what is stored is what is sent.
        content: a digest of what tells this action from others on its target.
        cleaned: whether secrets were taken out.
    """

    verb: EffectVerb
    target: str
    named: str
    request: Any
    content: str
    cleaned: bool


def ask(verb: EffectVerb, target: str, request: Any, *, occasion: str = "") -> Asking:
    """Look at what is asked for.

    Raises:
        ModelMistake: the request is no JSON, or too large; or there is no target.
    """
    if not target.strip() or len(target) > TARGET:
        msg = f"{verb.service}.{verb.name} needs a target of at most {TARGET} characters."
        raise ModelMistake(msg)
    try:
        canonical(request)
    except ValueError as error:
        msg = f"The request for {verb.service}.{verb.name} is no JSON: {error}."
        raise ModelMistake(msg, remedy="Use texts, numbers, lists and objects.") from error
    cleaned = verb.clean(request)
    size = len(canonical(cleaned))
    if size > REQUEST:
        msg = f"The request for {verb.service}.{verb.name} has {size} bytes."
        raise ModelMistake(msg, remedy=f"At most {REQUEST} are sent: make it shorter.")
    counts = request
    if verb.identity == "target":
        counts = None
    elif isinstance(verb.identity, tuple):
        fields = cast("dict[str, Any]", request) if isinstance(request, dict) else {}
        counts = {name: fields.get(name) for name in verb.identity}
    return Asking(
        verb=verb,
        target=str(verb.clean(target)),
        named=target,
        request=cleaned,
        content=digest(counts, occasion),
        cleaned=cleaned != request,
    )


def kept_result(verb: EffectVerb, result: Any) -> Any:
    """A result as it is kept: JSON, without secrets, bounded.

    The write is done by now, so nothing here may fail: what cannot be kept whole is kept
    as the beginning of its text.
    """
    try:
        text = canonical(result)
    except (ValueError, RecursionError):
        return {"text": str(verb.clean(repr(result)))[:KEPT]}
    if len(text) > RESULT:
        return {"beginning": str(verb.clean(text))[:KEPT], "bytes": len(text)}
    return verb.clean(result)


def kept_error(verb: EffectVerb, error: BaseException) -> str:
    """An error as it is kept: in words, without secrets, bounded."""
    words = f"{error}".strip()
    name = type(error).__name__
    return str(verb.clean(words if words else name))[:KEPT]

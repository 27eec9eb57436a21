"""Providers of models: their packages, extras, keys and dialects."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from neveridle.errors import ExtraMissing, ModelNotConfigured
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from neveridle.settings import ModelSettings

# Retrying, with the provider's reset time and shared by all processes, is the guard's work:
# two layers of it would multiply.
CLIENT_RETRIES: Final = 0

EXAMPLE: Final = "anthropic:claude-sonnet-4-5"


@dataclass(frozen=True, slots=True)
class Provider:
    """What differs between providers.

    Args:
        package: the module that must be installed.
        extra: the extra of neveridle that installs it; empty when there is none.
        keys: environment variables of which one must be set; empty when none is needed,
            or when the provider has other ways to sign in.
    """

    package: str
    extra: str = ""
    keys: tuple[str, ...] = ()


PROVIDERS: Final[Mapping[str, Provider]] = {
    "anthropic": Provider(
        "langchain_anthropic", "anthropic", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    ),
    "ollama": Provider("langchain_ollama", "ollama"),
    "openai": Provider("langchain_openai", "openai", ("OPENAI_API_KEY",)),
}


def split_name(name: str) -> tuple[str, str]:
    """Provider and model of a name such as ``openai:gpt-5`` or ``ollama:qwen3:8b``.

    Raises:
        ModelNotConfigured: the name has no provider, or no model.
    """
    provider, colon, model = name.partition(":")
    provider, model = provider.strip().replace("-", "_").lower(), model.strip()
    if not colon or not provider or not model:
        msg = f"The model name {name!r} does not say both provider and model."
        raise ModelNotConfigured(msg, remedy=f'Write it as "provider:model", such as "{EXAMPLE}".')
    return provider, model


def make_client(name: str, settings: ModelSettings) -> BaseChatModel:
    """The client of a live model; makes no network call.

    Raises:
        ModelNotConfigured: the provider is unknown, or its key is missing.
        ExtraMissing: the provider's package is not installed.
    """
    from langchain.chat_models import init_chat_model

    provider, model = split_name(name)
    known = PROVIDERS.get(provider)
    if known and importlib.util.find_spec(known.package) is None:
        raise _missing(name, known.package, known.extra)
    options = _options(provider, settings)
    if known and known.keys and not any(os.environ.get(key) for key in known.keys):
        if not is_loopback(settings.base_url):
            msg = f"The model {name} needs an API key, and {' or '.join(known.keys)} is not set."
            raise ModelNotConfigured(
                msg,
                remedy=f"Set the environment variable {known.keys[0]}; never write it to a file.",
            )
        options["api_key"] = "local"  # a server on this machine asks for none; the client does
    if provider == "openai":
        # Without a client of its own, LangChain shares one among all event loops of the
        # process, and the second loop meets the closed connections of the first.
        options["http_async_client"] = _async_client()
    try:
        return cast("BaseChatModel", init_chat_model(model, model_provider=provider, **options))
    except ImportError as error:
        # LangChain's error has no module's name, the one it comes from has.
        module = error.name or getattr(error.__cause__, "name", None) or f"langchain_{provider}"
        raise _missing(name, module, known.extra if known else "") from error
    except Exception as error:  # noqa: BLE001 - each provider's constructor raises its own kinds
        # The text may quote what it was given, keys among it; so it is not shown as a whole.
        words = " ".join(redact(str(error)).split())[:200] if _harmless(error) else ""
        why = f"{type(error).__name__}{': ' if words else ''}{words}"
        keys = (known.keys if known else ()) or _key_names(error)
        remedy = (
            f"Set the environment variable {keys[0]}."
            if keys
            else f'Correct the name; one that works is "{EXAMPLE}".'
        )
        msg = f"The model {name} cannot be used ({why})."
        raise ModelNotConfigured(msg, remedy=remedy) from (error if _harmless(error) else None)


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _options(provider: str, settings: ModelSettings) -> dict[str, Any]:
    """The settings in the provider's words; what is not set is left to the provider."""
    ollama = provider == "ollama"
    options: dict[str, Any] = {}
    if settings.base_url:
        options["base_url"] = settings.base_url
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    if settings.max_output_tokens is not None:
        options["num_predict" if ollama else "max_tokens"] = settings.max_output_tokens
    if ollama:
        options["client_kwargs"] = {"timeout": settings.timeout}
    else:
        options["timeout"] = settings.timeout
        options["max_retries"] = CLIENT_RETRIES
    return options


def _async_client() -> Any:
    import openai

    return openai.DefaultAsyncHttpxClient()


def _missing(name: str, package: str, extra: str) -> ExtraMissing:
    distribution = package.split(".")[0].replace("_", "-")
    what = f'pip install "neveridle[{extra}]"' if extra else f"pip install {distribution}"
    return ExtraMissing(
        f"The model {name} needs the package {distribution}, which is not installed.",
        remedy=f"Install it: {what}",
    )


def _harmless(error: Exception) -> bool:
    """Whether an error's text cannot quote a key: pydantic's quotes its input."""
    return not type(error).__module__.startswith("pydantic")


def _key_names(error: Exception) -> tuple[str, ...]:
    """Variables that a provider's error names, such as GROQ_API_KEY."""
    return tuple(re.findall(r"\b[A-Z][A-Z0-9_]{2,40}_(?:KEY|TOKEN)\b", str(error))[:1])

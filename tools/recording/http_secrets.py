"""Secrets in the traffic of services: what of it is never written down."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from neveridle.tools.redact import SECRET, redact

_NAMES: Final = frozenset(
    {
        "accesskey",
        "accesstoken",
        "apikey",
        "apitoken",
        "authorization",
        "authtoken",
        "bearertoken",
        "bottoken",
        "clientsecret",
        "credential",
        "deploykey",
        "idtoken",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "pwd",
        "refreshtoken",
        "secret",
        "secretkey",
        "sessiontoken",
        "sig",
        "signature",
        "signingsecret",
        "token",
        "webhooksecret",
        "xamzcredential",
        "xamzsecuritytoken",
        "xamzsignature",
        "xgoogcredential",
        "xgoogsignature",
    }
)
_FIELD: Final = re.compile(
    r'(?i)("(?:(?:access|api|auth|bearer|bot|id|refresh|session)?[_-]?token'
    r"|(?:api|deploy|access|private|secret)[_-]?key|(?:(?:client|signing|webhook)[_-]?)?secret"
    r'|password|passphrase|passwd|authorization)"\s{0,20}:\s{0,20}")(?:[^"\\]|\\.){6,10000}(?=")'
)
_PARAMETER: Final = re.compile(
    r"(?i)([?&](?:(?:access|auth|id|refresh)?_?token|(?:api_?)?key|(?:client_?)?secret|password)=)"
    r"[^&\s\"'#<>]{6,2000}"
)
# Of an answer, what clients look at; all else (cookies above all) is nobody's business.
_KEPT: Final = frozenset(
    {
        "content-type",
        "date",
        "etag",
        "last-modified",
        "link",
        "location",
        "retry-after",
        "retry-after-ms",
        "x-accepted-oauth-scopes",
        "x-github-media-type",
        "x-github-request-id",
        "x-oauth-scopes",
        "x-request-id",
    }
)
_LIMITS: Final = ("ratelimit", "x-complexity", "x-next-page", "x-total")


def is_secret_name(name: str, *, query: bool = False) -> bool:
    """Whether the value of a field that is sent is a secret by its name.

    Args:
        name: of the field, or of the parameter.
        query: whether it stands in an address: there a ``key`` is one, in a body it names things.
    """
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain in _NAMES or (query and plain == "key")


def scrub(text: str) -> str:
    """``text`` without secrets: those that ``redact`` knows, and fields named for one."""
    text = _FIELD.sub(rf"\1{SECRET}", redact(text))
    return _PARAMETER.sub(rf"\1{SECRET}", text)


def kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers of an answer that are written down: none that may carry credentials.

    Returns:
        Names in lower case, with values without secrets.
    """
    return tuple((name.lower(), scrub(value)) for name, value in headers if _matters(name.lower()))


def _matters(name: str) -> bool:
    return name in _KEPT or any(part in name for part in _LIMITS)

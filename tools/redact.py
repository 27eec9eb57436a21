"""Taking secrets out of text before it is kept: logs, errors, memory, recordings."""

from __future__ import annotations

import os
import re
from typing import Final

SECRET: Final = "<secret>"
_ENVIRONMENT_SUFFIXES: Final = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SHORTEST: Final = 8  # characters; shorter values would blank out ordinary words

# What may stand in a credential sent in a header. No braces, dollars or brackets: code such as
# `f"Bearer {token}"` must stay intact, or a replayed edit would write something else.
_VALUE: Final = r"[A-Za-z0-9._~+/=-]"

# Prefixes that no word has; they count wherever they stand. All lengths that may be tried at
# many places are bounded: what is redacted comes from outside, and must not cost minutes.
_KEYS: Final = re.compile(
    "|".join(
        (
            r"gh[pousr]_[A-Za-z0-9]{16,}",
            r"github_pat_[A-Za-z0-9_]{16,}",
            r"lin_(?:api|oauth)_[A-Za-z0-9]{16,}",
            r"xox[a-z]-[A-Za-z0-9-]{10,}",
            r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
            r"(?:AKIA|ASIA)[0-9A-Z]{16}",
            r"AIza[0-9A-Za-z_-]{35}",
            r"ya29\.[0-9A-Za-z_-]{20,}",
            r"GOCSPX-[0-9A-Za-z_-]{20,}",
            r"glpat-[0-9A-Za-z_-]{20,}",
            r"(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{16,}",
            r"whsec_[0-9A-Za-z]{16,}",
            r"npm_[0-9A-Za-z]{36}",
            r"pypi-AgEIcHlwaS5vcmc[0-9A-Za-z_-]{16,}",
            r"hf_[0-9A-Za-z]{30,}",
            r"SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}",
            r"do[opr]_v1_[0-9a-f]{32,}",
            r"hooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/[0-9A-Za-z]{16,}",
            r"eyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,}",
        )
    )
)
# Words do end in "sk-" (task-force), and the lookahead asks for a digit, so that
# sk-learn-some-long-name is no key either. Runs after _KEYS, which may free its start.
_SK_KEY: Final = re.compile(r"(?<![A-Za-z0-9])sk-(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{16,}")
_PRIVATE_KEY: Final = re.compile(
    r"(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----).{0,20000}?(-----END [A-Z ]{0,20}PRIVATE KEY-----)",
    re.DOTALL,
)
# `Authorization: Bearer x`, also as `'Authorization': 'Bearer x'` and `authorization=Bearer x`.
_HEADER: Final = re.compile(
    r"(?i)(\b(?:proxy-)?authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token)\s{1,4})"
    rf"{_VALUE}{{6,}}"
)
_RAW_HEADER: Final = re.compile(
    rf"(?i)(\b(?:authorization|x-api-key)[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?)"
    rf"(?=[A-Za-z._~+/=-]*[0-9]){_VALUE}{{16,}}"
)
_BEARER: Final = re.compile(
    rf"(?i)(\bbearer\s{{1,4}})(?=[A-Za-z._~+/=-]*[0-9]){_VALUE}{{{_SHORTEST},}}"
)
_URL: Final = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'{}<>]{0,80}:)[^\s:/@\"'{}<>]{3,200}(?=@)"
)
# A token in place of a user's name, as in `https://token@host/`; names of users are shorter.
_URL_TOKEN: Final = re.compile(r"(\bhttps?://)[^\s:/@\"'{}<>?#]{16,200}(?=@)")
# Signed addresses, as storage has them: whoever has one may read what it leads to.
_SIGNED: Final = re.compile(
    r"(?i)([?&](?:sig|x-amz-signature|x-amz-security-token|x-goog-signature)=)"
    r"[A-Za-z0-9._~+/=%-]{16,}"
)

# `password = x`, `DB_PASSWORD=x`, `"api_key": "x"`, `Pwd=x;`, `the password is x`.
_NAMED: Final = (
    r"(?i)(?<![A-Za-z0-9])((?:[A-Za-z0-9]{1,30}[_.-]){0,5}"
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key(?:[_-]?id)?"
    r"|account[_-]?key|shared[_-]?access[_-]?key|secret[_-]?key|private[_-]?key|credentials?)"
)
# In quotes any word; without them one that no identifier and no ordinary word is.
_QUOTED_VALUE: Final = re.compile(
    _NAMED + r"[\"']?\s{0,4}[:=]\s{0,4}([\"']))[^\s\"'<>{}$]{4,400}(?=\2)"
)
_PLAIN_VALUE: Final = re.compile(
    _NAMED + r"[\"']?(?:\s{0,4}[:=]\s{0,4}|\s(?:is|was)\s))"
    r"(?=[^\s]{0,60}[0-9!#%^&*+/~@])[^\s\"'<>{}()\[\]$;,:]{6,400}(?![\w.]*[(\[{])"
)

# Secrets that were read under names that do not say so, such as a `token_env` of the user's.
_protected: set[str] = set()


def protect(secret: str) -> str:
    """Have ``redact`` know a secret from now on; the secret itself."""
    if len(secret) >= _SHORTEST:
        _protected.add(secret)
    return secret


def redact_values(text: str) -> str:
    """``text`` without the secrets that are known here by value, everything else intact."""
    for value in _known_values():
        text = text.replace(value, SECRET)
    return text


def redact(text: str) -> str:
    """``text`` with every secret that is recognised replaced by ``<secret>``.

    Recognised are: keys of known shapes (OpenAI, Anthropic, GitHub, GitLab, Linear, Slack,
    AWS, Google, Stripe, npm, PyPI, Hugging Face, SendGrid, JSON web tokens), private keys,
    credentials in ``Authorization`` headers and after ``Bearer``, passwords and signatures in
    URLs, the value of each environment variable whose name ends in ``_KEY``, ``_TOKEN``,
    ``_SECRET`` or ``_PASSWORD`` (8 characters or more), and what was given to ``protect``.
    Redacting twice gives the same as redacting once.
    """
    text = redact_values(text)
    text = _PRIVATE_KEY.sub(rf"\1{SECRET}\2", text)
    text = _SK_KEY.sub(SECRET, _KEYS.sub(SECRET, text))
    for pattern in (_HEADER, _RAW_HEADER, _BEARER, _URL, _URL_TOKEN, _SIGNED):
        text = pattern.sub(rf"\1{SECRET}", text)
    return text


def redact_named(text: str) -> str:
    """``redact``, and what is said to be a password, a token or a key by the name before it.

    For what is kept for long and read by many. Not for code that is to be written as it is:
    ``password = "x"`` in a test is taken for a secret.
    """
    text = redact(text)
    for pattern in (_QUOTED_VALUE, _PLAIN_VALUE):
        text = pattern.sub(rf"\1{SECRET}", text)
    return text


def _known_values() -> list[str]:
    """Values known to be secrets, the longest first: one may contain another."""
    values = _protected | {
        value
        for name, value in os.environ.items()
        if len(value) >= _SHORTEST and name.upper().endswith(_ENVIRONMENT_SUFFIXES)
    }
    return sorted(values, key=lambda value: (-len(value), value))

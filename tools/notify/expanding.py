"""``${NAME}`` in settings: a variable of the environment, so that no secret is in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from neveridle.errors import SettingsInvalid
from neveridle.tools.redact import protect

_NAME: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(text: str) -> list[str]:
    """The variables that a text needs, each once."""
    return list(dict.fromkeys(_NAME.findall(text)))


def expand(text: str, environ: Mapping[str, str], *, setting: str) -> str:
    """A text with its variables filled in; their values are known for secrets from now on.

    Args:
        text: as it is configured; a ``$`` that no brace follows stays.
        environ: the environment.
        setting: where it is configured.

    Raises:
        SettingsInvalid: a variable is not set, or is empty.
    """
    missing = [name for name in names_in(text) if not environ.get(name)]
    if missing:
        msg = f"{setting} needs the environment variable {', '.join(missing)}, which is not set."
        raise SettingsInvalid(msg, remedy="Set it for whoever starts `neveridle run`.")
    return _NAME.sub(lambda found: protect(environ[found[1]]), text)

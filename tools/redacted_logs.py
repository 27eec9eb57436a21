"""Taking secrets out of what the HTTP libraries log by themselves: addresses and status lines."""

from __future__ import annotations

import logging
from typing import Final

from neveridle.tools.redact import redact

_LOGGERS: Final = ("httpx", "httpx2")
"""Loggers that tell of each request at level INFO; what is below says more at DEBUG only."""


class Redacted(logging.Filter):
    """Lets everything pass, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See ``logging.Filter``."""
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_FILTER: Final = Redacted()


def redact_logs() -> None:
    """Have secrets taken out of these libraries' logs; twice is as good as once."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)

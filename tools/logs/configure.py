"""Putting logs where the settings say, for a program of ours."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

from neveridle.errors import SettingsInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from neveridle.settings import Settings

STDERR: Final = "-"
"""The log file that is none: standard error gets every line."""
OUR_LOGGER: Final = "neveridle"
QUIET: Final = ("alembic", "filelock", "urllib3")
"""Libraries whose usual remarks are about themselves; their warnings count."""


class Logging:
    """What was configured; ``close`` puts things back as they were.

    Args:
        handlers: were added to the root logger.
        levels: of loggers before.
    """

    def __init__(self, handlers: list[logging.Handler], levels: dict[str, int]) -> None:
        self._handlers = handlers
        self._levels = levels

    def close(self) -> None:
        """Log there no more; may be called twice."""
        handlers, self._handlers = self._handlers, []
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()
        levels, self._levels = self._levels, {}
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def configure_logs(settings: Settings) -> Logging:
    """Log as the table ``[observability]`` says: our lines, and those of libraries.

    For programs, not for libraries: ``neveridle run`` calls it. Every line has a time in UTC,
    level, logger, message, and run, agent, task, attempt and fence where it belongs to one;
    secrets are taken out. Standard error shows warnings and errors; all lines, where the log
    file is ``-``. Loggers obtained from structlog go the same way.

    Args:
        settings: with ``log_level``, ``log_format`` and ``log_file``. What libraries say
            below ``info`` is left out, since some of them show what they send there.

    Returns:
        What takes it back.

    Raises:
        SettingsInvalid: the log file cannot be written.
    """
    from neveridle.tools.logs.lines import LineFormatter
    from neveridle.tools.logs.shared_file import SharedFile

    table = settings.observability
    level = getattr(logging, table.log_level.upper())
    text = table.log_format == "text"
    shown = logging.StreamHandler(_Stderr())
    handlers: list[logging.Handler] = [shown]
    everything = table.log_file.strip() == STDERR
    shown.setFormatter(LineFormatter(text=text if everything else True))
    shown.setLevel(level if everything else max(level, logging.WARNING))
    if table.log_file.strip() and not everything:
        path = settings.path(table.log_file.strip())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = SharedFile(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        file.setFormatter(LineFormatter(text=text))
        handlers.append(file)
    least = level if len(handlers) > 1 or everything else max(level, logging.WARNING)
    levels = {name: logging.getLogger(name).level for name in ("", OUR_LOGGER, *QUIET)}
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(max(least, logging.INFO))
    logging.getLogger(OUR_LOGGER).setLevel(least)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))
    _structlog()
    return Logging(handlers, levels)


class _Stderr:
    """Standard error as it is now: a live view may stand in for it while it is shown."""

    def write(self, text: str) -> int:
        """See ``io.TextIOBase``."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """See ``io.TextIOBase``."""
        sys.stderr.flush()


def _structlog() -> None:
    """Send what is logged by structlog's own loggers to the same handlers."""
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _unwritable(path: Path, error: OSError) -> SettingsInvalid:
    msg = f"The log file {path} cannot be written: {error.strerror or error}."
    return SettingsInvalid(
        msg, remedy="Name another log_file in [observability], or make its folder writable."
    )

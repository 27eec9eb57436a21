"""Logs, traces and metrics of a command that works: configured at its start, ended with it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.tools.logs import Logging
    from neveridle.tools.telemetry.configure import Delivery

HURRIED = 0.3
"""Seconds for the last delivery where a signal ended the command."""


class Observing:
    """Configures what the settings ask for, while the block runs.

    Args:
        settings: with the table ``[observability]``.
        traces: whether traces and metrics go out, too: not from who does no work itself.
    """

    def __init__(self, settings: Settings, *, traces: bool = True) -> None:
        self._settings = settings
        self._traces = traces
        self._logging: Logging | None = None
        self._delivery: Delivery | None = None

    def __enter__(self) -> Observing:
        """Begin.

        Raises:
            SettingsInvalid: the log file cannot be written, or the endpoint is no address.
            ExtraMissing: traces are asked for, and their exporter is not installed.
        """
        from neveridle.observability import configure_logs, configure_telemetry

        self._logging = configure_logs(self._settings)
        if self._traces:
            try:
                self._delivery = configure_telemetry(self._settings)
            except BaseException:  # raised on; nothing stays behind
                self._logging.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, *, hurried: bool = False) -> None:
        """Deliver what is left, and end; may be called twice.

        Args:
            hurried: a signal ended the command, which is to end soon.
        """
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            delivery.close(*([HURRIED] if hurried else []))
        if self._logging is not None:
            self._logging.close()

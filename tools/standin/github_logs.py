"""The host where the GitHub stand-in keeps the logs of jobs."""

from __future__ import annotations

from neveridle.tools.standin.http import Answer, HttpStandin, StandinRequest


class LogHost(HttpStandin):
    """Where the logs of jobs are: another host, which must not see a token.

    Attributes:
        logs: by job.
    """

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, str] = {}

    def handle(self, request: StandinRequest) -> Answer:
        """A log; a request with credentials is refused, as the real host does."""
        text = self.logs.get(request.segments[-1]) if request.segments else None
        if request.credentials or text is None:
            return Answer(400 if request.credentials else 404, None, {}, b"<Error/>")
        return Answer(200, None, {"Content-Type": "text/plain"}, text.encode())

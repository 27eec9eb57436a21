"""What the clients of services share: HTTP behind retry and breaker, and their making."""

from __future__ import annotations

from neveridle.tools.services.http import ServiceHttp
from neveridle.tools.services.kit import ServiceKit, Transports
from neveridle.tools.services.services import Services

__all__ = ["ServiceHttp", "ServiceKit", "Services", "Transports"]

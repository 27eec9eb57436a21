"""Faults of services: a transport between a service's client and what answers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, NoReturn

import httpx

from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.plan import KillFault, ServiceFault
from neveridle.evals.faults.trigger import fits
from neveridle.tools.standin.transport import late

PATIENCE: Final = 60.0
"""Seconds until a client gives up that does not say how long it waits."""
LATE: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFaults:
    """The faults of services in a plan.

    Attributes:
        faults: with the key of each.
        kills: with the key of each.
        diary: where is noted what happened.
        elapsed: seconds since the start.
        now: the board's time, in seconds since 1970.
        kill: kills the process.
        armed: whether it may be killed yet: only once another one can go on.
    """

    faults: Sequence[tuple[str, ServiceFault]]
    kills: Sequence[tuple[str, KillFault]]
    diary: Diary
    elapsed: Callable[[], float]
    now: Callable[[], float]
    kill: Callable[[str], NoReturn]
    armed: Callable[[], bool]

    def of(self, service: str, names: tuple[str, ...]) -> ServiceFault | None:
        """What goes wrong with a request; noted."""
        for key, fault in self.faults:
            if fault.service != service or not fits(fault.on, *names):
                continue
            if self.diary.strikes(key, fault, now=self.elapsed()):
                self.diary.note(f"{service} {names[0]}: {fault.answer}", now=self.elapsed())
                return fault
        return None

    def killing(self, when: str, service: str, names: tuple[str, ...]) -> None:
        """Kill the process, if that is planned for a request."""
        for key, fault in self.kills if self.armed() else ():
            if (fault.service, fault.when) != (service, when) or not fits(fault.request, *names):
                continue
            if self.diary.strikes(key, fault, now=self.elapsed()):
                self.kill(f"kill {when} {service} {names[0]}")


class FaultyTransport(httpx.AsyncBaseTransport):
    """Passes requests on, with what the plan says goes wrong.

    Args:
        inner: who answers; None: nobody is there.
        service: whose requests they are.
        faults: the plan's.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport | None, service: str, faults: ServiceFaults
    ) -> None:
        self._inner = inner
        self._service = service
        self._faults = faults

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See ``httpx.AsyncBaseTransport``."""
        names = names_of(request, await request.aread())
        self._faults.killing("before", self._service, names)
        fault = self._faults.of(self._service, names)
        if fault is None:
            answer = await self._ask(request)
        else:
            answer = await self._spoilt(request, fault)
        self._faults.killing("after", self._service, names)
        return answer

    async def aclose(self) -> None:
        """Close what answers."""
        if self._inner is not None:
            await self._inner.aclose()

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            msg = f"Nobody stands in for {self._service}."
            raise httpx.ConnectError(msg, request=request)
        return await self._inner.handle_async_request(request)

    async def _spoilt(self, request: httpx.Request, fault: ServiceFault) -> httpx.Response:
        done = fault.answer in ("dropped", "malformed", "slow")
        done = done if fault.done is None else fault.done
        found = await self._ask(request) if done else None
        match fault.answer:
            case "refused":
                msg = "All connection attempts failed"
                raise httpx.ConnectError(msg, request=request)
            case "dropped":
                msg = "Server disconnected without sending a response."
                raise httpx.RemoteProtocolError(msg, request=request)
            case "timeout":
                await late(request, fault.seconds or float("inf"))
                msg = "No answer in time."
                raise httpx.ReadTimeout(msg, request=request)
            case "slow":
                await late(request, fault.seconds or LATE)
                return found or await self._ask(request)
            case "malformed":
                body = b"{}" if found is None else await found.aread() or b"{}"
                return self._said(request, 200, body[:-1] + b",,")
            case "429":
                return self._said(request, 429, _words("rate limit exceeded"), fault.retry_after)
            case "5xx" | "4xx":
                status = fault.status or (502 if fault.answer == "5xx" else 400)
                return self._said(request, status, _words(f"status {status}"), fault.retry_after)

    def _said(
        self, request: httpx.Request, status: int, body: bytes, wait: float | None = None
    ) -> httpx.Response:
        headers = {
            "Date": formatdate(self._faults.now(), usegmt=True),
            "Content-Type": "application/json; charset=utf-8",
        }
        if wait is not None:
            headers["Retry-After"] = f"{wait:g}"
        return httpx.Response(status, headers=headers, content=body, request=request)


def names_of(request: httpx.Request, data: bytes) -> tuple[str, ...]:
    """What a fault's ``on`` is compared with: of GraphQL the operation's name comes first."""
    plain = f"{request.method} {request.url.path}"
    try:
        operation = json.loads(data)["operationName"]
    except (ValueError, KeyError, TypeError):
        return (plain,)
    return (str(operation), plain)


def _words(said: str) -> bytes:
    return json.dumps({"message": said}).encode()

"""Reading an answer whole, however much a service sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from neveridle.errors import ServiceError

if TYPE_CHECKING:
    import httpx

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of an answer, unpacked, that are read at most."""
_PACKING: Final = ("content-encoding", "content-length", "transfer-encoding")


async def whole(response: httpx.Response, service: str, largest: int = LARGEST) -> httpx.Response:
    """The answer with its body, read and unpacked; the connection is free again.

    Args:
        response: opened as a stream.
        service: whose it is.
        largest: bytes to read at most.

    Raises:
        ServiceError: there is more than that.
        httpx.HTTPError: it cannot be read to its end.
    """
    import httpx

    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.aiter_bytes(64 * 1024):
            size += len(part)
            if size > largest:
                msg = f"{service} answered with more than {largest // 1024:,} KiB."
                raise ServiceError(msg, service=service, health=False)
            parts.append(part)
    finally:
        await response.aclose()
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name.lower() not in _PACKING
    ]
    found = httpx.Response(
        response.status_code,
        headers=headers,
        content=b"".join(parts),
        request=response.request,
        extensions=response.extensions,
    )
    found.next_request = response.next_request
    return found

"""GitHub's REST: JSON, pages, and answers that are asked for only when they changed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from neveridle.errors import ServiceError
from neveridle.tools.github.cache import EtagCache, Kept
from neveridle.tools.github.parsing import SERVICE, fields, listed

if TYPE_CHECKING:
    import httpx

    from neveridle.tools.services import ServiceHttp

PER_PAGE: Final = 100
"""Objects of one page; the most GitHub gives."""
_LINK: Final = re.compile(r"<([^<>]{1,4000})>\s*((?:;[^,<]{0,200})*)")


@dataclass(frozen=True, slots=True)
class Rate:
    """How much may still be asked, as the last answer said.

    Attributes:
        limit: requests of one hour.
        remaining: how many are left.
        reset: seconds since 1970, when there are all of them again.
    """

    limit: int
    remaining: int
    reset: int


class GitHubRest:
    """Requests about one repository.

    Args:
        http: the service.
        repository: as ``owner/name``.
        cache: where answers are kept by their ETag.

    Attributes:
        rate: what the last answer said of the primary limit; None: nothing yet.
    """

    def __init__(
        self, http: ServiceHttp, repository: str, *, cache: EtagCache | None = None
    ) -> None:
        self.http = http
        self.repository = repository
        self.cache = EtagCache() if cache is None else cache
        self.rate: Rate | None = None

    @property
    def owner(self) -> str:
        """Whose repository it is."""
        return self.repository.partition("/")[0]

    def path(self, *parts: object) -> str:
        """A path within the repository, from its parts."""
        return "/".join(
            ("/repos", *(quote(str(one), safe="") for one in (*self.repository.split("/"), *parts)))
        )

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """What is at a path, as JSON. Errors: see ``ServiceHttp.request``."""
        return (await self._get(_with(path, params)))[0]

    async def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        pages: int = 10,
        inside: str = "",
    ) -> AsyncGenerator[list[Any]]:
        """What a path lists, page by page, as far as whoever asks goes on asking.

        Args:
            path: what lists.
            params: of the query; None is left out.
            pages: at most so many; the rest is left out.
            inside: the field of the answer that holds the list; empty: the answer is it.
        """
        url = _with(path, {"per_page": PER_PAGE, **(params or {})})
        for _ in range(pages):
            data, link = await self._get(url)
            yield listed(fields(data).get(inside) if inside else data)
            url = following(link)
            if not url:
                return

    async def all(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        pages: int = 10,
        inside: str = "",
    ) -> list[Any]:
        """All that a path lists; see ``pages``."""
        found: list[Any] = []
        async for page in self.pages(path, params, pages=pages, inside=inside):
            found.extend(page)
        return found

    async def write(
        self, method: str, path: str, body: Any = None, *, repeatable: bool = False
    ) -> Any:
        """Write; what GitHub said, as JSON; None: nothing.

        Args:
            method: such as POST.
            path: what is written to.
            body: what is written.
            repeatable: whether it may be sent again when it may have been received.
        """
        response = await self.http.request(method, path, body=body, repeatable=repeatable)
        self._note(response)
        return _json(response.content) if response.content else None

    async def _get(self, url: str) -> tuple[Any, str]:
        kept = self.cache.get(url)
        headers = {} if kept is None else {"If-None-Match": kept.etag}
        response = await self.http.request("GET", url, headers=headers)
        self._note(response)
        if response.status_code == 304 and kept is not None:
            return _json(kept.body), kept.link
        data, link = _json(response.content), response.headers.get("link", "")
        etag = response.headers.get("etag", "")
        if etag:
            self.cache.put(url, Kept(etag, response.content, link))
        else:
            self.cache.drop(url)
        return data, link

    def _note(self, response: httpx.Response) -> None:
        names = ("limit", "remaining", "reset")
        said = [response.headers.get(f"x-ratelimit-{name}", "") for name in names]
        if all(one.isdecimal() and len(one) < 20 for one in said):
            limit, remaining, reset = (int(one) for one in said)
            self.rate = Rate(limit, remaining, reset)


def following(link: str) -> str:
    """The address of the next page in a ``Link`` header; empty: there is none."""
    for address, attributes in _LINK.findall(link):
        if re.search(r';\s*rel="?next"?\s*(?:;|$)', attributes):
            return str(address)
    return ""


def _with(path: str, params: Mapping[str, Any] | None) -> str:
    given = {name: one for name, one in (params or {}).items() if one is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        msg = f"{SERVICE} answered with something that is no JSON."
        raise ServiceError(msg, service=SERVICE) from None  # it would show what was sent

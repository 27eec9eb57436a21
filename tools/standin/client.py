"""The verbs of the stand-in, one for each safety: also an example of how verbs are written."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from neveridle.board.effect import Asked, Safety
from neveridle.errors import ServiceUnreached
from neveridle.tools.effects import AlreadyThere, Verb, error_of

if TYPE_CHECKING:
    import httpx

SERVICE = "standin"


class StandinClient:
    """Writes to a stand-in. Use as ``async with StandinClient(url) as client``.

    Args:
        url: where it is.
        settles: seconds after a call until a marker is seen; see ``Verb``.
        timeout: seconds after which a call is given up.

    Attributes:
        set: sets the state of the target; natural.
        create: makes an object with a client key.
        mark: makes an object with a marker in its text.
        post: makes an object; at least once.
    """

    def __init__(self, url: str, *, settles: float = 0.0, timeout: float = 10.0) -> None:
        self.url = url
        self._client: httpx.AsyncClient | None = None
        how: dict[str, Any] = {"service": SERVICE, "timeout": timeout}
        self.set = Verb(
            name="set", safety=Safety.NATURAL, identity="content", call=self._set, **how
        )
        self.create = Verb(
            name="create", safety=Safety.CLIENT_KEY, identity="content", call=self._create, **how
        )
        self.mark = Verb(
            name="mark", safety=Safety.MARKER, identity="content", call=self._mark,
            find=self._find, settles=settles, retract=self._retract, **how,
        )  # fmt: skip
        self.post = Verb(
            name="post", safety=Safety.AT_LEAST_ONCE, identity="content", call=self._post, **how
        )

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """All of them."""
        return (self.set, self.create, self.mark, self.post)

    async def __aenter__(self) -> StandinClient:
        import httpx

        self._client = httpx.AsyncClient(base_url=self.url, timeout=None, verify=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _set(self, asked: Asked) -> Any:
        path = f"/states/{quote(asked.target, safe='')}"
        return await self._ask("PUT", path, {"value": asked.request})

    async def _create(self, asked: Asked) -> Any:
        body = {"target": asked.target, "text": asked.request, "key": asked.client_key}
        return await self._ask("POST", "/objects", body)

    async def _mark(self, asked: Asked) -> Any:
        text = f"{asked.request}\n<!-- {asked.marker} -->"
        return await self._ask("POST", "/objects", {"target": asked.target, "text": text})

    async def _post(self, asked: Asked) -> Any:
        body = {"target": asked.target, "text": asked.request}
        return await self._ask("POST", "/objects", body)

    async def _find(self, asked: Asked) -> Any:
        found = await self._ask("GET", f"/objects?marker={quote(asked.marker)}")
        return found[0] if found else None

    async def _retract(self, asked: Asked, result: Any) -> None:
        await self._ask("DELETE", f"/objects/{quote(result['id'], safe='')}")

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        import httpx

        assert self._client is not None, "use `async with StandinClient(…)`"
        try:
            answer = await self._client.request(method, path, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            msg = f"{self.url} cannot be reached: {error}"
            raise ServiceUnreached(msg) from error
        if answer.status_code == 409:
            raise AlreadyThere(answer.json()["object"])
        wrong = error_of(SERVICE, answer.status_code, answer.text[:200])
        if wrong is not None:
            raise wrong
        return answer.json()

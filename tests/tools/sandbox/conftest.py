from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from neveridle.errors import SandboxMissing
from neveridle.settings import SandboxSettings
from neveridle.tools.sandbox import Sandbox, make_sandbox


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "a tree with späces"
    folder.mkdir()
    return folder


@pytest.fixture
def settings() -> Callable[..., SandboxSettings]:
    def make(**values: object) -> SandboxSettings:
        return SandboxSettings.model_validate(values)

    return make


@pytest.fixture(params=["bubblewrap", "none"])
async def either(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Makes a sandbox of either kind; skips where bubblewrap does not work."""
    kind: str = request.param

    async def make(**values: object) -> Sandbox:
        return await _made(kind, values)

    return make


@pytest.fixture
async def bubblewrap() -> Callable[..., object]:
    async def make(**values: object) -> Sandbox:
        return await _made("bubblewrap", values)

    return make


async def _made(kind: str, values: dict[str, object]) -> Sandbox:
    try:
        sandbox, _ = await make_sandbox(SandboxSettings.model_validate({"kind": kind, **values}))
    except SandboxMissing as missing:
        pytest.skip(f"bubblewrap does not work here: {missing}")
    return sandbox

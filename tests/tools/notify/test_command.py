"""A command: the operator's own program, without a shell, bounded, and ended with its children."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.errors import ServiceError, SettingsInvalid
from neveridle.tools.notify.command import Command

Make = Callable[..., Command]
SEES = """
import json, os, sys
seen = {"said": json.load(sys.stdin), "argv": sys.argv[1:], "env": dict(os.environ)}
seen["cwd"] = os.getcwd()
open("seen.json", "w").write(json.dumps(seen))
"""


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a command that runs a script of Python."""

    def one(script: str, *words: str, before: str = "", **given: Any) -> Command:
        (tmp_path / "a script.py").write_text(script, encoding="utf-8")
        line = " ".join([before, shlex.join([sys.executable, "-P", "a script.py"]), *words])
        environ = {"PATH": os.environ["PATH"], "PAGER_TOKEN": "tok en-of-pager", "OTHER": "other"}
        given = {"environ": environ, **given}
        return Command(line, setting="escalation.x", folder=tmp_path, **given)

    return one


async def test_it_reads_the_notice_and_gets_no_variable_that_is_not_named(
    make: Make, payload: dict[str, Any], tmp_path: Path
) -> None:
    one = make(SEES, "'a b'", "$HOME", ";", "x", before="TOKEN=${PAGER_TOKEN} N=1")
    await one.send(payload, key="k1")
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["said"] == payload
    assert seen["argv"] == ["a b", "$HOME", ";", "x"], "no shell has read it"
    assert Path(seen["cwd"]) == tmp_path
    env = {name: value for name, value in seen["env"].items() if "NEVERIDLE_" not in name}
    assert set(env) - {"LC_CTYPE"} == {"PATH", "TOKEN", "N"}
    assert env["TOKEN"] == "tok en-of-pager"
    assert seen["env"]["NEVERIDLE_KEY"] == "k1"


async def test_one_that_fails_says_so_bounded_and_without_secrets(
    make: Make, payload: dict[str, Any]
) -> None:
    script = "import os, sys; print('no: ' + os.environ['TOKEN'] + 'x' * 10**6); sys.exit(3)"
    with pytest.raises(ServiceError) as failed:
        await make(script, before="TOKEN=${PAGER_TOKEN}").send(payload, key="k1")
    assert str(failed.value).startswith("escalation.x ended with 3: no: <secret>xxx")
    assert len(str(failed.value)) < 300


async def test_one_that_takes_too_long_is_given_up(make: Make, payload: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match=r"took more than 0\.3 s"):
        await make("import time; time.sleep(600)", limit=0.3).send(payload, key="k1")


async def test_one_that_is_given_up_is_killed_with_its_children(
    make: Make,
    payload: dict[str, Any],
    tmp_path: Path,
    until: Callable[[Callable[[], object]], Awaitable[None]],
) -> None:
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True)\n"
        "open('pid.tmp', 'w').write(str(child.pid)); os.rename('pid.tmp', 'pid')\n"
        "time.sleep(600)\n"
    )
    sending = asyncio.create_task(make(script).send(payload, key="k1"))
    await until((tmp_path / "pid").exists)
    child = int((tmp_path / "pid").read_text())
    assert _alive(child)
    sending.cancel()
    await asyncio.wait([sending])
    await until(lambda: not _alive(child))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_one_that_reads_nothing_is_well(make: Make, tmp_path: Path) -> None:
    await make("import os; os.close(0); open('ran', 'w').close()").send(
        {"body": "x" * 10**6}, key="k1"
    )
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("page --key ${NOT_THERE}", "NOT_THERE, which is not set"),
        ("no-such-program-here -x", "no-such-program-here, which is not there"),
        ("./gone -x", "gone, which is not there"),
        ("page 'open", "cannot be split"),
        ("A=1 B=2", "names no program"),
        ("  ", "names no program"),
    ],
)
async def test_one_that_cannot_be_started_says_what_to_do(
    payload: dict[str, Any], tmp_path: Path, line: str, words: str
) -> None:
    one = Command(line, setting="escalation.x", folder=tmp_path, environ={"PATH": "/usr/bin:/bin"})
    with pytest.raises(SettingsInvalid, match=words):
        await one.send(payload, key="k1")


async def test_one_that_is_no_program_after_all_is_an_error_of_ours(
    payload: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "page").write_text("no program")
    (tmp_path / "page").chmod(0o755)
    one = Command("./page", setting="escalation.x", folder=tmp_path)
    with pytest.raises(ServiceError, match="could not be started"):
        await one.send(payload, key="k1")

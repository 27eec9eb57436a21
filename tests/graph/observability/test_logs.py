"""What a running team logs: every line says whose work it is."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import structlog

from neveridle.errors import SettingsInvalid
from neveridle.observability import configure_logs

SECRET = "correct-horse-battery-staple-77"
FIELDS = ("run", "agent", "task", "attempt", "fence")


@pytest.fixture
def logging_to(project: Any) -> Generator[Callable[..., Path]]:
    """Logs what the project's team does to a file."""
    made: list[Any] = []

    def begin(name: str = "logs/team.log", **settings: Any) -> Path:
        project.use("observability", **{"log_file": name, **settings})
        made.append(configure_logs(project.team().settings))
        return Path(project.root / name)

    yield begin
    for one in made:
        one.close()
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


async def test_lines_of_four_agents_at_a_time_say_whose_they_are(
    project: Any, hands: Any, logging_to: Callable[..., Path]
) -> None:
    """Also those of libraries, of threads and of structlog's own loggers; not the keeper's."""
    names = ("ada", "leo", "max")
    for name in names:
        project.soul(name)
    meet = asyncio.Barrier(4)

    async def act(assignment: Any) -> Any:
        async with asyncio.timeout(60):
            await meet.wait()
        who = assignment.agent.name
        logging.getLogger("some.library").info("here is %s", who)
        structlog.get_logger("another").info("here is", who=who)
        await asyncio.to_thread(logging.getLogger("a.thread").warning, "here is %s", who)
        await asyncio.gather(said(who), said(who))
        return await hands.leave({f"{who}.txt": "x"})(assignment)

    async def said(who: str) -> None:
        await asyncio.sleep(0)
        logging.getLogger("a.task").info("here is %s", who)

    hands.do("*", act)
    path = logging_to()
    async with project.team(worker=hands) as team:
        for name in (*names, "sam"):
            await team.dispatch(name, f"For {name}")
        report = await team.run(until="idle")
        attempts = {
            one.agent: one for t in await team.board.tasks.find()
            for one in await team.board.attempts.of(t.id)
        }  # fmt: skip
        team.keeper.before.append(broken)
        await team.keeper.beat()

    assert report.endings == {"completed": 4}
    found = lines(path)
    told = [one for one in found if "here is" in one["message"]]
    assert len(told) == 4 * 5
    for one in told:
        who = one.get("who") or one["message"].rpartition(" ")[2]
        attempt = attempts[who]
        assert {key: one[key] for key in FIELDS} == {
            "run": attempt.run, "agent": who, "task": attempt.task_id,
            "attempt": attempt.number, "fence": attempt.fence,
        }  # fmt: skip
    ours = [one for one in found if one["logger"] == "neveridle.graph.observed"]
    assert len(ours) == 8
    assert all(set(FIELDS) <= one.keys() for one in ours)
    (beat,) = [one for one in found if one["logger"] == "neveridle.graph.keeper"]
    assert not set(FIELDS) & beat.keys()
    assert all(one["time"].endswith("Z") and one["pid"] for one in found)


async def broken() -> None:
    raise ValueError("broken")


async def test_secrets_in_what_a_run_logs_do_not_appear(
    project: Any, hands: Any, logging_to: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", SECRET)
    hands.do("Fix", hands.fail(ValueError(f"the key {SECRET}\nis wrong")))
    path = logging_to(log_level="debug")
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle")

    assert "is wrong" in path.read_text()
    assert SECRET not in path.read_text()
    assert all(one["message"] for one in lines(path))


def test_a_team_in_python_configures_nothing(project: Any) -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    project.use("observability", log_file="team.log")

    async def whole() -> None:
        async with project.team():
            pass

    asyncio.run(whole())

    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
    assert not (project.root / "team.log").exists()


def test_closing_puts_back_what_was(project: Any) -> None:
    project.use("observability", log_file="team.log", log_level="debug")
    before = [logging.getLogger(name).level for name in ("", "neveridle", "alembic")]
    handlers = list(logging.getLogger().handlers)
    made = configure_logs(project.team().settings)
    assert logging.getLogger("neveridle").level == logging.DEBUG
    made.close()
    made.close()
    structlog.reset_defaults()

    assert [logging.getLogger(name).level for name in ("", "neveridle", "alembic")] == before
    assert logging.getLogger().handlers == handlers


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "warning"], ["info", "warning"]),
        ("info", ["info", "warning"], ["info", "warning"]),
        ("warning", ["warning"], ["warning"]),
        ("error", [], []),
    ],
)
def test_what_libraries_say_below_info_is_left_out(
    level: str, ours: list[str], theirs: list[str], logging_to: Callable[..., Path]
) -> None:
    path = logging_to(log_level=level)
    for name in ("neveridle.x", "openai._base_client"):
        for how in ("debug", "info", "warning"):
            getattr(logging.getLogger(name), how)("said")

    found = lines(path)
    assert [one["level"] for one in found if one["logger"] == "neveridle.x"] == ours
    assert [one["level"] for one in found if one["logger"] != "neveridle.x"] == theirs


def test_standard_error_shows_warnings_and_with_a_dash_everything(
    logging_to: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    logging_to("")
    logging.getLogger("neveridle.x").info("quiet")
    logging.getLogger("neveridle.x").warning("loud")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("warning neveridle.x loud")

    logging.getLogger().handlers[-1].setLevel(logging.CRITICAL)
    logging_to("-")
    logging.getLogger("neveridle.x").info("everything")
    assert json.loads(capsys.readouterr().err)["message"] == "everything"


def test_a_file_that_cannot_be_written_is_an_error_at_the_start(
    project: Any, logging_to: Callable[..., Path]
) -> None:
    (project.root / "taken").write_text("a file")
    for name in ("taken/team.log", ".", "/proc/nowhere/team.log"):
        with pytest.raises(SettingsInvalid, match="cannot be written") as raised:
            logging_to(name)
        assert "log_file" in raised.value.remedy


async def test_a_line_leads_to_its_trace(
    project: Any,
    hands: Any,
    logging_to: Callable[..., Path],
    collector: Any,
    sending: Callable[..., Any],
) -> None:
    path = logging_to()
    delivery = sending()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle")
    delivery.close()

    tick = collector.named("tick")
    ours = [one for one in lines(path) if one["logger"] == "neveridle.graph.observed"]
    assert {one["trace_id"] for one in ours} == {tick.trace.hex()}


def test_importing_costs_nothing(project: Any) -> None:
    import subprocess

    code = (
        "import sys, neveridle.tools.telemetry, neveridle.tools.logs\n"
        "heavy = {'structlog', 'opentelemetry', 'langchain_core', 'httpx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from neveridle.observability import configure_telemetry\n"
        "from neveridle.settings.loader import settings_from\n"
        "from pathlib import Path\n"
        "assert configure_telemetry(settings_from({}, Path()), {}) is None\n"
        "assert 'opentelemetry' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", code], cwd=project.root)
    assert ended.returncode == 0

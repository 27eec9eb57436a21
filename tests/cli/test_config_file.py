"""The commented configuration says what the settings say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from neveridle.cli.initial.config_file import config_text, toml
from neveridle.settings import Settings, load_settings
from neveridle.settings.services import McpServer, ServicesSettings

SETTING = re.compile(r"^# ((?:[a-z_]+ = \S.*)|\[(?:agents|services)\.[\w.]+\])$")


def test_without_values_it_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "neveridle.toml"
    path.write_text(config_text({}, ["sam"]), encoding="utf-8")

    assert load_settings(path).model_dump() == Settings().model_dump()


def test_every_setting_is_shown_with_its_default(tmp_path: Path) -> None:
    """Taking the marks away changes nothing, but for what has no default to show."""
    lines = config_text({}, ["sam"]).splitlines()
    plain = [found[1] if (found := SETTING.match(line)) else line for line in lines]
    text = "\n".join(plain)
    path = tmp_path / "neveridle.toml"
    path.write_text(text, encoding="utf-8")
    settings, data = load_settings(path), tomllib.loads(text)

    for table in Settings.model_fields:
        if table in ("root", "agents", "services", "checks", "prices", "roles"):
            continue
        # Tables in a table are only shown: each of them sets something where it is there.
        before: dict[str, object] = {
            name: value
            for name, value in getattr(Settings(), table).model_dump().items()
            if not isinstance(getattr(getattr(Settings(), table), name), BaseModel)
        }
        after: dict[str, object] = data[table]
        assert list(before) == list(after), table
        for name, value in before.items():
            if value is not None:
                assert getattr(getattr(settings, table), name) == value, (table, name)
            else:
                assert name in after
    for name, field in ServicesSettings.model_fields.items():
        if name == "mcp":
            shown = McpServer.model_validate(data["services"]["mcp"]["NAME"])
            assert shown == McpServer()
        elif field.annotation is str:
            assert data["services"].get(name, field.default) == field.default
        else:
            kind = next(one for one in get_args(field.annotation) if one is not type(None))
            assert kind(**data["services"][name]) == kind(url=data["services"][name]["url"])
    assert list(data["agents"]["sam"]) == ["model", "skills", "paused", "tracker_user"]
    assert list(data["checks"]) == ["tests"]


def test_every_description_is_there() -> None:
    words = " ".join(config_text({}, []).replace("\n# ", " ").split())

    for table in (type(Settings().team), type(Settings().sandbox), type(Settings().model)):
        for field in table.model_fields.values():
            assert " ".join((field.description or "").split()) in words


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])),
        max_size=4,
    )
)
def test_any_check_is_written_so_that_it_is_read_again(checks: dict[str, str]) -> None:
    text = config_text({"checks": checks}, ["sam"])

    assert tomllib.loads(text)["checks"] == checks


VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
)


@given(VALUES)
def test_any_value_is_written_so_that_it_is_read_again(value: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == value

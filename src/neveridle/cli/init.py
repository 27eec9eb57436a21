"""``neveridle init``: write a configuration and souls into a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import JsonOption

if TYPE_CHECKING:
    from neveridle.cli.initial.repository import Found


def init_command(
    path: Annotated[Path, typer.Argument(help="A folder of the git repository.")] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that are there already.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Set a team up in a git repository: neveridle.toml and agents/*.md.

    Looks for the repository's checks, its branch and its roadmap. Files that are there
    already are kept, unless --force is given.
    """
    from neveridle.cli.screen import print_json, say

    done = set_up(path, force=force)
    if json:
        print_json(done)
        return
    for verb in ("wrote", "kept"):
        for name in done[verb]:
            say(f"{verb} {name}", lines=False)
    for name, command in done["checks"].items():
        say(f"found the check {name}: {command}", lines=False)
    if done["roadmap"]:
        say(f"found the roadmap {done['roadmap']}", lines=False)
    say("Next:")
    for number, step in enumerate(done["next"], start=1):
        say(f"  {number}. {step}", lines=False)


def set_up(folder: Path, *, force: bool) -> dict[str, Any]:
    """Write what is missing; what was done, as printed by ``--json``.

    Args:
        folder: in the repository; everything is written at the repository's top.
        force: overwrite what is there.

    Raises:
        RepositoryUnusable: the folder lies in no git repository.
        SettingsInvalid: a configuration is there, is kept, and is broken.
        DiskFull: there is no space.
    """
    from neveridle.cli.initial.checks import find_checks
    from neveridle.cli.initial.repository import exclude, look
    from neveridle.settings import CONFIG_NAME, load_settings

    found = look(folder)
    config = found.top / CONFIG_NAME
    wrote: list[Path] = []
    kept: list[Path] = []
    if config.exists() and not force:
        kept.append(config)
    else:
        _write(config, _configuration(found, find_checks(found.top)))
        wrote.append(config)
    settings = load_settings(config)
    _souls(settings.path(settings.team.souls), wrote, kept, force=force)
    home = settings.home
    if home.is_relative_to(found.top) and home != found.top:
        pattern = f"{home.relative_to(found.top).as_posix()}/"
        if exclude(found.exclude, pattern):
            wrote.append(found.exclude)
    return {
        "repository": str(found.top),
        "config": str(config),
        "wrote": [_short(one, found.top) for one in wrote],
        "kept": [_short(one, found.top) for one in kept],
        "checks": settings.checks,
        "branch": settings.team.branch,
        "roadmap": settings.team.roadmap if (found.top / settings.team.roadmap).is_file() else "",
        "next": _next(
            found, has_model=bool(settings.model.default), has_checks=bool(settings.checks)
        ),
    }


def _configuration(found: Found, checks: dict[str, str]) -> str:
    from neveridle.cli.initial.config_file import config_text
    from neveridle.cli.initial.souls import NAMES

    team: dict[str, object] = {"name": found.top.name or "team"}
    if found.branch:
        team["branch"] = found.branch
    if found.roadmap and found.roadmap != "ROADMAP.md":
        team["roadmap"] = found.roadmap
    folder = _free_folder(found.top)
    if folder != "agents":
        team["souls"] = folder
    return config_text({"team": team, "checks": checks}, NAMES)


def _free_folder(top: Path) -> str:
    """A folder that nothing but souls lies in: ``agents`` may be code, or another tool's."""
    from neveridle.agents.soul import load_soul
    from neveridle.cli.initial.souls import FOLDERS
    from neveridle.errors import SoulInvalid

    def free(name: str) -> bool:
        folder = top / name
        if not folder.exists():
            return True
        if not folder.is_dir() or any(one.suffix != ".md" for one in folder.iterdir()):
            return False
        try:
            for one in folder.glob("*.md"):
                if one.stem.upper() != "README":
                    load_soul(one)
        except SoulInvalid:
            return False
        return True

    return next((name for name in FOLDERS if free(name)), FOLDERS[-1])


def _souls(folder: Path, wrote: list[Path], kept: list[Path], *, force: bool) -> None:
    """Write the four souls; a team that has souls of its own keeps just these."""
    from neveridle.cli.initial.souls import NAMES, soul_text

    there = [one for one in sorted(folder.glob("*.md")) if one.stem.upper() != "README"]
    if there and not force:
        kept += there
        return
    for name in NAMES:
        path = folder / f"{name}.md"
        _write(path, soul_text(name))
        wrote.append(path)


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    import errno
    import os
    import tempfile

    from neveridle.errors import DiskFull, RepositoryUnusable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
            Path(temporary).replace(path)
        except BaseException:  # the half file is removed, then raised on
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            msg = f"No space is left for {path}."
            raise DiskFull(msg, remedy="Free some and run it again.") from error
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise RepositoryUnusable(msg, remedy="Look at the folder and its permissions.") from error


def _short(path: Path, top: Path) -> str:
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else str(path)


def _next(found: Found, *, has_model: bool, has_checks: bool) -> list[str]:
    steps: list[str] = []
    if found.empty:
        steps.append("Commit something: work starts from a commit.")
    if not has_checks:
        steps.append("Set the commands that must pass in [checks] of neveridle.toml.")
    else:
        steps.append("See that the checks in neveridle.toml pass now: they must, for each task.")
    if not has_model:
        steps.append(
            'Set a model: default = "anthropic:…", "openai:…" or "ollama:…" in [model] of '
            "neveridle.toml, and its key in the environment."
        )
    steps.append('`neveridle dispatch sam "…"` gives a task; `neveridle run` starts the team.')
    return steps

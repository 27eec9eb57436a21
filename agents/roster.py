"""The roster: the agents of a team."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from neveridle.agents.soul import Soul, load_soul
from neveridle.errors import NotFound, SoulInvalid
from neveridle.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class Agent:
    """A soul with what the settings say of it.

    Attributes:
        skills: the soul's, or what the settings put in their place.
        paused: whether it takes no task.
    """

    soul: Soul
    skills: tuple[str, ...]
    paused: bool = False

    @property
    def name(self) -> str:
        """How it is addressed."""
        return self.soul.name

    @property
    def role(self) -> str:
        """What it does in the team."""
        return self.soul.role


class Roster:
    """The agents by name, in alphabetical order."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self._agents = dict(sorted(agents.items()))

    @classmethod
    def load(cls, folder: Path, settings: Mapping[str, AgentSettings]) -> Roster:
        """Read every ``<name>.md`` of a folder.

        Raises:
            SoulInvalid: a soul is broken, two have one name, there are none, or the
                settings name an agent without a soul.
        """
        agents: dict[str, Agent] = {}
        for path in sorted(folder.glob("*.md")):
            if path.stem.upper() == "README":
                continue
            soul = load_soul(path)
            if soul.name in agents:
                msg = f"{path}:1: there is another agent called {soul.name}."
                raise SoulInvalid(msg, remedy="Give each soul a name of its own.")
            own = settings.get(soul.name, AgentSettings())
            skills = soul.skills if own.skills is None else tuple(sorted(set(own.skills)))
            agents[soul.name] = Agent(soul, skills, own.paused)
        if not agents:
            msg = f"{folder}: there are no souls."
            raise SoulInvalid(msg, remedy="`neveridle init` writes some; each is a <name>.md.")
        for name in settings:
            if name not in agents:
                msg = f"neveridle.toml: [agents.{name}] has no soul."
                remedy = f"Write {folder / (name + '.md')}, or remove it."
                if name.lower() in agents:
                    remedy = f"Write it as [agents.{name.lower()}]."
                raise SoulInvalid(msg, remedy=remedy)
        return cls(agents)

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents.values())

    def __len__(self) -> int:
        return len(self._agents)

    def __contains__(self, name: object) -> bool:
        return name in self._agents

    @property
    def names(self) -> list[str]:
        """All names, in alphabetical order."""
        return list(self._agents)

    @property
    def receivers(self) -> list[str]:
        """The names of those who take tasks: all but the paused."""
        return [name for name, agent in self._agents.items() if not agent.paused]

    def get(self, name: str) -> Agent:
        """One agent; case does not matter.

        Raises:
            NotFound: naming those there are.
        """
        try:
            return self._agents[name.strip().lower()]
        except KeyError:
            msg = f"There is no agent '{name}'."
            raise NotFound(msg, remedy=f"There are {', '.join(self._agents)}.") from None

"""Which model works in which phase."""

from dataclasses import dataclass, field

import msgspec

from m31a_engine.config import Config

_AGENT_OF = {
    "intent": "initialize",
    "heal": "execute",
    "chat": "discuss",
    "outline": "plan",
    "summary": "ship",
}
"""Phases of conversations that are no agents of their own in the configuration."""


@dataclass(slots=True)
class Models:
    """The configured models, and what was chosen instead while the run goes on."""

    config: Config
    _chosen: dict[str, str] = field(default_factory=dict)
    _for_task: dict[str, str] = field(default_factory=dict)

    def model_for(self, phase: str, task: str = "") -> str:
        """The model for a conversation's phase from its next request on."""
        agent = _AGENT_OF.get(phase, phase)
        for_task = self._for_task.get(task) if phase == "execute" else None
        return self._chosen.get(agent) or for_task or self.config.model_for(agent)

    def choose(self, phase: str, model: str) -> None:
        """Use a model for a phase, in conversations that stand too."""
        self._chosen[_AGENT_OF.get(phase, phase)] = model

    def choose_for_task(self, task: str, model: str) -> None:
        """Use a model for a task, where a person has chosen none for the phase."""
        self._for_task[task] = model

    def is_chosen(self, phase: str) -> bool:
        """Whether a person has named this very phase's model, now or in the configuration."""
        agent = _AGENT_OF.get(phase, phase)
        named: dict[str, str] = msgspec.structs.asdict(self.config.agents)
        return bool(self._chosen.get(agent) or named.get(agent))

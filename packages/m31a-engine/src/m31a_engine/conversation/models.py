"""Which model works in which phase."""

from dataclasses import dataclass, field

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
    """The configured models, and what a person chose instead while the run goes on."""

    config: Config
    _chosen: dict[str, str] = field(default_factory=dict)

    def model_for(self, phase: str) -> str:
        """The model for a conversation's phase from its next request on."""
        agent = _AGENT_OF.get(phase, phase)
        return self._chosen.get(agent) or self.config.model_for(agent)

    def choose(self, phase: str, model: str) -> None:
        """Use a model for a phase, in conversations that stand too."""
        self._chosen[_AGENT_OF.get(phase, phase)] = model

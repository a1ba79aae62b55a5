"""What is chosen in the first run, step by step."""

from dataclasses import dataclass
from dataclasses import field as slot
from enum import IntEnum

from m31a.program.messages import WorkFailed
from m31a.widgets.draft import BLANK, Draft
from m31a.widgets.picker import Picker
from m31a_engine import ModelInfo

ABOUT = {
    "openrouter": "many models, one key",
    "zen": "models chosen for coding agents",
    "anthropic": "the models of Anthropic",
}
OWN = "another server"
OWN_NAME = "local"
"""What a server is called whose address was typed."""


class Stage(IntEnum):
    """The steps, in order."""

    PROVIDER = 0
    KEY = 1
    MODEL = 2
    THEME = 3


@dataclass(frozen=True, slots=True)
class Way:
    """A provider that can be taken."""

    name: str
    says: str
    address: str = ""
    """Of a server of one's own; empty for a built-in provider, and for one still to be typed."""
    models: tuple[ModelInfo, ...] = ()
    has_key: bool = False


def model_name(model: ModelInfo) -> str:
    """What a model is found by."""
    return model.id


def _no_models() -> Picker[ModelInfo]:
    return Picker((), model_name)


@dataclass(frozen=True, slots=True)
class Welcome:
    """Since when it is seen, which step it is, and what was chosen so far."""

    seen_s: float = 0.0
    stage: Stage = Stage.PROVIDER
    ways: tuple[Way, ...] = ()
    searched: bool = False
    at: int = 0
    address: Draft | None = None
    """The address of a server of one's own, while it is typed."""
    key: Draft = BLANK
    models: Picker[ModelInfo] = slot(default_factory=_no_models)
    listed: bool = False
    theme: str = "auto"
    trouble: WorkFailed | None = None

    @property
    def way(self) -> Way:
        """The provider that is chosen."""
        return self.ways[min(self.at, len(self.ways) - 1)]

"""A goal that is being written, with everything that is chosen for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from m31a.goal_choices import PHASES, Standing
from m31a.program.messages import WorkFailed
from m31a.widgets.choice import stepped
from m31a.widgets.draft import BLANK, Draft, drafted
from m31a_engine import Mode, PermissionMode

MODES = tuple(mode.value for mode in Mode)
PERMISSIONS = (
    PermissionMode.ASK.value,
    PermissionMode.RULES.value,
    PermissionMode.DEFER.value,
    PermissionMode.DENY_ALL.value,
)
"""What can be chosen here; to allow everything takes the command line."""
DIRTY = ("leave", "commit", "refuse")
FIELDS = ("goal", "mode", "budget", "permissions", "uncommitted", *PHASES)
NAMES = {"features.budget_limit_usd": "budget", "permissions.mode": "permissions"}
"""Keys of the configuration as this form calls them."""
CHOICES = frozenset({"mode", "permissions", "uncommitted"})


@dataclass(frozen=True, slots=True)
class GoalForm:
    """The goal as it is written, and what was chosen for it."""

    goal: Draft = BLANK
    mode: str = Mode.AUTO.value
    budget: Draft = BLANK
    permissions: str = PermissionMode.ASK.value
    uncommitted: str = DIRTY[0]
    models: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Chosen here, by phase."""
    at: int = 0
    standing: Standing = field(default_factory=Standing)
    trouble: WorkFailed | None = None

    @property
    def name(self) -> str:
        """The field that has the keys."""
        return FIELDS[self.at]

    @property
    def changes(self) -> tuple[tuple[str, str], ...]:
        """Keys of the configuration that were chosen otherwise, with their texts."""
        stands = self.standing
        texts = {
            "features.budget_limit_usd": (self.budget.text.strip(), stands.budget),
            "permissions.mode": (self.permissions, stands.permissions),
            **{f"agents.{phase}": (model, "") for phase, model in self.models.items()},
        }
        return tuple((key, text) for key, (text, before) in texts.items() if text != before)

    @property
    def offered_permissions(self) -> tuple[str, ...]:
        """What can be chosen, and what is configured."""
        return tuple(dict.fromkeys((*PERMISSIONS, self.standing.permissions)))

    def standing_on(self, standing: Standing) -> "GoalForm":
        """What holds, in the fields that nobody has touched yet."""
        untouched = self.budget.empty and self.budget.last == ""
        return replace(
            self,
            standing=standing,
            budget=drafted(standing.budget) if untouched else self.budget,
            permissions=standing.permissions,
        )

    def stepped(self, step: int) -> "GoalForm":
        """The next choice of the field that has the keys, or the one before."""
        match self.name:
            case "mode":
                return replace(self, mode=stepped(MODES, self.mode, step))
            case "permissions":
                words = self.offered_permissions
                return replace(self, permissions=stepped(words, self.permissions, step))
            case _:
                return replace(self, uncommitted=stepped(DIRTY, self.uncommitted, step))

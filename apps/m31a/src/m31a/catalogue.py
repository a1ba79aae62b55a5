"""The screens there are: one line each. A screen that is not in here is in no palette."""

from dataclasses import dataclass
from importlib import import_module

from m31a.commands import BUILT_IN
from m31a.program.scene import Command, Scene
from m31a.program.screen import Screen, Turned, mount
from m31a_engine import Ask, PermissionAsk, PlanAsk, QuestionsAsk


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a screen is found and how a person opens it."""

    id: str
    place: str
    """`module:Class` below `m31a.screens`; imported when it is opened."""
    command: Command | None = None
    """None for screens that only open by themselves."""


def _entry(
    id_: str,
    place: str,
    says: str = "",
    *,
    takes: str = "",
    name: str = "",
    choices: tuple[str, ...] = (),
) -> Entry:
    own = Command(name or id_, says, screen=id_, takes=takes, choices=choices)
    return Entry(id_, place, own if says else None)


SCREENS: tuple[Entry, ...] = (
    _entry("repl", "repl:ReplScreen"),
    _entry("permission", "permission:PermissionScreen"),
    _entry("discuss", "discuss:DiscussScreen", "the questions of this run, and the answers"),
    _entry("plan", "plan:PlanScreen", "the plan of this run"),
    _entry("plan_versions", "plan_versions:PlanVersionsScreen", "what refinements have changed"),
    _entry("execute", "execute:ExecuteScreen", "the tasks at work; pause, skip, steer, heal"),
    _entry("verify", "verify:VerifyScreen", "the checks with their evidence"),
    _entry("ship", "ship:ShipScreen", "what was shipped, and how to try it"),
    _entry("diff", "diff:DiffScreen", "everything a run has changed", takes="[SESSION]"),
    _entry("tool_detail", "tool_detail:ToolDetailScreen", "tool calls in full", name="tools"),
    _entry("deferred", "deferred:DeferredScreen", "calls that were put off, to be answered"),
    _entry("approve", "approve:ApproveScreen"),
    _entry("sessions", "sessions:SessionsScreen", "all sessions: find, resume, fork, delete"),
    _entry(
        "rollback",
        "rollback:RollbackScreen",
        "back behind a run's commit",
        takes="[--hard]",
        choices=("--safe", "--soft", "--hard"),
    ),
    _entry("rollback_files", "rollback_files:RollbackFilesScreen"),
    _entry("bisect", "bisect:BisectScreen", "the first commit on which a command fails"),
    _entry(
        "ledger",
        "ledger:LedgerScreen",
        "what past runs came to",
        takes="[stats | WORDS]",
        choices=("stats",),
    ),
    _entry("notifications", "notifications:NotificationsScreen", "what a run had to say"),
    _entry("help", "help:HelpScreen", "what the keys do"),
    _entry("palette", "palette:PaletteScreen"),
    _entry("welcome", "welcome:WelcomeScreen", "the first steps: provider, key, model, theme"),
    _entry("trust", "trust:TrustScreen", "what of this project is obeyed and run"),
    _entry(
        "goal", "goal:GoalScreen", "a goal with its mode and budget", takes="[GOAL]", name="new"
    ),
    _entry("models", "models:ModelsScreen", "the models on offer, compared", takes="[LETTERS]"),
    _entry("providers", "providers:ProvidersScreen", "who answers, and how it is", name="provider"),
    _entry("keys", "keys:KeysScreen", "API keys: where they are, set, remove", takes="[PROVIDER]"),
    _entry("settings", "settings:SettingsScreen", "every setting, changed here", takes="[LETTERS]"),
    _entry("doctor", "doctor:DoctorScreen", "what is here, what is missing"),
    _entry("context", "context:ContextScreen", "what fills the model's window; compress it"),
    _entry("confirm_quit", "confirm_quit:ConfirmQuitScreen", "leave", name="quit"),
)
BY_ID = {entry.id: entry for entry in SCREENS}
TITLES = {entry.id: entry.id for entry in SCREENS}


def commands() -> tuple[Command, ...]:
    """Everything the palette and `/` offer, by name."""
    own = (entry.command for entry in SCREENS if entry.command is not None)
    return tuple(sorted((*BUILT_IN, *own), key=lambda command: command.name))


def open_screen(screen_id: str, argument: object, scene: Scene) -> Turned:
    """A screen just opened; its module is imported now."""
    module, _, name = BY_ID[screen_id].place.partition(":")
    made = getattr(import_module(f"m31a.screens.{module}"), name)()
    assert isinstance(made, Screen)
    return mount(made, argument, scene)


def screen_for(ask: Ask) -> str:
    """Which screen answers an ask."""
    match ask:
        case PermissionAsk():
            return "permission"
        case QuestionsAsk():
            return "discuss"
        case PlanAsk():
            return "plan"

"""What a line that begins with a slash does: a table, and a pure function from line to effects."""

import shlex
from dataclasses import dataclass, field

from m31a.program.chrome import context_share, short
from m31a.program.effects import (
    AddBlock,
    ChangeSettings,
    CopyText,
    Effect,
    InterruptRun,
    Queue,
    ResumeRun,
    SendCommand,
    StartDemo,
    StartRun,
    Toast,
)
from m31a.program.scene import Command, Scene
from m31a.program.screen import Nav, Push
from m31a.story.blocks import Notice, Said
from m31a.widgets.row_text import one_row
from m31a.widgets.task_rows import TaskRow, task_rows
from m31a_engine import (
    CancelTask,
    Consolidate,
    Continue,
    HealTask,
    Mode,
    Options,
    Pause,
    SkipTask,
    Steer,
    suggestion,
)

MODES = tuple(mode.value for mode in Mode)

BUILT_IN: tuple[Command, ...] = (
    Command("goal", "work on a goal", takes="GOAL"),
    Command("workflow", "work on a goal through all six phases", takes="GOAL"),
    Command("agent-mode", "how much ceremony the next goal gets", takes="MODE", choices=MODES),
    Command("mode", "the same as /agent-mode", takes="MODE", choices=MODES),
    Command("resume", "go on with a session; without an id choose one", takes="[ID]"),
    Command("demo", "a small project and a recorded model: no key, no network"),
    Command("stop", "stop the run; what is done is kept"),
    Command("pause", "start no further task"),
    Command("continue", "start tasks again"),
    Command("skip", "never start a task", takes="ID"),
    Command("cancel", "stop a task", takes="ID"),
    Command("heal", "work on a task again that has ended", takes="ID"),
    Command("tell", "tell the model something while it works", takes="TEXT"),
    Command("undo", "take the last rollback back"),
    Command("queue", "the goals that wait; `clear` drops them", choices=("clear",)),
    Command("cost", "tokens, money and context so far"),
    Command("copy", "copy the last answer to the clipboard"),
    Command("compress", "replace older messages of the run by a summary"),
    Command("model", "the model of the next run", takes="ID"),
    Command("theme", "how it looks", takes="NAME"),
    Command("mouse", "take the mouse, or leave it to the terminal"),
)


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What a command line asks for."""

    effects: tuple[Effect, ...] = ()
    nav: Nav | None = None
    refused: bool = field(default=False)
    """The line stays, to be mended."""


def obey(line: str, scene: Scene) -> Obeyed:
    """What `/name argument` does. A name that is none gets the nearest one suggested."""
    name, _, argument = line.removeprefix("/").partition(" ")
    argument = argument.strip()
    known = {command.name: command for command in scene.commands}
    command = known.get(name)
    if command is None:
        return _refused(f"there is no /{name}{suggestion(name, tuple(known))}")
    if command.screen:
        return Obeyed(nav=Push(command.screen, argument or None))
    return _built_in(name, argument, scene)


def _built_in(name: str, argument: str, scene: Scene) -> Obeyed:
    match name:
        case "goal" | "workflow":
            mode = Mode.FULL if name == "workflow" else scene.settings.mode
            if not argument:
                return Obeyed(nav=Push("goal", mode))
            return Obeyed(goal_effects(argument, scene, mode))
        case "mode" | "agent-mode":
            if argument not in MODES:
                return _refused(f"a mode is one of {', '.join(MODES)}{suggestion(argument, MODES)}")
            return Obeyed((ChangeSettings(mode=argument), Toast(f"mode {argument}", "ok")))
        case "resume":
            if not argument:
                return Obeyed(nav=Push("sessions"))
            return Obeyed((ResumeRun(argument),))
        case "undo":
            return Obeyed(nav=Push("rollback", name))
        case "demo":
            return Obeyed((StartDemo(),))
        case "pause" | "continue" | "skip" | "cancel" | "heal" | "tell" | "stop" | "compress":
            return _steered(name, argument, scene)
        case "queue":
            return _queue(argument, scene)
        case "cost":
            return Obeyed((AddBlock(Notice(cost_text(scene))),))
        case "copy":
            return _copied(scene)
        case _:
            return _looks(name, argument, scene)


def _looks(name: str, argument: str, scene: Scene) -> Obeyed:
    match name:
        case "model":
            if not argument:
                return Obeyed(nav=Push("models"))
            return Obeyed((ChangeSettings(model=argument), Toast(f"model {argument}", "ok")))
        case "theme" if not argument:
            return Obeyed(nav=Push("settings", "ui.theme"))
        case "theme":
            names = ("auto", *scene.themes)
            if argument not in names:
                return _refused(
                    f"a theme is one of {', '.join(names)}{suggestion(argument, names)}"
                )
            return Obeyed((ChangeSettings(theme=argument),))
        case "mouse":
            wanted = not scene.settings.mouse
            said = "the mouse scrolls and clicks here now" if wanted else "the mouse selects text"
            return Obeyed((ChangeSettings(mouse=wanted), Toast(said)))
        case _:
            return _refused(f"/{name} is not built")


def goal_effects(goal: str, scene: Scene, mode: Mode) -> tuple[Effect, ...]:
    """Begin a goal, or let it wait for the run in progress to end."""
    if scene.story.running:
        return (Queue((*scene.queue, goal)), Toast("queued: it begins when this run has ended"))
    return (StartRun(goal, Options(mode=mode)),)


def _steered(name: str, argument: str, scene: Scene) -> Obeyed:
    if not scene.story.running:
        return _refused("nothing is running")
    match name:
        case "stop":
            return Obeyed((InterruptRun(),))
        case "pause":
            return Obeyed((SendCommand(Pause()), Toast("paused: no further task starts")))
        case "continue":
            return Obeyed((SendCommand(Continue()), Toast("going on")))
        case "compress":
            said = Toast("older messages become a summary before the next request")
            return Obeyed((SendCommand(Consolidate()), said))
        case "tell" if not argument:
            return _refused("say what it should know: /tell TEXT")
        case "tell":
            told = Toast("told: it is heard with the next request")
            return Obeyed((SendCommand(Steer(text=argument)), told))
        case _ if not argument.isdecimal():
            return _refused(f"say the task's number: /{name} 3")
        case "skip":
            return Obeyed((SendCommand(SkipTask(task_id=int(argument))),))
        case "heal":
            return Obeyed((SendCommand(HealTask(task_id=int(argument))),))
        case _:
            return Obeyed((SendCommand(CancelTask(task_id=int(argument))),))


def _queue(argument: str, scene: Scene) -> Obeyed:
    if argument == "clear":
        return Obeyed((Queue(()), Toast("nothing waits any more")))
    if not scene.queue:
        return Obeyed((Toast("nothing waits"),))
    text = "; ".join(f"{number}. {goal}" for number, goal in enumerate(scene.queue, 1))
    return Obeyed((AddBlock(Notice(f"waiting: {text}")),))


def _copied(scene: Scene) -> Obeyed:
    said = (block.text for block in reversed(scene.story.blocks) if isinstance(block, Said))
    text = next((text for text in said if text.strip()), "")
    return Obeyed((CopyText(text),)) if text else _refused("there is no answer to copy yet")


def cost_text(scene: Scene) -> str:
    """What was spent so far, in a sentence."""
    usage = scene.story.usage
    if not usage.tokens:
        return "nothing was spent yet"
    cost = "an unknown amount" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    share = context_share(scene)
    context = "" if share is None else f"; the context is {share:.0%} full"
    return (
        f"{cost} for {scene.story.requests} requests: {short(usage.input_tokens)} tokens in"
        f" ({short(usage.cached_tokens)} from the cache), {short(usage.output_tokens)} out{context}"
    )


def completions(line: str, scene: Scene) -> tuple[tuple[str, str], ...]:
    """What the beginning of a command line may become, with what it does."""
    name, blank, argument = line.removeprefix("/").partition(" ")
    if not blank:
        return tuple((f"/{each.name}", _shown(each)) for each in scene.commands)
    command = next((each for each in scene.commands if each.name == name), None)
    if command is None or " " in argument:
        return ()
    if name in {"skip", "cancel", "heal"}:
        rows = (row for row in task_rows(scene.story) if _can(name, row))
        return tuple((f"/{name} {row.task_id}", one_row(row.title)) for row in rows)
    choices = ("auto", *scene.themes) if name == "theme" else command.choices
    return tuple((f"/{name} {choice}", "") for choice in choices)


def _can(name: str, row: TaskRow) -> bool:
    """Whether a task is in the state in which the command means something."""
    match name:
        case "skip":
            return row.mark is None
        case "cancel":
            return row.mark is not None and not row.ended
        case _:
            return row.ended


def _shown(command: Command) -> str:
    return f"{command.takes}  {command.says}" if command.takes else command.says


def _refused(text: str) -> Obeyed:
    return Obeyed((Toast(text, "warn"),), refused=True)


def quoted(path: str) -> str:
    """A path as it stands behind `@`."""
    return shlex.quote(path) if " " in path else path

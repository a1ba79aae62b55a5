"""What a command printed and how it ended, in words for the model."""

from m31a_tools.background import RunningCommand
from m31a_tools.path_names import PathNames
from m31a_tools.process import ProcessResult
from m31a_tools.sanitise import sanitise
from m31a_tools.workspace import Workspace


def printed(output: str, workspace: Workspace) -> str:
    """The output without terminal tricks and with the paths that the model knows."""
    names = PathNames(root=workspace.root, shown_as=workspace.shown_as)
    return names.shown(sanitise(_without_progress(output)))


def with_notes(text: str, notes: list[str]) -> str:
    """The text and what is to be said about it, each note in brackets on a line of its own."""
    body = text.rstrip("\n")
    lines = [*([body] if body else []), *(f"[{note}]" for note in notes)]
    return "\n".join(lines) or "[no output]"


def ending(result: ProcessResult, timeout_s: float) -> list[str]:
    """What is to be said about the end of a command; nothing when all went well."""
    notes: list[str] = []
    if result.timed_out:
        notes.append(f"stopped after {timeout_s:g} s, its time limit")
    elif result.exit_code != 0:
        notes.append(f"exit code {result.exit_code}")
    if result.stopped and not result.timed_out:
        notes.append(f"background processes it left were stopped: {result.stopped}")
    return notes


def state(running: RunningCommand) -> str:
    """What a command in the background does now, or how it ended."""
    after = f"after {running.elapsed_s:.0f} s"
    if not running.ended.is_set():
        return f"{running.id} has been running for {running.elapsed_s:.0f} s"
    if running.failure is not None:
        return f"{running.id} ended: {running.failure}"
    if running.result is None or running.stopped:
        return f"{running.id} was stopped {after}"
    if running.result.timed_out:
        return f"{running.id} was stopped {after}, its time limit"
    return f"{running.id} ended {after}: exit code {running.result.exit_code}"


def fresh_output(running: RunningCommand, workspace: Workspace) -> tuple[str, list[str]]:
    """What it printed since this was last asked, and where all of it is when that was cut."""
    output, truncated = running.unread()
    spill = running.command.spill
    kept = truncated and spill is not None and spill.exists()
    return printed(output, workspace), [f"all of its output: {spill}"] if kept else []


def news(workspace: Workspace) -> list[str]:
    """The commands in the background that have ended since this was last asked."""
    if workspace.background is None:
        return []
    ended = [each for each in workspace.background.known if each.ended.is_set() and not each.told]
    for each in ended:
        each.told = True
    return [f"{state(each)}; BashOutput shows what it printed" for each in ended]


def _without_progress(text: str) -> str:
    """What a terminal would still show of lines that were written over and over."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)

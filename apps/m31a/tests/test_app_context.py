"""What fills the window, and making room in it."""

from collections.abc import Callable, Sequence

from m31a.program.effects import SendCommand
from m31a.screens.context import shares
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    Consolidate,
    Event,
    MessageDone,
    Mode,
    Plain,
    RunStarted,
    TextStreamed,
    ToolEnded,
    ToolStarted,
    Usage,
    UsageChanged,
)

Snapshot = Callable[[Callable[[], Desk], str], None]


def events(used: int, limit: int | None) -> Sequence[Event]:
    talk = "execute-1/task-1"
    return (
        RunStarted(goal="g", project="/p", mode=Mode.FULL, model="m", provider="p"),
        TextStreamed(conversation="plan-0", text="an older conversation " * 500),
        MessageDone(
            conversation="plan-0",
            text="an older conversation " * 500,
            model="m",
            usage=Usage(),
            calls=0,
        ),
        TextStreamed(conversation=talk, text="Reading first. " * 70),
        ToolStarted(
            conversation=talk, call_id="1", tool="FileRead", arguments='{"path":"slugs.py"}'
        ),
        ToolEnded(
            conversation=talk,
            call_id="1",
            tool="FileRead",
            display=Plain(text="x = 1\n" * 3500),
            is_error=False,
        ),
        ToolStarted(conversation=talk, call_id="2", tool="Bash", arguments='{"command":"make"}'),
        ToolEnded(
            conversation=talk,
            call_id="2",
            tool="Bash",
            display=Plain(text="ok\n" * 2000),
            is_error=False,
        ),
        UsageChanged(
            usage=Usage(input_tokens=used, output_tokens=90),
            requests=3,
            context_tokens=used,
            context_limit=limit,
        ),
    )


def full(used: int = 12_000, limit: int | None = 128_000) -> Desk:
    told = events(used, limit)
    desk = Desk("context", scene=sample_scene(told[:-1], goal="g")).tell(told[-1])
    desk.effects.clear()
    return desk


def test_a_window_with_files_in_it(snapshot: Snapshot) -> None:
    snapshot(full, "context/filled")


def test_a_window_that_is_nearly_full(snapshot: Snapshot) -> None:
    snapshot(lambda: full(31_000, 32_000), "context/nearly_full")


def test_before_the_first_request(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("context"), "context/empty")


def test_the_parts_add_up_to_what_the_server_counted() -> None:
    for used in (1_000, 12_000, 90_000):
        parts = shares(full(used).app.scene.story)

        assert sum(part.tokens for part in parts) == used
        assert min(part.tokens for part in parts) >= 0


def test_only_the_newest_conversation_counts() -> None:
    parts = {part.name: part.tokens for part in shares(full().app.scene.story)}

    assert parts["files read"] == 6000
    assert parts["answers"] == 300


def test_compressing_asks_the_run_for_it() -> None:
    assert SendCommand(Consolidate()) in full().press("c").effects


def test_without_a_run_there_is_nothing_to_compress() -> None:
    desk = Desk("context")
    desk.effects.clear()

    assert not any(isinstance(each, SendCommand) for each in desk.press("c").effects)


def test_slash_compress_does_the_same() -> None:
    desk = Desk("repl", scene=sample_scene(events(9, 10), goal="g"))

    desk.type("/compress").press("enter")

    assert SendCommand(Consolidate()) in desk.effects

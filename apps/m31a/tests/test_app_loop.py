"""The loop on both event loops: keys and runs in, frames out, with no real terminal."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from m31a import catalogue
from m31a.draw.frame import Frame, Size
from m31a.program.app import App, Asked, Stage
from m31a.program.effects import (
    Alert,
    ApproveRun,
    AsyncWork,
    CopyText,
    LongWork,
    StartDemo,
)
from m31a.program.loop import Loop
from m31a.program.messages import Message
from m31a.program.performer import Performer
from m31a.program.scene import Settings
from m31a.program.services import Services
from m31a.screens.bisect import Searched, Tried
from m31a.terminal.events import Focus, InputEvent, Key, Mouse, Paste, Reply
from m31a.terminal.probe import Capabilities
from m31a.testing import sample_scene
from m31a_engine import (
    AskOpened,
    BisectResult,
    Config,
    ConfigError,
    Engine,
    Grant,
    NothingToResume,
    Options,
    PermissionAnswer,
    PermissionAsk,
    PermissionRequest,
    PlanAnswer,
    PlanChoice,
    QuestionsAnswer,
    Refused,
    Risk,
    Run,
    Shelf,
)
from m31a_engine.desk.bisecting import Judged
from m31a_engine.testing import ScriptedRun, sample_run

pytestmark = pytest.mark.anyio


class Glass:
    """A terminal of values: what was shown and sent can be looked at, keys can be pressed."""

    def __init__(self) -> None:
        self._typed: list[tuple[InputEvent, ...]] = []
        self._pressed = anyio.Event()
        self._closed = False
        self.frames: list[Frame] = []
        self.sent: list[str] = []
        self.known = Capabilities()
        self.themes: list[str] = []
        self.mice: list[bool] = []
        self.away = 0
        self.now = Size(80, 24)
        self._painted = anyio.Event()
        self.busy = False

    def press(self, *events: InputEvent) -> None:
        self._typed.append(events)
        self._pressed.set()

    def type(self, text: str) -> None:
        self.press(*(Key("space" if letter == " " else letter, letter) for letter in text))

    def close(self) -> None:
        self._closed = True
        self._pressed.set()

    async def events(self) -> AsyncIterator[tuple[InputEvent, ...]]:
        while not self._closed:
            while self._typed:
                yield self._typed.pop(0)
            await self._pressed.wait()
            self._pressed = anyio.Event()

    def size(self) -> Size:
        return self.now

    def show(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._painted.set()

    def send(self, text: str) -> None:
        self.sent.append(text)

    def redraw(self) -> None:
        self.sent.append("redraw")

    def adapt(self, known: Capabilities) -> None:
        self.known = known

    def theme(self, name: str) -> None:
        self.themes.append(name)

    def mouse(self, wanted: bool) -> None:
        self.mice.append(wanted)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        self.away += 1
        yield

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.frames[-1].lines)

    async def until(self, seen: str) -> None:
        with anyio.fail_after(10):
            while not self.frames or seen not in self.text:
                self._painted = anyio.Event()
                await self._painted.wait()


class Scripted:
    """Runs that play scripts."""

    def __init__(self, *runs: ScriptedRun) -> None:
        self.runs = list(runs)
        self.goals: list[str] = []

    @asynccontextmanager
    async def start(self, goal: str, options: Options, settings: Settings) -> AsyncGenerator[Run]:
        self.goals.append(goal)
        yield self.runs.pop(0)

    @asynccontextmanager
    async def resume(self, session_id: str | None, settings: Settings) -> AsyncGenerator[Run]:
        if not self.runs:
            raise NothingToResume("no session can go on", remedy="start one")
        yield self.runs.pop(0)

    @asynccontextmanager
    async def approve(self, session_id: str, settings: Settings) -> AsyncGenerator[Run]:
        self.goals.append(f"approve {session_id}")
        if not self.runs:
            raise NothingToResume(f"session {session_id} waits for nobody's approval")
        yield self.runs.pop(0)

    @asynccontextmanager
    async def demo(self) -> AsyncGenerator[Run]:
        yield self.runs.pop(0)


class Person:
    """The person's programs, without processes."""

    def __init__(self) -> None:
        self.stopped = 0

    async def edit(self, text: str) -> str:
        return f"{text} edited\n"

    async def shell(self, command: str) -> tuple[str, int]:
        return f"ran {command}\x1b[2J\n", 3

    def stop(self) -> None:
        self.stopped += 1


class Table:
    """One app at work."""

    def __init__(self, *runs: ScriptedRun) -> None:
        self.glass = Glass()
        self.runs = Scripted(*runs)
        self.person = Person()
        services = Services(
            project=Path("/nowhere"),
            environ={},
            config=_no_config,
            engine=_no_engine,
            files=lambda: ("slugs.py", "docs/guide.md"),
            sandbox=lambda: "landlock in part",
            sessions=_no_sessions,
        )
        self.performer = Performer(services, self.runs, self.person)
        stage = Stage(catalogue.open_screen, catalogue.screen_for, catalogue.TITLES)
        app = App(Size(80, 24), sample_scene())
        self.loop = Loop(stage, self.glass, self.performer, app, known=Capabilities())
        self.code: int | None = None

    async def run(self, goal: str | None = None) -> None:
        self.code = await self.loop.run("repl", goal)


def _no_config() -> Config:
    raise ConfigError("there is none", remedy="write one")


def _no_engine() -> Engine:
    raise ConfigError("there is none", remedy="write one")


def _no_sessions() -> Shelf:
    raise ConfigError("there is none", remedy="write one")


@asynccontextmanager
async def at_work(*runs: ScriptedRun, goal: str | None = None) -> AsyncGenerator[Table]:
    table = Table(*runs)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(table.run, goal)
            await table.glass.until("❯")
            yield table
            table.loop.leave(0)


async def test_a_whole_run_is_watched_and_answered() -> None:
    run = sample_run()
    async with at_work(run) as table:
        table.glass.type("make it so")
        table.glass.press(Key("enter"))
        await table.glass.until("Are leading zeros to be kept?")
        await table.glass.until("enter answer")
        table.glass.type("no")
        table.glass.press(Key("ctrl+s"))
        await table.glass.until("a approve")
        table.glass.type("a")
        await table.glass.until("■ shipped")

    questions, plan = run.answers
    assert isinstance(questions, QuestionsAnswer)
    assert questions.answers == ("no", "no")
    assert isinstance(plan, PlanAnswer)
    assert (plan.choice, plan.by_person) == (PlanChoice.ACCEPT, True)
    assert table.runs.goals == ["make it so"]


async def test_a_goal_given_at_the_start_begins_at_once_and_escape_stops_it() -> None:
    run = sample_run()
    async with at_work(run, goal="make it so") as table:
        await table.glass.until("Are leading zeros")
        await table.glass.until("enter answer")
        table.glass.press(Key("escape"))
        await table.glass.until("leading zeros")
        table.glass.press(Key("ctrl+c"))
        await table.glass.until("■ interrupted")

    assert run.interrupted


async def test_ctrl_c_twice_leaves_and_the_run_is_put_in_order() -> None:
    run = sample_run()
    table = Table(run)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(table.run, "make it so")
            await table.glass.until("leading zeros")
            table.glass.press(Key("ctrl+c"), Key("ctrl+c"))

    assert table.code == 130
    assert run.interrupted
    assert not table.loop.app.scene.story.running


async def test_a_goal_typed_meanwhile_waits_its_turn() -> None:
    async with at_work(sample_run(), ScriptedRun([]), goal="first") as table:
        await table.glass.until("leading zeros")
        await table.glass.until("enter answer")
        table.glass.press(Key("ctrl+s"))
        await table.glass.until("a approve")
        table.glass.type("n")
        await table.glass.until("■ shipped")
        table.glass.type("second")
        table.glass.press(Key("enter"))
        await table.glass.until("■ stopped")

    assert table.runs.goals == ["first", "second"]


async def test_what_cannot_be_resumed_is_said_with_its_remedy() -> None:
    async with at_work() as table:
        table.glass.type("/resume abc")
        table.glass.press(Key("enter"))
        await table.glass.until("no session can go on")
        await table.glass.until("start one")


async def test_shell_editor_and_suspend_are_the_persons_own() -> None:
    async with at_work() as table:
        table.glass.type("!ls")
        table.glass.press(Key("enter"))
        await table.glass.until("ran ls")
        await table.glass.until("exit 3")
        table.glass.type("draft")
        table.glass.press(Key("ctrl+g"))
        await table.glass.until("❯ draft edited")
        table.glass.press(Key("ctrl+z"))
        table.glass.type("!")
        await table.glass.until("edited!")

    assert (table.person.stopped, table.glass.away) == (1, 2)
    assert all("\x1b" not in line.text for frame in table.glass.frames for line in frame.lines)


async def test_files_are_offered_behind_an_at_sign() -> None:
    async with at_work() as table:
        table.glass.type("see @gui")
        await table.glass.until("▸ docs/guide.md")
        table.glass.press(Key("tab"))
        await table.glass.until("❯ see @docs/guide.md")


async def test_the_terminals_answers_are_learned_and_never_typed() -> None:
    async with at_work() as table:
        table.glass.press(Reply("\x1b[?2026;0$y"), Reply("\x1b[?2004;2$y"), Reply("\x1b[?64c"))
        table.glass.press(Reply("\x1b]11;rgb:ffff/ffff/ffff\x07"), Reply("\x1b[?1u"))
        table.glass.type("x")
        await table.glass.until("❯ x")

    known = Capabilities(
        answered=True, kitty_keys=True, sync=False, bracketed=True, dark_ground=False
    )
    assert table.glass.known == known


async def test_looks_are_changed_at_once() -> None:
    async with at_work() as table:
        table.glass.type("/theme light")
        table.glass.press(Key("enter"), Key("alt+m"), Key("ctrl+l"))
        table.glass.type("/agent-mode full")
        table.glass.press(Key("enter"))
        await table.glass.until("ready │ full")

    assert table.glass.themes == ["light"]
    assert table.glass.mice == [True]
    assert "redraw" in table.glass.sent


async def test_the_clipboard_is_reached_through_the_terminal() -> None:
    async with at_work() as table:
        await _ask_for(table, CopyText("grüße"))
        await table.glass.until("copied 5 characters")

    assert table.glass.sent == ["\x1b]52;c;Z3LDvMOfZQ==\x1b\\"]


async def test_an_alert_rings_only_where_nobody_looks() -> None:
    async with at_work() as table:
        table.glass.press(Focus(gained=True), Key("a", "a"))
        await table.glass.until("❯ a")
        await _ask_for(table, Alert("look here"))
        table.glass.press(Focus(gained=False), Key("b", "b"))
        await table.glass.until("❯ ab")
        await _ask_for(table, Alert("look\x1b]0;x\x07 here"))

    assert table.glass.sent == ["\x07\x1b]9;look here\x1b\\"]


async def _ask_for(table: Table, effect: CopyText | Alert | StartDemo | ApproveRun) -> None:
    table.performer.perform(Asked(effect, 1), table.glass, table.loop.app.scene)
    await anyio.lowlevel.checkpoint()


async def test_a_second_run_is_refused_while_one_is_in_progress() -> None:
    async with at_work(sample_run(), goal="first") as table:
        await table.glass.until("leading zeros")
        await _ask_for(table, StartDemo())
        await table.glass.until("a run is in progress")


async def test_the_mouse_scrolls_and_pastes_are_put_in() -> None:
    async with at_work() as table:
        table.glass.press(Mouse("wheel_up", 3, 3), Paste("two\nlines"))
        await table.glass.until("two")
        table.glass.press(Paste("lost", complete=False))
        await table.glass.until("the end of the paste was not marked")


async def test_a_closed_window_ends_the_app() -> None:
    table = Table()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(table.run)
            await table.glass.until("❯")
            table.glass.close()

    assert table.code == 129


async def test_another_size_is_drawn() -> None:
    async with at_work() as table:
        table.glass.now = Size(50, 14)
        table.loop.resized()
        with anyio.fail_after(5):
            while table.glass.frames[-1].size != Size(50, 14):
                await anyio.lowlevel.checkpoint()


async def test_an_idle_app_paints_nothing() -> None:
    async with at_work() as table:
        table.glass.type("x")
        await table.glass.until("❯ x")
        with anyio.fail_after(5):
            while not (table.loop.app.scene.files and table.loop.app.scene.settings.sandbox):
                await anyio.lowlevel.checkpoint()
        table.glass.type("y")  # painted at once, with all the news that waited for its frame
        await table.glass.until("❯ xy")
        await table.glass.until("sandbox landlock in part")
        for _ in range(200):
            await anyio.lowlevel.checkpoint()
        before = len(table.glass.frames)
        for _ in range(1000):
            await anyio.lowlevel.checkpoint()

        assert len(table.glass.frames) == before


async def test_a_permission_is_answered_by_one_key_once_it_is_unlocked() -> None:
    request = PermissionRequest(tool="Bash", summary="ls", detail="ls -la /", risk=Risk.DANGEROUS)
    run = ScriptedRun([AskOpened(ask=PermissionAsk(ask_id="p-1", request=request), timeout_s=60)])
    async with at_work(run, goal="look") as table:
        await table.glass.until("keys unlock in a moment")
        table.glass.type("y")
        await table.glass.until("❯ y")
        await table.glass.until("it is put off")
        table.glass.type("y")
        await table.glass.until("■ stopped")

    assert run.answers == [PermissionAnswer(ask_id="p-1", grant=Grant.ONCE)]


async def test_a_waiting_session_is_approved_and_goes_on() -> None:
    async with at_work(ScriptedRun([])) as table:
        await _ask_for(table, ApproveRun("20261121-9f3a"))
        await table.glass.until("■ stopped")
        await _ask_for(table, ApproveRun("20261121-9f3a"))
        await table.glass.until("waits for nobody's approval")

    assert table.runs.goals == ["approve 20261121-9f3a"] * 2


async def test_long_work_tells_its_screen_how_it_goes_and_ends_when_that_is_left() -> None:
    left = anyio.Event()

    async def work(services: Services, tell: Callable[[Message], None]) -> Message:
        tell(Tried(Judged(commit="a" * 40, exit_code=0, elapsed_s=1.0)))
        try:
            await anyio.sleep_forever()
        finally:
            left.set()
        raise AssertionError("it never ends by itself")

    async with at_work() as table:
        table.glass.type("/bisect")
        table.glass.press(Key("enter"))
        await table.glass.until("what fails")
        table.glass.type("false")
        table.glass.press(Key("tab"))
        table.glass.type("v1")
        await table.glass.until("v1")
        slot = table.loop.app.stack[-1].number
        table.performer.perform(Asked(LongWork(work), slot), table.glass, table.loop.app.scene)
        await anyio.wait_all_tasks_blocked()
        assert not left.is_set()
        table.glass.press(Key("escape"))
        with anyio.fail_after(5):
            await left.wait()


async def test_long_work_that_fails_or_is_done_is_told_to_its_screen() -> None:
    async def fails(services: Services, tell: Callable[[Message], None]) -> Message:
        raise Refused("there is no commit v1")

    async def ends(services: Services, tell: Callable[[Message], None]) -> Message:
        tell(Tried(Judged(commit="abc" * 13, exit_code=0, elapsed_s=1.0)))
        return Searched(BisectResult(first_bad="f" * 40, steps=1, log=(), inconclusive=None))

    async with at_work() as table:
        table.glass.type("/bisect")
        table.glass.press(Key("enter"))
        await table.glass.until("what fails")
        slot = table.loop.app.stack[-1].number
        for work, seen in ((ends, "✓ abcabcabca"), (fails, "there is no commit v1")):
            asked = Asked(LongWork(work), slot)
            table.performer.perform(asked, table.glass, table.loop.app.scene)
            await table.glass.until(seen)


async def test_the_footer_says_what_confines_commands_as_soon_as_it_is_known() -> None:
    async with at_work() as table:
        table.glass.now = Size(140, 24)
        table.loop.resized()
        await table.glass.until("sandbox landlock in part")


async def test_what_goes_on_beside_a_run_is_known_until_it_is_done() -> None:
    async def waits(services: Services) -> Message:
        begun.set()
        await go_on.wait()
        return Searched(BisectResult(first_bad=None, steps=0, inconclusive="no try", log=()))

    begun, go_on = anyio.Event(), anyio.Event()
    async with at_work() as table:
        with anyio.fail_after(10):
            while table.loop.app.scene.busy:
                await anyio.lowlevel.checkpoint()
            slot = table.loop.app.stack[-1].number
            asked = Asked(AsyncWork(waits), slot)
            table.performer.perform(asked, table.glass, table.loop.app.scene)
            await begun.wait()
            while not table.loop.app.scene.busy:
                await anyio.lowlevel.checkpoint()
            go_on.set()
            while table.loop.app.scene.busy:
                await anyio.lowlevel.checkpoint()

"""Whatever is pressed, in whatever size: these screens stand, and keep inside their area."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a.desks import KeyStored, Nearby, Sign
from m31a.draw.frame import Size
from m31a.first_run.work import Looked as KeysLooked
from m31a.first_run.work import NearbyFound, ProviderKept
from m31a.goal_choices import Found as GoalFound
from m31a.goal_choices import Standing
from m31a.program.keymap import clashes
from m31a.program.messages import Message, WorkFailed
from m31a.project_reading import ProjectFile, ProjectReading
from m31a.provider_list import Answered, ProviderRow
from m31a.provider_list import Found as ProvidersFound
from m31a.screens.doctor import Looked as DoctorLooked
from m31a.screens.keys import Found as KeysFound
from m31a.screens.keys import KeyRow
from m31a.screens.models import Offered
from m31a.screens.repl import Remembered
from m31a.screens.trust import Looked as TrustLooked
from m31a.setting_rows import Loaded, Row
from m31a.testing import SIZES, Desk, sample_scene
from m31a_engine import Catalogue, ModelInfo
from m31a_engine.desk.doctor import Fact
from m31a_engine.project.facts import CheckCommand
from m31a_engine.sample import sample_events

NASTY = "日本語 👩‍👩‍👧 e\u0301 \x1b[31m \u202e \x00 \x9b2J"
MODELS = (ModelInfo(id=NASTY, price_in=1e-6, price_out=0.0), ModelInfo(id="plain"))
CATALOGUE = Catalogue(provider=NASTY, models=MODELS, fetched_at_s=0.0, trouble=NASTY)
READING = ProjectReading(
    files=(ProjectFile("AGENTS.md", f"{NASTY}\n" * 3, NASTY),),
    settings=((NASTY, NASTY),),
    refused=(NASTY,),
    checks=(CheckCommand(name=NASTY, command=NASTY, behavioural=True, sure=True),),
    hooks=(NASTY,),
    state=NASTY,
)
TOLD: Mapping[str, tuple[Message, ...]] = {
    "welcome": (
        KeysLooked(("zen",)),
        NearbyFound((Nearby("ollama", f"http://{NASTY}", MODELS),)),
        ProviderKept(),
        KeyStored(NASTY),
    ),
    "trust": (TrustLooked(READING, trusted=False), TrustLooked(READING, trusted=True)),
    "goal": (GoalFound(Standing(budget=NASTY, dirty=(NASTY,), trouble=NASTY)),),
    "models": (Offered(CATALOGUE),),
    "providers": (
        ProvidersFound((ProviderRow(NASTY, NASTY, NASTY, has_key=True),), NASTY, (NASTY,), True),
        Answered(Sign(NASTY, "slow", 1.5, NASTY)),
    ),
    "keys": (KeysFound((KeyRow(NASTY, NASTY, found=True), KeyRow("b", "c", found=False))),),
    "settings": (Loaded((Row("model.default", NASTY, NASTY), Row("ui.theme", "auto", "default"))),),
    "doctor": (DoctorLooked((Fact(name=NASTY, text=NASTY, missing=NASTY),), (NASTY,)),),
    "context": (),
    "confirm_quit": (),
}
HOME: Message = Remembered((NASTY, f"two\n{NASTY}", "plain"))
MORE = ("alt+s", "ctrl+o", "ctrl+end", "ctrl+up", "alt+enter", "ctrl+n", "alt+up", "ctrl+p")
each_screen = pytest.mark.parametrize("name", TOLD)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202e]")
CHORDS = (
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "space", "backspace"),
    *("pageup", "pagedown", "home", "end", "delete", "ctrl+r", "ctrl+u", "ctrl+w", "ctrl+y", "f1"),
    *"abcdfhjklmnoqrstxyTGg+-?/1é語",
)
steps = st.one_of(
    st.sampled_from(CHORDS).map(lambda chord: lambda desk: desk.press(chord)),
    st.just(lambda desk: desk.paste(NASTY)),
    st.just(lambda desk: desk.send(WorkFailed(NASTY, NASTY))),
    st.just(lambda desk: desk.wait(0.5)),
    st.integers(0, 3).map(lambda place: place),
)


def opened(name: str, size: Size = SIZES[1]) -> Desk:
    scene = sample_scene(tuple(sample_events())[:30], goal=NASTY)
    return Desk(name, scene=scene, size=size)


@each_screen
@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(steps, max_size=20),
    size=st.tuples(st.integers(8, 120), st.integers(2, 40)),
)
def test_no_key_breaks_a_screen(
    name: str, moves: list[Callable[[Desk], Desk] | int], size: tuple[int, int]
) -> None:
    desk = opened(name, Size(*size))
    told = TOLD[name]
    for move in (0, *moves):
        if isinstance(move, int):
            if told and desk.top.id == name:
                desk.send(told[move % len(told)])
        else:
            move(desk)

        lines = desk.frame.lines
        assert max(line.width for line in lines) <= size[0]
        assert len(lines) == size[1]
        assert not any(
            ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for line in lines for letter in line.text
        )


@settings(max_examples=20, deadline=None)
@given(
    moves=st.lists(st.one_of(steps, st.sampled_from(MORE)), max_size=25),
    size=st.tuples(st.integers(8, 120), st.integers(2, 40)),
    inline=st.booleans(),
)
def test_no_key_breaks_the_home_screen(
    moves: list[Callable[[Desk], Desk] | int | str], size: tuple[int, int], inline: bool
) -> None:
    desk = opened("repl", Size(*size)).send(HOME)
    scene = desk.app.scene
    own = replace(scene, settings=replace(scene.settings, inline=inline))
    desk.app = replace(desk.app, scene=own)
    for move in moves:
        match move:
            case str() as chord:
                desk.press(chord)
            case int() as row:
                desk.mouse("press", 3, row * 5)
            case _:
                move(desk)

        frame = desk.frame
        told = frame.above.rows(0, frame.above.count) if frame.above is not None else ()
        assert max(line.width for line in (*frame.lines, *told)) <= size[0]
        assert len(frame.lines) <= size[1]
        assert not any(CONTROL.search(line.text) for line in (*frame.lines, *told))


@each_screen
def test_help_tells_the_keys_of_the_screen(name: str) -> None:
    desk = opened(name).wait(0.5)
    for message in TOLD[name][:1]:
        desk.send(message)
    table = desk.top.keys()
    first = next(binding for binding in table if binding.hint)

    assert first.says in desk.press("f1").text


@each_screen
def test_no_key_means_two_things(name: str) -> None:
    desk = opened(name).wait(0.5)
    for message in TOLD[name]:
        desk.send(message)

    assert list(clashes([desk.top.keys()])) == []


@each_screen
def test_it_is_in_the_palette(name: str) -> None:
    desk = Desk("palette")
    screens = {command.screen for command in desk.app.scene.commands}

    assert name in screens

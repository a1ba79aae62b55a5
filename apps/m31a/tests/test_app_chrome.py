"""Header and key hints: what is left out when there is little room, and what never is."""

from dataclasses import replace

import pytest

from m31a.draw.frame import Size
from m31a.program.chrome import hints
from m31a.program.keymap import GLOBAL, KeyTable, bind
from m31a.program.scene import Busy
from m31a.testing import Desk, sample_scene
from m31a_engine import Phase, PhaseEnded
from m31a_engine.sample import sample_events

TABLE: KeyTable = (
    bind("a.one", "x", "do the first thing", hint=True),
    bind("a.two", "z", "do the second thing", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (100, " x do the first thing · z do the second thing · esc back · ctrl+p all commands"),
        (50, " x do the first thing · esc back"),
        (32, " x do the first thing · esc back"),
        (28, " x do the first … · esc back"),
        (12, " esc back"),
    ],
)
def test_the_way_out_is_told_before_anything_else(cells: int, told: str) -> None:
    assert told == hints((TABLE, GLOBAL), cells).text.rstrip()


def test_a_way_out_that_the_screen_does_not_name_is_told_too() -> None:
    assert "esc back" in hints((TABLE[:2], GLOBAL), 60).text


def test_a_key_that_means_something_else_here_is_not_told() -> None:
    own = (bind("pick.up", "ctrl+p", "up"), *TABLE)
    assert "all commands" not in hints((own, GLOBAL), 200).text


def test_a_narrow_header_says_how_a_run_ended_or_that_it_begins() -> None:
    begun = PhaseEnded(phase=Phase.INITIALIZE, next=Phase.PLAN, elapsed_s=1.0)
    for events, word in ((sample_events(), "shipped"), ((begun,), "starting")):
        desk = Desk("doctor", scene=sample_scene(events, goal="g"), size=Size(40, 12))
        assert desk.text.split("\n")[0].endswith(f" {word}")


def test_a_long_title_keeps_its_distance_from_the_phase() -> None:
    desk = Desk("notifications", scene=sample_scene(sample_events()), size=Size(40, 12))
    assert desk.text.split("\n")[0].endswith("… shipped")


def test_work_that_takes_longer_than_a_second_is_told_with_its_time() -> None:
    desk = Desk("models")
    scene = replace(desk.app.scene, busy=(Busy(1, 0.0), Busy(2, 3.0)))
    scene = replace(scene, settings=replace(scene.settings, motion=True))
    desk.app = replace(desk.app, scene=scene)
    assert "working" not in desk.wait(0.9).text
    assert "ready │ working 4 s │" in desk.wait(3.2).text
    quiet = replace(desk.app.scene, settings=replace(scene.settings, motion=False))
    desk.app = replace(desk.app, scene=quiet)
    assert "ready │ working │" in desk.text

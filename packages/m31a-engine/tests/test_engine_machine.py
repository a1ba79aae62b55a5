from itertools import product

import pytest

from m31a_engine.errors import BadTransition
from m31a_engine.machine import TRANSITIONS, Mode, Phase, advance, path_of

EDGES = {
    "idle": {"initialize"},
    "initialize": {"discuss", "execute", "idle"},
    "discuss": {"plan", "execute", "idle"},
    "plan": {"execute", "plan", "discuss", "idle"},
    "execute": {"verify", "ship", "idle"},
    "verify": {"ship", "execute", "idle"},
    "ship": {"idle"},
}


@pytest.mark.parametrize(("origin", "target"), list(product(Phase, Phase)))
def test_a_transition_is_allowed_exactly_when_it_is_an_edge(origin: Phase, target: Phase) -> None:
    if target.value in EDGES[origin.value]:
        assert advance(origin, target) is target
    else:
        with pytest.raises(BadTransition) as caught:
            advance(origin, target)
        assert (caught.value.origin, caught.value.target) == (origin, target)


@pytest.mark.parametrize("mode", [Mode.FULL, Mode.FAST, Mode.DIRECT])
def test_the_path_of_a_mode_follows_edges_from_idle_to_idle(mode: Mode) -> None:
    phase = Phase.IDLE
    for target in (*path_of(mode), Phase.IDLE):
        phase = advance(phase, target)
    assert phase is Phase.IDLE


def test_full_has_all_six_phases_fast_skips_plan_and_direct_has_three() -> None:
    assert [phase for phase in Phase if phase is not Phase.IDLE] == list(path_of(Mode.FULL))
    assert [phase for phase in path_of(Mode.FULL) if phase is not Phase.PLAN] == list(
        path_of(Mode.FAST)
    )
    assert path_of(Mode.DIRECT) == (Phase.INITIALIZE, Phase.EXECUTE, Phase.SHIP)


def test_auto_is_a_choice_and_has_no_path() -> None:
    with pytest.raises(ValueError, match="classify the goal"):
        path_of(Mode.AUTO)


def test_every_phase_can_be_left() -> None:
    assert all(TRANSITIONS[phase] for phase in Phase)

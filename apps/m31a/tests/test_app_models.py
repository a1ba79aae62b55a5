"""The model selector: finding, comparing, choosing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.program.effects import AsyncWork, ChangeSettings, SendCommand
from m31a.program.messages import WorkFailed
from m31a.rehearsal import services_of, settle
from m31a.screens.models import Offered
from m31a.testing import Desk, sample_scene
from m31a.widgets.model_rows import ForPhase, versus
from m31a_engine import Catalogue, Mode, ModelInfo, RunStarted, SetPhaseModel

Snapshot = Callable[[Callable[[], Desk], str], None]


def model(name: str, price_in: float | None, price_out: float | None, window: int) -> ModelInfo:
    return ModelInfo(
        id=name,
        price_in=None if price_in is None else price_in / 1e6,
        price_out=None if price_out is None else price_out / 1e6,
        context_tokens=window,
        supports_tools=True,
    )


MODELS = (
    model("coder-large", 3.0, 15.0, 200_000),
    model("sample-model", 0.6, 2.4, 128_000),
    model("lab/coder-latte", 0.2, 0.8, 64_000),
    model("lab/free", 0.0, 0.0, 8_000),
    ModelInfo(id="riddle", supports_tools=False),
    model("vendor-b/coder-with-a-name-that-is-very-long-indeed-2026-11", 2.5, 10.0, 1_000_000),
)
CATALOGUE = Catalogue(provider="sample", models=MODELS, fetched_at_s=0.0, age_s=180.0)
STALE = Catalogue(
    provider="sample", models=MODELS, fetched_at_s=0.0, age_s=260_000.0, trouble="no answer"
)


def offered(argument: object = None) -> Desk:
    desk = Desk("models", argument).send(Offered(CATALOGUE))
    desk.effects.clear()
    return desk


def test_the_list(snapshot: Snapshot) -> None:
    snapshot(offered, "models/all")


def test_letters_narrow_it_down(snapshot: Snapshot) -> None:
    snapshot(lambda: offered().type("cdr").press("tab"), "models/found_by_price")


def test_a_list_that_is_old_says_so(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("models").send(Offered(STALE)), "models/stale")


def test_a_provider_that_never_answered(snapshot: Snapshot) -> None:
    failed = WorkFailed("there is no API key for openrouter", "set one: m31a keys set openrouter")
    snapshot(lambda: Desk("models").send(failed), "models/failed")


def test_while_it_asks() -> None:
    assert "asking the provider" in Desk("models").text


def test_by_price_the_cheapest_that_fits_comes_first() -> None:
    desk = offered().type("coder").press("tab")

    rows = [
        line.split()[0] for line in desk.text.splitlines() if "lab/c" in line or "coder-l" in line
    ]
    assert "lab/coder-latte" in desk.text.split("coder-large")[0]
    assert rows


def test_by_context_the_largest_comes_first() -> None:
    desk = offered().press("tab", "tab")

    assert "▸ vendor-b/coder" in desk.text


def test_enter_keeps_the_model_in_the_persons_file(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = offered().type("latte").press("enter")

    assert ChangeSettings(model="lab/coder-latte") in desk.effects
    settle(desk, services)

    assert desk.top.id == "repl"
    assert services.config().model.default == "lab/coder-latte"


def test_a_phase_of_its_own_is_kept_for_that_phase(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})

    desk = settle(offered().press("space", "space", "space").type("free").press("enter"), services)

    assert services.config().model_for("plan") == "lab/free"
    assert services.config().model_for("execute") == ""
    assert ChangeSettings(model="lab/free") not in desk.effects


def test_an_id_that_is_not_on_the_list_is_used_as_it_is(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = Desk("models").send(WorkFailed("offline", "")).type("my-own")

    assert "enter uses 'my-own' as it is" in desk.text
    settle(desk.press("enter"), services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")}))
    assert services.config().model.default == "my-own"


def test_a_run_in_progress_is_told() -> None:
    started = RunStarted(goal="g", project="/p", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("models", scene=sample_scene((started,), goal="g")).send(Offered(CATALOGUE))

    desk.press("space").type("large").press("enter")

    assert SendCommand(SetPhaseModel(phase="discuss", model="coder-large")) in desk.effects


def test_for_another_screen_the_choice_goes_back_to_it() -> None:
    desk = offered(ForPhase("plan", "coder-large")).type("latte").press("enter")

    assert desk.top.id == "repl"
    assert desk.effects == []


def test_asking_anew_is_one_key() -> None:
    (effect,) = offered().press("ctrl+r").effects

    assert isinstance(effect, AsyncWork)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (MODELS[0], "+436%"),
        (MODELS[1], "now"),
        (MODELS[2], "−67%"),
        (MODELS[3], "−100%"),
        (MODELS[4], "?"),
    ],
)
def test_costs_are_compared_with_the_model_in_use(other: ModelInfo, says: str) -> None:
    assert versus(other, MODELS[1])[0] == says


def test_beside_a_free_model_all_others_are_dearer() -> None:
    assert versus(MODELS[0], MODELS[3])[0] == "dearer"


def test_hostile_names_command_no_terminal() -> None:
    evil = ModelInfo(id="a\x1b]52;c;AAAA\x07b\u202e\x9b2J", name="\x1b[31mred")
    desk = Desk("models").send(
        Offered(Catalogue(provider="\x1b[2J", models=(evil,), fetched_at_s=0.0, trouble="\x9b0m"))
    )

    assert not any(
        ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in desk.text if letter != "\n"
    )
    assert "\u202e" not in desk.text

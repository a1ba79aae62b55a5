"""A goal and its choices, from the first letter to the run that begins."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from m31a.goal_choices import Found, Standing
from m31a.program.effects import ChangeSettings, EditText, Queue, StartRun, Work
from m31a.program.messages import Edited, WorkFailed
from m31a.rehearsal import services_of, settle
from m31a.screens.models import Offered
from m31a.testing import Desk, sample_scene
from m31a_engine import Catalogue, Mode, ModelInfo, Options, RunStarted

Snapshot = Callable[[Callable[[], Desk], str], None]
STANDING = Standing(
    models=MappingProxyType(dict.fromkeys(("discuss", "plan", "execute"), "sample-model")),
    budget="2",
    dirty=("notes.txt", "slugs.py"),
)
GOAL = "Keep digits in slugs.\nNo change to public functions."


def form(argument: object = None, standing: Standing = STANDING) -> Desk:
    desk = Desk("goal", argument).send(Found(standing))
    desk.effects.clear()
    return desk


def test_the_form(snapshot: Snapshot) -> None:
    snapshot(lambda: form(GOAL), "goal/filled")


def test_an_empty_form(snapshot: Snapshot) -> None:
    snapshot(lambda: form(standing=Standing()), "goal/empty")


def test_the_last_field_is_seen_on_a_small_screen(snapshot: Snapshot) -> None:
    snapshot(lambda: form(GOAL).press("shift+tab"), "goal/last_field")


def test_a_choice_that_is_refused(snapshot: Snapshot) -> None:
    refused = WorkFailed("features.budget_limit_usd: expected a number", "")

    def make() -> Desk:
        return form(GOAL).press("tab", "tab", "ctrl+u").type("lots").send(refused)

    snapshot(make, "goal/refused")


def test_enter_starts_from_every_field() -> None:
    for tabs in range(11):
        desk = form("Make it so").press(*["tab"] * tabs, "enter")

        assert desk.effects == [StartRun("Make it so", Options())]
        assert desk.top.id == "repl"


def test_mode_and_uncommitted_work_are_the_runs_own_choices() -> None:
    desk = form("Make it so").press("tab", "right", "tab", "tab", "tab", "space", "enter")

    assert desk.effects == [StartRun("Make it so", Options(mode=Mode.FULL, dirty="commit"))]


def test_an_empty_goal_does_not_start() -> None:
    desk = form().press("tab", "enter")

    assert not any(isinstance(each, StartRun) for each in desk.effects)
    assert desk.top.id == "goal"


def test_a_model_is_chosen_on_the_selector() -> None:
    desk = form("Make it so").press(*["shift+tab"] * 3, "space")
    assert desk.top.id == "models"
    models = (ModelInfo(id="coder-large"), ModelInfo(id="sample-model"))

    desk.send(Offered(Catalogue(provider="p", models=models, fetched_at_s=0.0)))
    desk.type("large").press("enter")

    assert "coder-large  chosen here" in desk.text
    assert "chosen here" not in desk.press("backspace").text


def test_choices_are_kept_before_the_run_begins(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = settle(Desk("goal", "Make it so"), services)

    desk.press("tab", "tab").type("1.5").press("tab", "right", *["tab"] * 5, "space")
    desk.effects.clear()
    desk.type("my-model").send(WorkFailed("offline", "")).press("enter", "enter")
    assert [type(each) for each in desk.effects] == [Work]
    settle(desk, services)

    config = services.config()
    assert config.features.budget_limit_usd == 1.5
    assert config.permissions.mode == "rules"
    assert config.model_for("execute") == "my-model"
    assert ChangeSettings(model="my-model") in desk.effects
    assert StartRun("Make it so", Options()) in desk.effects


def test_a_budget_that_is_no_number_is_not_started_with(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = settle(Desk("goal", "Make it so"), services)

    settle(desk.press("tab", "tab").type("lots").press("enter"), services)

    assert desk.top.id == "goal"
    assert "✗" in desk.text
    assert not any(isinstance(each, StartRun) for each in desk.effects)


def test_while_a_run_works_the_goal_waits() -> None:
    started = RunStarted(goal="g", project="/p", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("goal", "Then this", scene=sample_scene((started,), goal="g"))
    desk.effects.clear()

    assert Queue(("Then this",)) in desk.press("enter").effects


def test_the_editor_gets_the_text_and_gives_it_back() -> None:
    desk = form("Make").press("ctrl+g")

    assert desk.effects == [EditText("Make")]
    assert "Make it so" in desk.send(Edited("Make it so\n")).text


def test_a_pasted_goal_keeps_its_lines_and_a_budget_does_not() -> None:
    desk = form().paste("one\ntwo").press("tab", "tab", "ctrl+u").paste("1\n.5")

    assert "one" in desk.text
    assert "two" in desk.text
    assert "$ 1 .5" in desk.text


def test_up_and_down_leave_the_text_at_its_edges() -> None:
    desk = form("one line").press("down")

    assert "▸ mode" in desk.press("up", "down").text


def test_slash_goal_without_words_opens_the_form_with_its_mode() -> None:
    desk = Desk("repl").type("/workflow ").press("enter")

    assert desk.top.id == "goal"
    assert "‹ full ›" in desk.text


def test_uncommitted_paths_of_a_real_repository_are_counted(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "new.txt").write_text("x")
    environ = {"M31A_HOME": str(tmp_path / ".git" / "home"), "PATH": "/usr/bin:/bin"}

    desk = settle(Desk("goal"), services_of(tmp_path, environ))

    assert "1 uncommitted path: left as they are" in desk.text


def test_a_folder_without_repository_says_so(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}

    assert "  ! " in settle(Desk("goal"), services_of(tmp_path, environ)).text

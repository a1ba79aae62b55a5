"""Settings: found, changed in place, checked, taken back, felt at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.program.effects import ChangeSettings, Toast
from m31a.program.messages import WorkFailed
from m31a.program.services import Services
from m31a.rehearsal import services_of, settle
from m31a.screens.settings import felt
from m31a.setting_rows import Loaded, Row, words_of
from m31a.testing import Desk
from m31a_engine import load_config, shown

Snapshot = Callable[[Callable[[], Desk], str], None]
ROWS = (
    Row("provider.default", "openrouter", "user file"),
    Row("provider.fallback_priority", "openrouter, zen", "default"),
    Row("model.default", "vendor/a-model-with-a-rather-long-name-2026", "environment"),
    Row("features.workflow_mode", "auto", "project file"),
    Row("features.budget_limit_usd", "", "default"),
    Row("permissions.rules", '[{"action": "deny", "tool": "Bash"}]', "user file", editable=False),
    Row("ui.theme", "auto", "default"),
    Row("ui.mouse", "true", "default"),
)


def settings(letters: object = None) -> Desk:
    desk = Desk("settings", letters).send(Loaded(ROWS))
    desk.effects.clear()
    return desk


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})


def test_every_key_with_value_and_source(snapshot: Snapshot) -> None:
    snapshot(settings, "settings/list")


def test_a_theme_is_chosen_among_words(snapshot: Snapshot) -> None:
    snapshot(lambda: settings("ui.theme").press("enter", "right"), "settings/theme")


def test_a_value_that_is_refused_stays_to_be_mended(snapshot: Snapshot) -> None:
    refused = WorkFailed("features.budget_limit_usd: expected a number", "")
    snapshot(
        lambda: settings("budget").press("enter").type("much").send(refused), "settings/refused"
    )


def test_a_file_that_cannot_be_read(snapshot: Snapshot) -> None:
    failed = WorkFailed("config.toml:3: modl: unknown section; did you mean 'model'?", "mend it")
    snapshot(lambda: Desk("settings").send(failed), "settings/failed")


def test_nothing_found_is_said() -> None:
    assert "no key has these letters" in settings("zzzz").text


def test_the_theme_is_seen_while_it_is_chosen_and_taken_back_by_escape() -> None:
    desk = settings("ui.theme").press("enter", "right", "escape")

    assert desk.effects == [ChangeSettings(theme="dark"), ChangeSettings(theme="auto")]


def test_a_value_is_changed_checked_and_reset(services: Services) -> None:
    desk = settle(Desk("settings", "max_turns"), services)

    settle(desk.press("enter", "ctrl+u").type("none").press("enter"), services)
    assert "✗" in desk.text
    assert services.config().features.max_turns == 50

    settle(desk.press("ctrl+u").type("7").press("enter"), services)
    assert services.config().features.max_turns == 7
    assert "user file" in desk.text

    settle(desk.press("ctrl+r"), services)
    assert services.config().features.max_turns == 50


def test_an_emptied_value_is_the_default_again(services: Services) -> None:
    desk = settle(Desk("settings", "max_turns"), services)
    settle(desk.press("enter", "ctrl+u").type("7").press("enter"), services)

    settle(desk.press("enter", "ctrl+u", "enter"), services)

    assert services.config().features.max_turns == 50


def test_words_are_stepped_through_and_kept(services: Services) -> None:
    desk = settle(Desk("settings", "workflow_mode"), services)

    settle(desk.press("enter", "right", "enter"), services)

    assert ChangeSettings(mode="full") in desk.effects
    assert services.config().features.workflow_mode == "full"


def test_a_list_is_typed_with_commas(services: Services) -> None:
    desk = settle(Desk("settings", "fallback_priority"), services)

    settle(desk.press("enter", "ctrl+u").type("zen").press("enter"), services)

    assert services.config().provider.fallback_priority == ("zen",)


def test_rules_are_changed_in_the_file_itself() -> None:
    desk = settings("rules").press("enter")

    assert desk.effects == [Toast("this one is changed in the file itself", "warn")]


def test_slash_theme_without_a_name_leads_here() -> None:
    desk = Desk("repl").type("/theme ").press("enter")

    assert (desk.top.id, desk.top.argument) == ("settings", "ui.theme")


def test_every_key_of_the_configuration_can_be_shown_and_asked_for_words(tmp_path: Path) -> None:
    config = load_config(None, {"M31A_HOME": str(tmp_path)}, {"provider.x.base_url": "http://x/"})

    words = {key: words_of(key, ("dark", "light")) for key in shown(config)}

    assert words["ui.mouse"] == ("true", "false")
    assert words["ui.theme"] == ("auto", "dark", "light")
    assert words["provider.x.kind"] == ("openai", "anthropic")
    assert words["permissions.mode"][0] == "deny_all"
    assert words["model.default"] == ()


@pytest.mark.parametrize(
    ("key", "value", "effects"),
    [
        ("ui.mouse", "true", (ChangeSettings(mouse=True),)),
        ("model.default", "m", (ChangeSettings(model="m"),)),
        ("model.default", "", ()),
        ("ledger.keep", "9", ()),
    ],
)
def test_what_the_app_feels_at_once(
    key: str, value: str, effects: tuple[ChangeSettings, ...]
) -> None:
    assert felt(key, value) == effects


def test_a_key_in_a_file_is_never_shown(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    file = home / "config.toml"
    file.write_text('[provider.x]\nbase_url = "http://x/"\napi_key = "sk-very-secret"\n')
    file.chmod(0o600)

    desk = settle(Desk("settings", "api_key"), services_of(tmp_path, {"M31A_HOME": str(home)}))

    assert "provider.x.api_key" in desk.text
    assert "secret" not in desk.text

"""The first run, step by step, and left half-way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.desks import KeyStored, Nearby, StoreKey
from m31a.first_run.work import (
    Finished,
    Looked,
    ModelKept,
    NearbyFound,
    Offered,
    ProviderKept,
)
from m31a.first_steps import first_screen
from m31a.program.effects import ChangeSettings, StartDemo, Toast, Work
from m31a.program.messages import WorkFailed
from m31a.rehearsal import services_of, settle
from m31a.testing import Desk
from m31a_engine import ModelInfo, load_config
from m31a_providers.testing import ModelServer

Snapshot = Callable[[Callable[[], Desk], str], None]
MODELS = (
    ModelInfo(id="coder-large", price_in=3e-6, price_out=15e-6, context_tokens=200_000),
    ModelInfo(id="small-fast", price_in=2.5e-7, price_out=1.25e-6, context_tokens=128_000),
)
NEAR = Nearby("llama.cpp", "http://127.0.0.1:8080/v1", (ModelInfo(id="qwen", context_tokens=8192),))


def begun(*servers: Nearby, keyed: tuple[str, ...] = ()) -> Desk:
    desk = Desk("welcome").send(Looked(keyed)).send(NearbyFound(servers)).wait(0.5)
    desk.effects.clear()
    return desk


def at_key() -> Desk:
    return begun().press("enter").send(ProviderKept())


def at_model() -> Desk:
    return at_key().press("enter").send(Offered(MODELS))


def at_theme() -> Desk:
    return at_model().send(ModelKept("coder-large"))


def test_a_server_on_this_machine_is_offered_first(snapshot: Snapshot) -> None:
    snapshot(lambda: begun(NEAR, keyed=("zen",)), "welcome/provider")


def test_nothing_is_there_but_the_demo(snapshot: Snapshot) -> None:
    snapshot(begun, "welcome/nothing")


def test_the_key(snapshot: Snapshot) -> None:
    snapshot(lambda: at_key().paste("sk-or-0123456789"), "welcome/key")


def test_no_keychain(snapshot: Snapshot) -> None:
    failed = WorkFailed("there is no keychain here", "put the key into OPENROUTER_API_KEY")
    snapshot(lambda: at_key().send(failed), "welcome/no_keychain")


def test_the_model(snapshot: Snapshot) -> None:
    snapshot(at_model, "welcome/model")


def test_the_theme(snapshot: Snapshot) -> None:
    snapshot(at_theme, "welcome/theme")


def test_a_typed_address(snapshot: Snapshot) -> None:
    snapshot(lambda: begun().press("end", "enter").type("http://box:1"), "welcome/address")


@pytest.mark.parametrize("where", [begun, at_key, at_model, at_theme])
def test_it_can_be_left_at_any_step(where: Callable[[], Desk]) -> None:
    assert where().press("escape").top.id == "repl"


def test_keys_pressed_as_it_opens_are_not_taken_for_choices() -> None:
    desk = Desk("welcome")
    desk.effects.clear()

    desk.press("d")

    assert desk.effects == []
    assert desk.top.id == "welcome"


def test_the_demo_is_one_key_away() -> None:
    desk = begun().press("d")

    assert desk.effects == [StartDemo()]
    assert desk.top.id == "repl"


def test_the_key_is_masked_and_goes_into_the_keychain_alone() -> None:
    desk = at_key()
    desk.effects.clear()
    desk.type("sk-or-0123456789")
    assert "sk-or" not in desk.text

    desk.press("enter")

    assert desk.effects == [Work(StoreKey("openrouter", "sk-or-0123456789"))]
    assert "sk-or" not in repr(desk.effects)
    assert desk.send(KeyStored("openrouter: stored")).effects[1] == Toast(
        "openrouter: stored", "ok"
    )


def test_a_provider_with_a_key_asks_for_none() -> None:
    desk = begun(keyed=("openrouter",)).press("enter").send(ProviderKept())

    assert "▸ 3 model" in desk.text


def test_who_steps_back_comes_to_the_step_before() -> None:
    assert "▸ 2 key" in at_model().press("shift+tab").text
    assert "▸ 1 provider" in at_key().press("shift+tab").text


def test_from_a_server_without_key_one_steps_back_to_the_list() -> None:
    desk = begun(NEAR).press("enter").send(ProviderKept())
    assert "qwen" in desk.text

    assert "▸ 1 provider" in desk.press("shift+tab").text


def test_the_theme_is_seen_at_once() -> None:
    desk = at_theme()
    desk.effects.clear()

    assert desk.press("right").effects == [ChangeSettings(theme="dark")]


def test_the_list_moving_down_does_not_change_what_is_chosen() -> None:
    desk = Desk("welcome").wait(0.5).press("down").send(NearbyFound((NEAR,)))

    assert "▸ zen" in desk.text


def test_after_the_last_step_the_folder_is_asked_about() -> None:
    assert at_theme().send(Finished(trust_next=True)).top.id == "trust"
    assert at_theme().send(Finished(trust_next=False)).top.id == "repl"


def test_a_model_that_is_not_listed_is_typed() -> None:
    desk = at_key().press("enter").send(WorkFailed("it does not answer", "")).type("my-model")

    assert "type a model's id" in desk.text
    desk.effects.clear()
    assert len(desk.press("enter").effects) == 1


def test_all_steps_with_a_real_server_end_in_a_usable_configuration(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    with ModelServer([], check=False) as server:
        desk = Desk("welcome")
        desk.effects.clear()
        desk.send(Looked(())).send(NearbyFound(())).wait(0.5)

        desk.press("end", "enter").paste(server.base_url)
        settle(desk.press("enter"), services)
        assert "▸ 3 model" in desk.text
        settle(desk.press("enter"), services)
        settle(desk.press("right", "enter"), services)

    config = services.config()
    assert desk.top.id == "repl"
    assert config.chosen_provider == "local"
    assert config.providers["local"].base_url == server.base_url
    assert config.model_for("execute")
    assert config.ui.theme == "dark"
    assert first_screen(config, tmp_path) is None
    services.engine()


def test_a_broken_file_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[modl]\n")
    services = services_of(tmp_path, {"M31A_HOME": str(home)})

    desk = settle(begun(NEAR).press("enter"), services)

    assert "▸ 1 provider" in desk.text
    assert "config.toml" in "".join(desk.text.split())


def test_what_the_app_begins_with(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path / "home")}
    named = {"model.default": "m"}

    assert first_screen(load_config(None, environ, {}), tmp_path) == "welcome"
    assert first_screen(load_config(None, environ, named), tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert first_screen(load_config(None, environ, named), tmp_path) == "trust"
    trusted = load_config(tmp_path, environ, named, trusted=True)
    assert first_screen(trusted, tmp_path) is None

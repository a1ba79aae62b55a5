"""Providers: chosen, asked for a sign of life, put in order, added."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.desks import Sign, servers_nearby, sign_of_life
from m31a.program.effects import AsyncWork
from m31a.program.messages import WorkFailed
from m31a.provider_list import Answered, Found, ProviderRow
from m31a.rehearsal import services_of, settle
from m31a.testing import Desk
from m31a_engine import load_config
from m31a_providers.testing import ModelServer

Snapshot = Callable[[Callable[[], Desk], str], None]
ROWS = (
    ProviderRow("my-box", "http://127.0.0.1:8080/v1", "no key", has_key=False),
    ProviderRow("openrouter", "built in", "from entry m31a/openrouter", has_key=True),
    ProviderRow("zen", "built in", "no key; looked in: ZEN_API_KEY", has_key=False),
)


def providers() -> Desk:
    found = Found(ROWS, "openrouter", ("openrouter", "my-box"), fallback=True)
    desk = Desk("providers").send(found)
    desk.effects.clear()
    return desk


def answered() -> Desk:
    desk = providers().press("T")
    desk.send(Answered(Sign("my-box", "offline", None, "connection refused")))
    return desk.send(Answered(Sign("openrouter", "live", 180.4)))


def test_the_list(snapshot: Snapshot) -> None:
    snapshot(providers, "providers/list")


def test_signs_of_life(snapshot: Snapshot) -> None:
    snapshot(answered, "providers/tested")


def test_a_new_server(snapshot: Snapshot) -> None:
    snapshot(lambda: providers().press("n").type("box").press("tab"), "providers/new")


def test_a_broken_configuration(snapshot: Snapshot) -> None:
    failed = WorkFailed("config.toml:2: providr: unknown section", "mend the file")
    snapshot(lambda: Desk("providers").send(failed), "providers/failed")


def test_nothing_is_asked_until_somebody_says_so() -> None:
    assert not any(isinstance(each, AsyncWork) for each in Desk("providers").effects)


def test_keys_are_one_step_away() -> None:
    desk = providers().press("s")

    assert desk.top.id == "keys"
    assert desk.top.argument == "openrouter"


def test_using_ordering_and_standing_in_are_kept(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = settle(Desk("providers"), services)

    settle(desk.press("n").type("my-box").press("tab"), services)
    settle(desk.type("http://127.0.0.1:9/v1").press("enter"), services)
    settle(desk.press("home", "enter"), services)
    settle(desk.press("o"), services)
    settle(desk.press("+"), services)
    settle(desk.press("f"), services)

    config = services.config()
    assert config.chosen_provider == "my-box"
    assert config.providers["my-box"].base_url == "http://127.0.0.1:9/v1"
    assert config.provider.fallback_priority == ("openrouter", "my-box", "zen")
    assert config.provider.auto_fallback


def test_an_address_that_is_none_stays_in_the_field(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = settle(Desk("providers"), services)

    settle(desk.press("n").type("box").press("tab").type("nowhere").press("enter"), services)

    assert "is not an address" in " ".join(desk.text.split())
    assert "nowhere" in desk.text


def test_a_server_that_answers_is_live(tmp_path: Path) -> None:
    with ModelServer([], check=False) as server:
        overrides = {"provider.default": "mine", "provider.mine.base_url": server.base_url}
        services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")}, overrides)

        desk = settle(settle(Desk("providers"), services).press("t"), services)

        assert "● live" in desk.text


@pytest.mark.anyio
async def test_a_provider_without_a_key_is_not_asked(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path)}

    sign = await sign_of_life(load_config(None, environ, {}), "openrouter", environ)

    assert sign.status == "not asked"
    assert "key" in sign.detail


@pytest.mark.anyio
async def test_a_port_where_nobody_listens_is_offline(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path)}
    config = load_config(None, environ, {"provider.gone.base_url": "http://127.0.0.1:9/v1"})

    assert (await sign_of_life(config, "gone", environ)).status == "offline"


@pytest.mark.anyio
async def test_model_servers_of_this_machine_are_found_and_get_no_key(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path), "NEARBY_API_KEY": "sk-not-for-you"}
    with ModelServer([], check=False) as server:
        addresses = {"http://127.0.0.1:9/v1": "nobody", server.base_url: "llama.cpp"}

        found = await servers_nearby(environ, addresses)

        assert [(each.kind, each.base_url) for each in found] == [("llama.cpp", server.base_url)]
        assert found[0].models
        assert not any("authorization" in request.headers for request in server.requests)

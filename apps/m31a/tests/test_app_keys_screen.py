"""Keys are stored, told of and removed; what they are is never on the screen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.desks import KeyStored, StoreKey
from m31a.program.effects import Toast, Work
from m31a.program.messages import WorkFailed
from m31a.rehearsal import services_of, settle
from m31a.screens.keys import Found, KeyRow
from m31a.testing import Desk

Snapshot = Callable[[Callable[[], Desk], str], None]
ROWS = (
    KeyRow("my-box", "from file", found=True),
    KeyRow(
        "openrouter",
        "no key; looked in: M31A_OPENROUTER_API_KEY; OPENROUTER_API_KEY; entry m31a/openrouter",
        found=False,
    ),
    KeyRow("zen", "from variable ZEN_API_KEY", found=True),
)
PASS = """#!/bin/sh
store="$HOME/.password-store"
case "$1" in
    show) cat "$store/$2.gpg" ;;
    insert) mkdir -p "$store/m31a" && cat > "$store/$4.gpg" ;;
    rm) rm "$store/$3.gpg" ;;
esac
"""
"""The program `pass`, without its encryption."""
SECRET = "sk-or-v1-0123456789abcdef"


def keys(provider: str = "openrouter") -> Desk:
    desk = Desk("keys", provider).send(Found(ROWS))
    desk.effects.clear()
    return desk


def test_where_the_keys_come_from(snapshot: Snapshot) -> None:
    snapshot(keys, "keys/list")


def test_a_key_is_dots_while_it_is_typed(snapshot: Snapshot) -> None:
    snapshot(lambda: keys().press("enter").paste(SECRET), "keys/typing")


def test_a_removal_is_asked_about(snapshot: Snapshot) -> None:
    snapshot(lambda: keys("zen").press("d"), "keys/removing")


def test_no_keychain_is_told_with_the_way_around(snapshot: Snapshot) -> None:
    failed = WorkFailed("there is no keychain here", "put the key into OPENROUTER_API_KEY")
    snapshot(lambda: keys().press("enter").send(failed), "keys/failed")


@pytest.mark.parametrize("how", ["type", "paste"])
def test_the_key_is_nowhere_on_the_screen_nor_in_what_is_asked_for(how: str) -> None:
    desk = keys().press("enter")
    desk.type(SECRET) if how == "type" else desk.paste(f" {SECRET}\n")

    assert SECRET not in desk.text
    assert "•" * len(SECRET) in desk.text
    desk.press("enter")
    assert desk.effects == [Work(StoreKey("openrouter", SECRET))]
    assert SECRET not in repr(desk.effects)
    assert SECRET not in repr(desk.app.top)


def test_what_was_stored_is_said_and_looked_at_again() -> None:
    desk = keys().press("enter").send(KeyStored("openrouter: stored in the keychain"))

    assert desk.effects[0] == Toast("openrouter: stored in the keychain", "ok")
    assert isinstance(desk.effects[1], Work)


def test_an_empty_key_is_not_stored() -> None:
    desk = keys().press("enter", "enter")

    assert desk.effects == [Toast("the key is empty; nothing was stored", "warn")]


def test_escape_leaves_the_field_and_then_the_screen() -> None:
    desk = keys().press("enter").type("abc").press("escape")

    assert "•" not in desk.text
    assert desk.press("escape").top.id == "repl"


def test_removing_takes_two_keys() -> None:
    desk = keys("zen").press("d")

    assert desk.effects == []
    assert isinstance(desk.press("d").effects[0], Work)


def test_without_a_key_there_is_nothing_to_remove() -> None:
    assert keys().press("d", "d").effects == []


def test_a_name_that_is_not_configured_can_be_given_a_key() -> None:
    assert "elsewhere" in keys("elsewhere").text.split("▸")[1]


def test_sources_are_found_in_the_environment(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path), "ZEN_API_KEY": SECRET}

    desk = settle(Desk("keys", "zen"), services_of(tmp_path, environ))

    assert "ZEN_API_KEY" in desk.text
    assert SECRET not in desk.text


def test_a_machine_without_keychain_keeps_the_field_open(tmp_path: Path) -> None:
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path)})
    desk = settle(Desk("keys", "zen"), services)

    settle(desk.press("enter").paste("not a key: \u00e9"), services)
    settle(desk.press("enter"), services)

    assert "✗" in desk.text
    assert "key  " in desk.text


def test_a_key_is_stored_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "pass"
    store = tmp_path / ".password-store"
    program.parent.mkdir()
    store.mkdir()
    program.write_text(PASS)
    program.chmod(0o755)
    (store / ".gpg-id").write_text("me")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.delenv("PASSWORD_STORE_DIR", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    services = services_of(tmp_path, {"M31A_HOME": str(tmp_path / "home")})
    desk = settle(Desk("keys", "zen"), services)

    settle(desk.press("enter").paste(SECRET).press("enter"), services)
    assert (store / "m31a" / "zen.gpg").read_text().strip() == SECRET
    assert "✓ zen" in desk.text
    assert SECRET not in desk.text

    settle(desk.press("d", "d"), services)
    assert "– zen" in desk.text
    assert not (store / "m31a" / "zen.gpg").exists()

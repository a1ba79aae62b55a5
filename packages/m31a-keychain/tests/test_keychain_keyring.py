import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from socket import AF_UNIX, socket

import pytest
from keyring.errors import KeyringLocked

from m31a_keychain import (
    BackendHung,
    BadSecret,
    Denied,
    KeychainError,
    KeyringStore,
    NoBackend,
    NoStore,
    Secret,
    StoreFailed,
    StoreStatus,
    default_store,
)

PLANTED = "sk-" + "xqzvj" * 6
Tells = Callable[[BaseException, str], bool]


class FakeBackend:
    """A keyring backend that does as the test says with what it is given."""

    def __init__(self, do: Callable[[str], str | None], *, is_usable: bool = True) -> None:
        self._do = do
        self._is_usable = is_usable

    @property
    def priority(self) -> float:
        if not self._is_usable:
            raise RuntimeError("no such service here")
        return 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return self._do(PLANTED)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._do(password)

    def delete_password(self, service: str, username: str) -> None:
        self._do(PLANTED)


def fails(text: str) -> str | None:
    raise ConnectionError(f"could not send {text}")


def is_locked(text: str) -> str | None:
    raise KeyringLocked(f"no leave to read {text}")


def errors_of(store: KeyringStore) -> list[KeychainError]:
    errors = []
    for action in (
        lambda: store.get("zen"),
        lambda: store.set("zen", Secret(PLANTED)),
        lambda: store.delete("zen"),
    ):
        with pytest.raises(KeychainError) as caught:
            action()
        errors.append(caught.value)
    return errors


def test_failures_of_a_backend_are_told_without_its_words(tells: Tells) -> None:
    failed = errors_of(KeyringStore(FakeBackend(fails)))
    denied = errors_of(KeyringStore(FakeBackend(is_locked)))
    absent = errors_of(KeyringStore(FakeBackend(fails, is_usable=False)))

    assert [[type(error) for error in errors] for errors in (failed, denied, absent)] == [
        [StoreFailed] * 3,
        [Denied] * 3,
        [NoBackend] * 3,
    ]
    assert str(failed[0]) == "FakeBackend failed: its backend raised ConnectionError"
    assert str(absent[0]) == "FakeBackend cannot be used: no such service here"
    assert not [error for error in failed + denied + absent if tells(error, "xqzvj")]


def test_a_key_that_was_spoilt_in_the_keychain_is_refused_and_not_told(tells: Tells) -> None:
    store = KeyringStore(FakeBackend(lambda text: f"{text}\n{text}"))

    with pytest.raises(BadSecret) as caught:
        store.get("zen")

    assert not tells(caught.value, "xqzvj")


def test_a_key_that_cannot_be_one_never_reaches_the_keychain(tells: Tells) -> None:
    seen: list[str] = []
    store = KeyringStore(FakeBackend(lambda text: seen.append(text)))

    with pytest.raises(BadSecret) as caught:
        store.set("zen", Secret(f"{PLANTED}\n{PLANTED}"))

    assert seen == []
    assert not tells(caught.value, "xqzvj")


def test_an_empty_entry_is_no_entry() -> None:
    assert KeyringStore(FakeBackend(lambda _: "")).get("zen") is None


def test_status_says_what_is_wrong() -> None:
    store = KeyringStore(FakeBackend(fails, is_usable=False))

    assert store.status() == StoreStatus("FakeBackend", False, "no such service here")


def test_a_hanging_backend_is_waited_for_once_and_asked_again_when_it_has_answered() -> None:
    released = threading.Event()
    asked: list[str] = []

    def hangs(text: str) -> str | None:
        asked.append(text)
        assert released.wait(60)
        return text

    store = KeyringStore(FakeBackend(hangs), deadline_s=1)
    before = set(threading.enumerate())

    assert [type(error) for error in errors_of(store)] == [BackendHung] * 3
    assert len(asked) == 1
    assert store.status() == StoreStatus("FakeBackend", False, "it did not answer within 1 s")

    released.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert store.get("zen") == Secret(PLANTED)


HANGING = """
import threading
from m31a_keychain import BackendHung, KeyringStore

class Mute:
    priority = 1.0

    def get_password(self, service, username):
        threading.Event().wait()

try:
    KeyringStore(Mute(), deadline_s=0.1).get("zen")
except BackendHung:
    print("told")
"""


def test_a_backend_that_never_answers_does_not_keep_the_program_from_ending() -> None:
    argv = [sys.executable, "-c", HANGING]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "told\n"


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_bus_that_never_answers_is_waited_for_once_in_the_process(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = short_folder / "bus"
    before = set(threading.enumerate())
    with socket(AF_UNIX) as bus:
        bus.bind(str(address))
        bus.listen()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={address},guid=x")
        monkeypatch.setenv("PATH", str(short_folder))

        with pytest.raises(BackendHung):
            KeyringStore(deadline_s=0.2).get("zen")
        waiting = set(threading.enumerate()) - before
        store = default_store(deadline_s=60)

        assert isinstance(store, NoStore)
        assert store.status().detail == (
            "Secret Service: it did not answer within 60 s; pass: the program is not installed"
        )
        assert set(threading.enumerate()) - before == waiting
    for thread in waiting:
        thread.join(60)
    assert "nothing listens" in KeyringStore().status().detail


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "is not set"),
        ("tcp:host=127.0.0.1,port=1;unix:tmpdir=/tmp", "names no local socket"),
        ("unix:path=%2Fnowhere%2fbus", "nothing listens"),
        ("unix:abstract=m31a-nobody-listens-here", "nothing listens"),
        (f"unix:path=/{'x' * 300}", "nothing listens"),
        ("unix:path=/a%00b", "nothing listens"),
    ],
)
def test_without_a_bus_the_answer_comes_without_importing_keyring(
    address: str, reason: str, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from m31a_keychain import *\n"
        "print(default_store().status())\n"
        "print([name for name in ('keyring', 'secretstorage', 'jeepney') if name in sys.modules])"
    )

    output = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DBUS_SESSION_BUS_ADDRESS": address, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert reason in output[0]
    assert output[1] == "[]"

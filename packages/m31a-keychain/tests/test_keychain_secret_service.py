import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import secretstorage

from m31a_keychain import Denied, KeyringStore, NoBackend, Secret, default_store

PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon")
pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, PROGRAMS)),
        reason=f"THE SECRET SERVICE IS NOT TESTED: {' and '.join(PROGRAMS)} are not installed",
    ),
    pytest.mark.usefixtures("collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
PLANTED = "sk-" + "xqzvj" * 6

BUS_WITHOUT_SERVICES = """<busconfig><type>session</type><listen>unix:dir={folder}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""


@contextmanager
def running_bus(option: str, environ: dict[str, str]) -> Iterator[str]:
    """The address of a session bus of the test's own."""
    with subprocess.Popen(
        ["dbus-daemon", option, "--nofork", "--print-address=1"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def keyring_home(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a running, unlocked gnome-keyring keeps its files; it ends with its bus."""
    home = short_folder / "home"
    home.mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    with running_bus("--session", environ) as address:
        subprocess.run(
            ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--daemonize"],
            env=environ | {"DBUS_SESSION_BUS_ADDRESS": address},
            input=b"password",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield home


def test_a_real_secret_service_keeps_replaces_and_forgets(keyring_home: Path) -> None:
    store = default_store(deadline_s=30)

    assert store.name == "Secret Service"
    assert store.get("openrouter") is None
    assert not store.delete("openrouter")

    store.set("openrouter", Secret("first"))
    store.set("zen", Secret("other"))
    store.set("openrouter", Secret(f" {PLANTED}\n"))

    assert default_store(deadline_s=30).get("openrouter") == Secret(PLANTED)
    assert store.delete("openrouter")
    assert store.get("openrouter") is None
    assert store.get("zen") == Secret("other")
    files = [path for path in keyring_home.rglob("*.keyring") if path.is_file()]
    assert files
    assert not [path for path in files if b"other" in path.read_bytes()]


@pytest.mark.usefixtures("keyring_home")
def test_a_locked_secret_service_denies_and_tells_nothing(
    tells: Callable[[BaseException, str], bool],
) -> None:
    store = KeyringStore(deadline_s=30)
    store.set("zen", Secret(PLANTED))
    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.get_default_collection(connection).lock()

    refused: tuple[Callable[[], object], ...] = (
        lambda: store.get("zen"),
        lambda: store.set("zen", Secret(PLANTED)),
    )
    for action in refused:
        with pytest.raises(Denied) as caught:
            action()
        assert not tells(caught.value, "xqzvj")
    assert store.status().is_available


def test_a_bus_without_a_secret_service_is_told(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = short_folder / "bus.conf"
    configuration.write_text(BUS_WITHOUT_SERVICES.format(folder=short_folder))
    with running_bus(f"--config-file={configuration}", dict(os.environ)) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        store = KeyringStore(deadline_s=30)

        assert not store.status().is_available
        with pytest.raises(NoBackend, match="neither running nor activatable"):
            store.get("zen")

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from m31a_keychain import (
    BackendHung,
    BadSecret,
    Denied,
    NoBackend,
    PassStore,
    Secret,
    StoreFailed,
    default_store,
)

needs_pass = pytest.mark.skipif(
    not all(map(shutil.which, ("pass", "gpg", "gpgconf"))),
    reason="PASS IS NOT TESTED: pass and gnupg are not installed",
)
PLANTED = "sk-" + "xqzvj" * 6
Tells = Callable[[BaseException, str], bool]


@dataclass(frozen=True)
class Vault:
    """A throw-away password store."""

    environ: dict[str, str]
    folder: Path

    def encrypt_for(self, owner: str) -> None:
        subprocess.run(
            ["pass", "init", owner], env=self.environ, check=True, stdout=subprocess.DEVNULL
        )


@pytest.fixture(scope="session")
def gpg_home() -> Iterator[Path]:
    """A key ring with two keys: `open@test` without and `shut@test` with a passphrase."""
    curves = "Key-Type: eddsa\nKey-Curve: ed25519\nSubkey-Type: ecdh\nSubkey-Curve: cv25519\n"
    with tempfile.TemporaryDirectory(prefix="m31a-", ignore_cleanup_errors=True) as name:
        environ = {"PATH": os.environ["PATH"], "HOME": name, "GNUPGHOME": name}
        # Without it the agent measures for seconds how slow a passphrase check it can afford.
        (Path(name) / "gpg-agent.conf").write_text("s2k-count 65536\n")
        for script in (
            f"%no-protection\n{curves}Name-Email: open@test\n%commit\n",
            f"{curves}Name-Email: shut@test\nPassphrase: x\n%commit\n",
        ):
            subprocess.run(
                ["gpg", "--batch", "--quiet", "--pinentry-mode=loopback", "--gen-key"],
                env=environ,
                input=script.encode(),
                check=True,
                stderr=subprocess.DEVNULL,
            )
        # The agent remembers the passphrase the key was made with.
        forget = ["gpgconf", "--kill", "gpg-agent"]
        subprocess.run(forget, env=environ, check=True)
        yield Path(name)
        subprocess.run(forget, env=environ, check=True)


@pytest.fixture
def vault(gpg_home: Path, tmp_path: Path) -> Vault:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GNUPGHOME": str(gpg_home),
        "PASSWORD_STORE_DIR": str(tmp_path / "vault"),
    }
    vault = Vault(environ, tmp_path / "vault")
    vault.encrypt_for("open@test")
    return vault


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@needs_pass
def test_a_real_pass_keeps_replaces_and_forgets(vault: Vault) -> None:
    store = PassStore(vault.environ, deadline_s=60)

    assert store.status().is_available
    assert store.get("openrouter") is None
    assert not store.delete("openrouter")

    store.set("openrouter", Secret("first"))
    store.set("zen", Secret("other"))
    store.set("openrouter", Secret(f" {PLANTED}\n"))

    assert store.get("openrouter") == Secret(PLANTED)
    assert PLANTED.encode() not in (vault.folder / "m31a/openrouter.gpg").read_bytes()
    assert store.delete("openrouter")
    assert store.get("openrouter") is None
    assert store.get("zen") == Secret("other")


@needs_pass
def test_only_the_first_line_of_an_entry_is_the_key(vault: Vault) -> None:
    subprocess.run(
        ["pass", "insert", "--multiline", "m31a/zen"],
        env=vault.environ,
        input=f"{PLANTED}\nurl: example.org\n".encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )

    assert PassStore(vault.environ, deadline_s=60).get("zen") == Secret(PLANTED)


@needs_pass
def test_a_key_is_in_no_argument_list_and_other_keys_in_no_environment(
    vault: Vault, tmp_path: Path
) -> None:
    spies = tmp_path / "spies"
    spies.mkdir()
    for name in ("gpg", "gpg2"):
        look = f"cat /proc/[0-9]*/cmdline /proc/self/environ >> {tmp_path}/seen 2>/dev/null"
        program(spies, name, f'{look}\nPATH={os.environ["PATH"]} exec gpg "$@"')
    environ = vault.environ | {
        "PATH": f"{spies}:{os.environ['PATH']}",
        "OPENROUTER_API_KEY": "other-provider",
        "GPG_TTY": "/dev/tty1",
    }

    store = PassStore(environ, deadline_s=60)
    store.set("zen", Secret(PLANTED))
    assert store.get("zen") == Secret(PLANTED)

    seen = (tmp_path / "seen").read_bytes()
    assert b"m31a/zen" in seen
    assert PLANTED.encode() not in seen
    assert b"other-provider" not in seen
    assert b"/dev/tty1" not in seen


@needs_pass
def test_a_key_behind_a_passphrase_nobody_types_is_denied(vault: Vault, tells: Tells) -> None:
    vault.encrypt_for("shut@test")
    store = PassStore(vault.environ, deadline_s=60)
    store.set("zen", Secret(PLANTED))

    with pytest.raises(Denied, match="pass show m31a/zen") as caught:
        store.get("zen")

    assert not tells(caught.value, "xqzvj")


@needs_pass
def test_an_entry_that_cannot_be_written_or_removed_is_told(vault: Vault, tells: Tells) -> None:
    (vault.folder / ".gpg-id").write_text("nobody@test\n")
    store = PassStore(vault.environ, deadline_s=60)

    with pytest.raises(StoreFailed, match="pass insert m31a/zen") as caught:
        store.set("zen", Secret(PLANTED))

    assert not tells(caught.value, "xqzvj")
    assert store.get("zen") is None


@needs_pass
def test_an_entry_with_a_damaged_key_is_refused_and_not_told(vault: Vault, tells: Tells) -> None:
    subprocess.run(
        ["pass", "insert", "--multiline", "m31a/zen"],
        env=vault.environ,
        input=f"{PLANTED}\x1b{PLANTED}\n".encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )

    with pytest.raises(BadSecret) as caught:
        PassStore(vault.environ, deadline_s=60).get("zen")

    assert not tells(caught.value, "xqzvj")


@needs_pass
def test_pass_is_the_default_where_there_is_no_bus(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for name, value in vault.environ.items():
        monkeypatch.setenv(name, value)

    store = default_store()

    assert isinstance(store, PassStore)
    assert store.status().detail == f"kept encrypted in {vault.folder}"


def test_without_the_program_or_a_store_the_reason_is_told(tmp_path: Path) -> None:
    no_program = PassStore({"PATH": str(tmp_path), "HOME": str(tmp_path)})
    program(tmp_path, "pass", "exit 1")
    no_store = PassStore({"PATH": str(tmp_path), "HOME": str(tmp_path)})

    for store, reason in ((no_program, "has no"), (no_store, "is no password store")):
        assert not store.status().is_available
        with pytest.raises(NoBackend) as caught:
            store.set("zen", Secret(PLANTED))
        assert store.status().detail == caught.value.reason, reason


def test_a_failing_pass_is_told(tmp_path: Path, tells: Tells) -> None:
    program(tmp_path, "pass", "cat; echo failed >&2; exit 3")
    entry = tmp_path / ".password-store" / "m31a" / "zen.gpg"
    entry.parent.mkdir(parents=True)
    entry.touch()
    (tmp_path / ".password-store" / ".gpg-id").touch()
    store = PassStore({"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)})

    for action in (lambda: store.set("zen", Secret(PLANTED)), lambda: store.delete("zen")):
        with pytest.raises(StoreFailed, match="exit 3") as caught:
            action()
        assert not tells(caught.value, "xqzvj")


def store_of(folder: Path, script: str) -> PassStore:
    """A store before a `pass` that does as the script says."""
    program(folder, "pass", script)
    (folder / ".password-store").mkdir()
    (folder / ".password-store" / ".gpg-id").touch()
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}
    return PassStore(environ, deadline_s=1)


def test_pass_runs_in_a_session_of_its_own_and_cannot_ask_at_our_terminal(tmp_path: Path) -> None:
    store = store_of(tmp_path, f"cat /proc/$$/stat > {tmp_path}/stat; cat")

    store.set("zen", Secret(PLANTED))

    session = int((tmp_path / "stat").read_text().rpartition(")")[2].split()[3])
    assert session != os.getsid(0)


def test_a_hanging_pass_is_killed_and_not_started_again(tmp_path: Path, tells: Tells) -> None:
    store = store_of(tmp_path, f"cat; sleep 600 & echo $$ $! >> {tmp_path}/started; wait")

    for _ in range(2):
        with pytest.raises(BackendHung) as caught:
            store.set("zen", Secret(PLANTED))
        assert not tells(caught.value, "xqzvj")

    assert not store.status().is_available
    program_id, child_id = map(int, (tmp_path / "started").read_text().split())
    with pytest.raises(ProcessLookupError):
        os.kill(program_id, 0)
    with suppress(ProcessLookupError):
        child = os.pidfd_open(child_id)
        assert select.select([child], [], [], 10)[0], "what pass had started goes on"

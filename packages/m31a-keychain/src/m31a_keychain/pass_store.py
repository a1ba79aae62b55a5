"""Secrets in `pass`, the standard Unix password manager, each in a file that gpg encrypts."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from m31a_keychain.errors import BackendHung, Denied, NoBackend, StoreFailed
from m31a_keychain.names import service_of
from m31a_keychain.secret import Secret, usable
from m31a_keychain.store import StoreStatus, storable

_PASSED_ON: Final = frozenset(
    {
        *("HOME", "PATH", "USER", "LOGNAME", "LANG", "TMPDIR", "GNUPGHOME", "GPG_AGENT_INFO"),
        *(
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
        ),
    }
)
_PASSED_ON_PREFIXES: Final = ("PASSWORD_STORE_", "LC_")


class PassStore:
    """Keeps secrets with the `pass` program."""

    name = "pass"

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, deadline_s: float = 5.0
    ) -> None:
        """Use the `pass` and the password store that `environ` (the process's own) leads to.

        A call that takes longer than `deadline_s` is killed and raises `BackendHung`, and so do
        all further calls of this store at once.
        """
        self._environ = dict(os.environ if environ is None else environ)
        self._deadline_s = deadline_s
        self._is_hung = False

    def get(self, provider: str) -> Secret | None:
        """The provider's key, the first line of its entry; `None` when there is no entry.

        Raises:
            NoBackend: there is no `pass` or no password store, or it hangs.
            Denied: gpg could not decrypt the entry.
            BadSecret: what is kept there cannot be an API key.
        """
        service = service_of(provider)
        if not self._has(service):
            return None
        code, output = self._run("show", service)
        if code != 0:
            raise Denied(self.name, f"run `pass show {service}` in a terminal to see why")
        return usable(output.reveal().partition("\n")[0])

    def set(self, provider: str, secret: Secret) -> None:
        """Keep the key in place of an older one; it goes to `pass` through a pipe.

        Raises:
            NoBackend: there is no `pass` or no password store, or it hangs.
            StoreFailed: it answered with a failure.
            BadSecret: it cannot be an API key.
        """
        service = service_of(provider)
        self._check()
        kept = storable(secret)
        code, _ = self._run("insert", "--multiline", "--force", service, line=kept)
        if code != 0:
            raise StoreFailed(
                self.name, f"run `pass insert {service}` in a terminal to see why (exit {code})"
            )

    def delete(self, provider: str) -> bool:
        """Forget the key; False when there was none.

        Raises:
            NoBackend: there is no `pass` or no password store, or it hangs.
            StoreFailed: it answered with a failure.
        """
        service = service_of(provider)
        if not self._has(service):
            return False
        code, _ = self._run("rm", "--force", service)
        if code != 0:
            raise StoreFailed(
                self.name, f"run `pass rm {service}` in a terminal to see why (exit {code})"
            )
        return True

    def status(self) -> StoreStatus:
        """Whether `pass` is installed and has a store; nothing is run or decrypted."""
        try:
            self._check()
        except NoBackend as exc:
            return StoreStatus(self.name, False, exc.reason)
        return StoreStatus(self.name, True, f"kept encrypted in {self._folder()}")

    def _check(self) -> str:
        """The path of the program, when everything it needs is there."""
        program = shutil.which("pass", path=self._environ.get("PATH", os.defpath))
        if program is None:
            raise NoBackend(self.name, "the program is not installed")
        if not (self._folder() / ".gpg-id").is_file():
            raise NoBackend(self.name, f"{self._folder()} is no password store (see `pass init`)")
        if self._is_hung:
            raise BackendHung(self.name, self._deadline_s)
        return program

    def _has(self, service: str) -> bool:
        self._check()
        return (self._folder() / f"{service}.gpg").is_file()

    def _folder(self) -> Path:
        chosen = self._environ.get("PASSWORD_STORE_DIR")
        return Path(chosen or Path(self._environ.get("HOME", "/")) / ".password-store")

    def _run(self, *arguments: str, line: Secret | None = None) -> tuple[int, Secret]:
        """Exit code and output; what goes to standard error is for nobody."""
        program = self._check()
        with subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_child_environment(self._environ),
            # Without a terminal of its own, gpg cannot draw a password prompt over our screen.
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(
                    f"{line.reveal()}\n".encode() if line else None, timeout=self._deadline_s
                )
            except subprocess.TimeoutExpired:
                has_ended = False
            else:
                has_ended = True
            if not has_ended:
                self._is_hung = True
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if not has_ended:
            # Outside of the handler: the exception caught there holds what `pass` printed.
            raise BackendHung(self.name, self._deadline_s)
        return process.returncode, Secret(output.decode(errors="replace"))


def _child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What gpg needs and no more; other variables may hold keys, GPG_TTY names our terminal."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }

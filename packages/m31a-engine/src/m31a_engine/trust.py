"""Which folders the user trusts: the one thing asked before a project's files mean anything.

Trust belongs to a folder's real path, device and inode, and to what its project files said
when it was given: a folder that was moved, replaced or whose `m31a.toml`, `AGENTS.md` or
prompts changed is asked about again. A folder's parent lends it nothing.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from m31a_engine.errors import ConfigError, Refused
from m31a_engine.regular_file import NotRegular, read_regular
from m31a_tools import write_atomic

PROMPTS_FOLDER = "m31a.prompts"
"""Texts in a project that take the place of our own prompts."""
_FILE_VERSION = 1
_MAX_BYTES = 1024 * 1024
_MAX_TRUST_BYTES = 16 * 1024 * 1024


class TrustedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder somebody trusted, as it was then."""

    path: str
    at: str
    """UTC, ISO 8601."""


class _Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder was when it was trusted; digests are SHA-256, empty for no file."""

    at: str
    device: int
    inode: int
    digest: str = ""
    """Of `m31a.toml`."""
    instructions_digest: str = ""
    """Of `AGENTS.md`."""
    prompts_digest: str = ""
    """Of the prompts in `m31a.prompts/`."""


class _TrustFile(msgspec.Struct, frozen=True, kw_only=True):
    version: int = _FILE_VERSION
    folders: dict[str, _Seal] = {}


class Trust:
    """The trusted folders, kept in one file (`$M31A_HOME/trust.json`)."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or made before it is asked for."""
        self._path = path

    def is_trusted(self, project: Path) -> bool:
        """Whether this very folder is trusted and its project files are as they were.

        Raises: ConfigError when the file of trusted folders is not one to rely on.
        """
        folders = self._read().folders
        if not folders:
            return False
        seal = _seal_of(project)
        granted = folders.get(_name_of(project))
        return seal is not None and granted is not None and seal == _at(granted, seal.at)

    def grant(self, project: Path) -> None:
        """Trust a folder as it is now.

        Raises: Refused for the home folder, `/` and what is no folder; ConfigError.
        """
        seal = _seal_of(project)
        if seal is None:
            raise Refused(f"{project} is not a folder")
        real = project.resolve()
        if real == Path(real.anchor) or real == _home():
            raise Refused(
                f"{real} is never trusted as a whole", remedy="trust the project's own folder"
            )
        with self._changing() as folders:
            folders[_name_of(project)] = seal

    def revoke(self, project: Path) -> bool:
        """Trust a folder no more; False when it was not trusted."""
        if not self._read().folders:
            return False
        with self._changing() as folders:
            return folders.pop(_name_of(project), None) is not None

    def list(self) -> tuple[TrustedFolder, ...]:
        """The trusted folders, by path; some may be gone or changed by now."""
        folders = self._read().folders
        return tuple(TrustedFolder(path=path, at=folders[path].at) for path in sorted(folders))

    def _read(self) -> _TrustFile:
        try:
            file = read_regular(self._path, max_bytes=_MAX_TRUST_BYTES, follow_links=True)
        except (FileNotFoundError, NotADirectoryError):
            return _TrustFile()
        except NotRegular as exc:
            raise self._broken("is not a regular file") from exc
        except OSError as exc:
            raise self._broken(f"cannot be read: {exc.strerror}") from exc
        if file.status.st_mode & 0o022 or file.status.st_uid not in {os.geteuid(), 0}:
            raise self._broken("can be written by others")
        try:
            content = msgspec.json.decode(file.data, type=_TrustFile)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise self._broken(f"cannot be understood: {exc}") from exc
        if content.version != _FILE_VERSION:
            raise self._broken(f"has version {content.version}, not {_FILE_VERSION}")
        return content

    @contextmanager
    def _changing(self) -> Iterator[dict[str, _Seal]]:
        """The folders to be changed; written back whole, one process at a time."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._path.with_name(self._path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            folders = dict(self._read().folders)
            yield folders
            write_atomic(
                self._path, msgspec.json.encode(_TrustFile(folders=folders)) + b"\n", mode=0o600
            )
        finally:
            os.close(descriptor)

    def _broken(self, reason: str) -> ConfigError:
        return ConfigError(
            reason, file=str(self._path), remedy="move it away and trust the folders anew"
        )


def _seal_of(project: Path) -> _Seal | None:
    try:
        status = project.stat()
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return _Seal(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        device=status.st_dev,
        inode=status.st_ino,
        digest=_digest(project / "m31a.toml"),
        instructions_digest=_digest(project / "AGENTS.md"),
        prompts_digest=_prompts_digest(project / PROMPTS_FOLDER),
    )


def _at(seal: _Seal, at: str) -> _Seal:
    return msgspec.structs.replace(seal, at=at)


def _name_of(project: Path) -> str:
    """The real path as JSON can hold it; the inode tells apart what this makes alike."""
    return str(project.resolve()).encode("utf-8", "backslashreplace").decode()


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None


def _prompts_digest(folder: Path) -> str:
    """Of all texts in a folder of prompts; empty when it has none."""
    try:
        texts = sorted(folder.glob("*.md"))
    except OSError:
        return ""
    said = "\n".join(f"{text.name} {_digest(text)}" for text in texts)
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest() if said else ""


def _digest(file: Path) -> str:
    """The SHA-256 of a file (of its first megabyte, size and time when it is larger), or empty."""
    try:
        content = read_regular(file, max_bytes=_MAX_BYTES, follow_links=True)
    except FileNotFoundError:
        return ""
    except OSError as exc:
        return f"unreadable: {type(exc).__name__} {exc.errno}"
    digest = hashlib.sha256(content.data)
    if not content.whole:
        digest.update(b"%d %d" % (content.status.st_size, content.status.st_mtime_ns))
    return digest.hexdigest()

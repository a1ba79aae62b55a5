"""Where a user's keys lie, and which parts of a home folder programs are made of.

A dotted name in a home folder is taken for private unless it is known to hold a toolchain:
each tool keeps its credentials in a place of its own, and lists of those are never complete.
"""

import contextlib
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TOOLCHAINS = frozenset(
    (
        *(".asdf", ".asdfrc", ".bun", ".cabal", ".cargo", ".conda", ".deno", ".dotnet"),
        *(".editorconfig", ".elan", ".fnm", ".gem", ".ghcup", ".gitattributes", ".gitconfig"),
        *(".gitignore", ".gitignore_global", ".go", ".goenv", ".gradle", ".gvm", ".hex", ".ivy2"),
        *(".jabba", ".java-version", ".jenv", ".julia", ".juliaup", ".m2", ".mix", ".n"),
        *(".nix-defexpr", ".nix-profile", ".node-version", ".nodebrew", ".nodenv", ".npm"),
        *(".npm-global", ".nuget", ".nvm", ".nvmrc", ".opam", ".phpenv", ".plenv", ".pnpm"),
        *(".pnpm-store", ".pub-cache", ".pyenv", ".python-version", ".rbenv", ".ruby-version"),
        *(".rustup", ".rvm", ".sbt", ".sdkman", ".stack", ".swiftly", ".swiftpm", ".tfenv"),
        *(".tool-versions", ".uv", ".venv", ".virtualenvs", ".volta", ".yarn"),
    )
)
_TOOLCHAINS_WITHIN = (
    ".config/git",
    ".local/bin",
    ".local/include",
    ".local/lib",
    ".local/opt",
    ".local/pipx",
    *(
        f".local/share/{name}"
        for name in (
            *("fnm", "gem", "go", "hatch", "man", "mise", "nvm", "pipx", "pnpm", "pyenv"),
            *("rbenv", "rtx", "rustup", "swiftly", "uv", "virtualenv", "virtualenvs", "zinit"),
        )
    ),
)
"""Readable, while all else in the dotted folder is hidden."""

_SECRETS = (
    *(".ssh", ".gnupg", ".aws", ".azure", ".docker", ".kube", ".netrc", ".m31a", ".npmrc"),
    *(".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".vault-token", ".password-store"),
    *(".config/gh", ".config/git/credentials", ".local/share/keyrings", "Library/Keychains"),
    *(".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".hex/hex.config"),
    *(".gradle/gradle.properties", ".m2/settings.xml", ".m2/settings-security.xml"),
    *(".nuget/NuGet/NuGet.Config", ".ivy2/.credentials", ".pub-cache/credentials.json"),
    *(".sbt/credentials", ".sbt/.credentials", ".local/share/uv/credentials", "snap"),
)
"""Hidden also where they are links, and within toolchains."""

_SYSTEM_SECRETS = (
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd"),
    *("/etc/ssl/private", "/etc/wireguard", "/etc/kubernetes", "/etc/docker"),
    *("/etc/NetworkManager/system-connections", "/etc/krb5.keytab", "/etc/cups/ssl"),
    *(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519", "dsa")),
)

PRIVATE_FOLDERS = ("/tmp", "/var/tmp", "/run")  # noqa: S108 - they are replaced, not used
"""Where other programs leave files and sockets; a command gets its own instead."""

_RUN_KEPT = ("current-system", "booted-system", "opengl-driver", "wrappers")
_RUN_KEPT_FOR_NETWORK = (
    "systemd/resolve/resolv.conf",
    "systemd/resolve/stub-resolv.conf",
    "resolvconf/resolv.conf",
    "NetworkManager/resolv.conf",
)


@dataclass(frozen=True, slots=True)
class Hiding:
    """Existing places: what is out of sight, and what of it is seen all the same."""

    hidden: frozenset[Path]
    seen: frozenset[Path]


def home_folders() -> tuple[Path, ...]:
    """The home folders of the user: of the account and of the environment, links resolved."""
    named = [os.environ.get("HOME", "")]
    with contextlib.suppress(KeyError):
        named.append(pwd.getpwuid(os.getuid()).pw_dir)
    real = (Path(os.path.realpath(name)) for name in named if name.startswith("/"))
    return tuple(dict.fromkeys(home for home in real if home.is_dir() and home != Path("/")))


def hiding(homes: Iterable[Path], further: Iterable[Path], *, network: bool) -> Hiding:
    """What of this machine a command must not read; `further` is hidden too."""
    hidden: set[Path] = set()
    seen: set[Path] = set()
    homes = tuple(_real(home) for home in homes)
    for home in homes:
        hidden |= _private_entries(home)
        hidden |= {_real(home / name) for name in _SECRETS if os.path.lexists(home / name)}
        seen |= {home / name for name in _TOOLCHAINS_WITHIN if (home / name).exists()}
    hidden |= {_real(path) for path in further if os.path.lexists(path)}
    hidden |= {Path(name) for name in _SYSTEM_SECRETS if Path(name).exists()}
    # A link out of a home to, say, `/` must not hide the machine.
    hidden = {place for place in hidden if not any(h.is_relative_to(place) for h in homes)}
    hidden |= {Path(name) for name in PRIVATE_FOLDERS if Path(name).is_dir()}
    names = (*_RUN_KEPT, *(_RUN_KEPT_FOR_NETWORK if network else ()))
    seen |= {Path("/run", name) for name in names if Path("/run", name).exists()}
    return Hiding(hidden=frozenset(hidden - {Path("/")}), seen=frozenset(seen))


def _private_entries(home: Path) -> set[Path]:
    try:
        entries = list(os.scandir(home))
    except OSError:
        return set()
    return {
        home / entry.name
        for entry in entries
        # What a link leads to is private by its own place, or not at all.
        if entry.name.startswith(".") and entry.name not in _TOOLCHAINS and not entry.is_symlink()
    }


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))

"""The repository's configuration, and what of it an untrusted repository may decide.

A configuration file inside a repository can name programs: filters, merge drivers, signers. They
run only when the repository was opened as trusted; otherwise each is found by name and blanked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from m31a_rollback.git import ConfigPairs, run_git

NETWORK_OFF = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}

UNTRUSTED: ConfigPairs = (
    ("core.sshCommand", "ssh"),
    ("core.askPass", ""),
    ("core.gitProxy", ""),
    ("credential.helper", ""),
    ("gpg.program", "gpg"),
    ("gpg.openpgp.program", "gpg"),
    ("gpg.x509.program", "gpgsm"),
    ("gpg.ssh.program", "ssh-keygen"),
    ("gpg.ssh.defaultKeyCommand", ""),
)
"""Laid over the settings of an untrusted repository, on top of the hardened ones."""

_MAY_NAME_PROGRAMS = (b"filter", b"include", b"lfs")
_OWN_SCOPES = frozenset({"system", "global"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of configuration: where it stands, its full name, its value."""

    scope: str
    key: str
    value: str


async def read_settings(cwd: Path, env: dict[str, str]) -> tuple[Setting, ...]:
    """All settings git sees in `cwd`, in the order in which later ones win, ours left out."""
    output = await run_git(
        ["config", "--list", "--show-scope", "--includes", "-z"], cwd=cwd, env=env
    )
    words = output.stdout.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for scope, pair in zip(words[0::2], words[1::2], strict=False):
        key, _, value = pair.partition("\n")
        if scope != "command":
            found.append(Setting(scope=scope, key=key, value=value))
    return tuple(found)


def last(settings: Iterable[Setting], *keys: str, own: bool = False) -> str | None:
    """The value that counts for the first of `keys` that is set; `own` leaves the project out."""
    listed = tuple(settings)
    for key in keys:
        for setting in reversed(listed):
            if setting.key == key and (not own or setting.scope in _OWN_SCOPES):
                return setting.value
    return None


def is_true(value: str | None) -> bool:
    """Whether git would read the value as true."""
    if value is None:
        return False
    word = value.strip().lower()
    return word in {"true", "yes", "on", ""} or (word.isdigit() and int(word) != 0)


def blanked(settings: Iterable[Setting]) -> ConfigPairs:
    """Settings that take every filter and merge driver its program.

    A blanked filter passes content through. A merge driver becomes `false`, which git reads as a
    conflict: nothing is merged in a way the project did not ask for.
    """
    filters, drivers = set(), set()
    for setting in settings:
        family, _, rest = setting.key.partition(".")
        name, dot, _ = rest.rpartition(".")
        if dot and family == "filter":
            filters.add(name)
        elif dot and family == "merge":
            drivers.add(name)
    pairs = []
    for name in sorted(filters):
        pairs += [(f"filter.{name}.{word}", "") for word in ("clean", "smudge", "process")]
        pairs.append((f"filter.{name}.required", "false"))
    pairs += [(f"merge.{name}.driver", "false") for name in sorted(drivers)]
    return tuple(pairs)


def filter_names(settings: Iterable[Setting]) -> tuple[str, ...]:
    """The names of the filters that some configuration defines, sorted."""
    keys = (setting.key for setting in settings)
    return tuple(
        sorted({key[7:].rpartition(".")[0] for key in keys if key.startswith("filter.")} - {""})
    )


def may_name_programs(git_dir: Path, common_dir: Path) -> bool:
    """Whether the repository's own files could define a filter; false is certain.

    Two small files are read instead of a process being started: section names cannot be escaped,
    so a file without these words defines no filter and leads to no other file.
    """
    for path in (common_dir / "config", git_dir / "config.worktree"):
        try:
            text = path.read_bytes().lower()
        except FileNotFoundError:
            continue
        if any(word in text for word in _MAY_NAME_PROGRAMS):
            return True
    return False

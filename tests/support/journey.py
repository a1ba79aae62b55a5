"""What a journey stands on: a person's home, a git project in it, the programs as real processes.

Nothing here reads the caller's home, git configuration or keys.
"""

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 60.0
"""How long a program may take before the test fails; generous, for a busy machine."""

_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "PYENV_VERSION", "LANG")
_KEPT_PREFIXES = ("COVERAGE_",)  # a child started by a test is measured as well
_IDENTITY = (
    "[user]\n\tname = Ada Example\n\temail = ada@example.invalid\n[init]\n\tdefaultBranch = main\n"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that came to its end."""

    exit_code: int
    stdout: str
    stderr: str

    def expect(self, exit_code: int) -> "Ended":
        """The same, when it ended with this code; else the test fails and shows what was said."""
        assert self.exit_code == exit_code, (
            f"exit {self.exit_code}, expected {exit_code}\n"
            f"stdout:\n{self.stdout}\nstderr:\n{self.stderr}"
        )
        return self


def isolated_environment(home: Path, *, identity: bool = True) -> dict[str, str]:
    """The variables of a person who has nothing but this home, with or without a git identity."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(_IDENTITY if identity else "", encoding="utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    return environment | {
        "HOME": str(home),
        "M31A_HOME": str(home / ".m31a"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }


def run_program(
    *argv: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str = "",
    timeout_s: float = DEADLINE_S,
) -> Ended:
    """Run a program to its end; one that takes too long is killed and fails the test."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=dict(env),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout_s,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def script(name: str) -> Path:
    """Where an installed console script (`m31a`, `m31a-headless`) stands in this environment."""
    return Path(sysconfig.get_path("scripts")) / name


def headless(
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str = "",
    timeout_s: float = DEADLINE_S,
) -> Ended:
    """Run `m31a-headless WORDS` as a process of its own."""
    program = script("m31a-headless")
    return run_program(program, *words, cwd=cwd, env=env, stdin=stdin, timeout_s=timeout_s)


@contextmanager
def started(
    *argv: str | Path, cwd: Path, env: Mapping[str, str]
) -> Iterator["subprocess.Popen[str]"]:
    """A program that runs meanwhile, for a test that interrupts or kills it; killed at the end."""
    process = subprocess.Popen(
        [str(word) for word in argv],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]", *, timeout_s: float = DEADLINE_S) -> Ended:
    """Wait for a started program and give what it said."""
    stdout, stderr = process.communicate(timeout=timeout_s)
    return Ended(process.returncode, stdout, stderr)


@dataclass(frozen=True, slots=True)
class UserState:
    """All that is the user's in a repository; equal before and after means untouched.

    The runs' own branches (`m31a/…`) and refs (`refs/m31a/…`) are not the user's.
    """

    branch: str
    refs: tuple[str, ...]
    index: tuple[str, ...]
    stash: tuple[str, ...]
    files: Mapping[str, tuple[int, bytes]]
    """Path to (mode, content) of all but `.git` and `.m31a`; a link's content is its target."""


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """A real git repository of an imagined person."""

    path: Path
    environment: Mapping[str, str]

    @classmethod
    def create(
        cls, path: Path, environment: Mapping[str, str], files: Mapping[str, str] | None = None
    ) -> "ProjectFolder":
        """A new repository on branch `main`; with files, they are its first commit."""
        path.mkdir(parents=True)
        project = cls(path, environment)
        project.git("init", "--quiet", "--initial-branch=main")
        for name, text in (files or {}).items():
            project.write(name, text)
        if files:
            project.commit("Start")
        return project

    def git(self, *words: str) -> str:
        """Run git here and give its standard output without the last line end."""
        done = self.run("git", *words)
        assert done.exit_code == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.removesuffix("\n")

    def run(self, *argv: str | Path, stdin: str = "") -> Ended:
        """Run a program here, as the person would."""
        return run_program(*argv, cwd=self.path, env=self.environment, stdin=stdin)

    def write(self, name: str, text: str, *, executable: bool = False) -> Path:
        """Write one file, with its folders."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        file.chmod(0o755 if executable else 0o644)
        return file

    def read(self, name: str) -> str:
        """The text of one file."""
        return (self.path / name).read_text(encoding="utf-8")

    def commit(self, message: str = "Change", *, add: bool = True) -> str:
        """Commit all there is (or only what is staged) and give the commit's id."""
        if add:
            self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head

    @property
    def head(self) -> str:
        """The id of the commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def state(self) -> UserState:
        """All that is the user's here, to be compared before and after."""
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        ours = ("refs/heads/m31a/", "refs/m31a/")
        return UserState(
            branch=self.git("rev-parse", "--symbolic-full-name", "HEAD"),
            refs=tuple(line for line in refs if not line.startswith(ours)),
            index=tuple(self.git("ls-files", "--stage", "-v", "-z").split("\0")),
            stash=tuple(self.git("stash", "list", "--format=%H").splitlines()),
            files=dict(self._files()),
        )

    def _files(self) -> Iterator[tuple[str, tuple[int, bytes]]]:
        for folder, folders, names in os.walk(self.path):
            place = Path(folder)
            if place == self.path:
                folders[:] = [name for name in folders if name not in {".git", ".m31a"}]
            links = [name for name in folders if (place / name).is_symlink()]
            for name in [*names, *links]:
                file = place / name
                content = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
                yield str(file.relative_to(self.path)), (file.lstat().st_mode, content)

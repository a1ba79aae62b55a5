"""Real repositories in temporary folders, made and judged with git itself."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def no_foreign_git_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home of our own, so that no setting of the machine plays a part."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("EMAIL", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@dataclass(frozen=True)
class Project:
    """A folder with a repository, as its user sees it."""

    root: Path

    def git(self, *args: str, input: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.root, input=input, capture_output=True, check=check
        )
        return os.fsdecode(done.stdout).rstrip("\n")

    def write(self, path: str, text: str | bytes, mode: int | None = None) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        if mode is not None:
            target.chmod(mode)
        return target

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def commit(self, message: str = "work", **files: str) -> str:
        for path, text in files.items():
            self.write(path.replace("__", "."), text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def files(self) -> dict[str, str]:
        """Kind, mode and hash of everything outside the git folder."""
        found = {}
        for folder, names, files in os.walk(self.root):
            if ".git" in names:
                names.remove(".git")
            for name in files + [name for name in names if Path(folder, name).is_symlink()]:
                path = Path(folder, name)
                if path.is_symlink():
                    fact = f"link {os.readlink(path)}"
                else:
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    fact = f"{path.stat().st_mode & 0o777:o} {digest}"
                found[os.path.relpath(path, self.root)] = fact
        return found

    def index(self) -> str:
        return self.git("ls-files", "--stage", "-v", "-z") + self.git(
            "diff", "--cached", "--raw", "-z", "--ita-visible-in-index", check=False
        )

    def refs(self, *, ours: bool = False) -> str:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        kept = [line for line in lines if ours or "m31a/" not in line]
        return "\n".join([*kept, self.git("symbolic-ref", "-q", "HEAD", check=False)])

    def state(self) -> tuple[dict[str, str], str, str, str]:
        """All that is the user's: files, index, references with HEAD, stash."""
        return self.files(), self.index(), self.refs(), self.git("stash", "list")


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    def make(name: str = "project", *options: str) -> Project:
        root = tmp_path / name
        root.mkdir()
        project = Project(root)
        project.git("init", "-q", "-b", "main", *options)
        project.git("config", "user.name", "Ann User")
        project.git("config", "user.email", "ann@example.org")
        return project

    return make


@pytest.fixture
def project(make_project: MakeProject) -> Iterator[Project]:
    """A small project with one commit."""
    project = make_project()
    project.write("README.md", "# A project\n")
    project.write("src/app.py", "def main():\n    return 1\n")
    project.write("src/tool.sh", "#!/bin/sh\n", mode=0o755)
    project.write("docs/old.txt", "old\n")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "Start")
    yield project


@pytest.fixture(scope="session")
def project_class() -> type[Project]:
    return Project

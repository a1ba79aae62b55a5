"""A user's repository for tests: made, changed and judged with git itself, not with our code.

Nothing here is used by the package. Git is started plainly, as a user at a shell would.
"""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

State = tuple[dict[str, str], str, str, str]
"""Files, index, references with HEAD, and stash."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a repository, as its user sees it."""

    root: Path

    @classmethod
    def make(cls, root: Path, *options: str) -> "Project":
        """A new repository with a name to commit in, and no commit yet."""
        root.mkdir(parents=True)
        project = cls(root)
        project.git("init", "-q", "-b", "main", *options)
        project.git("config", "user.name", "Ann User")
        project.git("config", "user.email", "ann@example.org")
        return project

    def git(self, *args: str, input: bytes | None = None, check: bool = True) -> str:  # noqa: A002
        """What git wrote to standard output."""
        done = subprocess.run(
            ["git", *args], cwd=self.root, input=input, capture_output=True, check=check
        )
        return os.fsdecode(done.stdout).rstrip("\n")

    def write(self, path: str, text: str | bytes, mode: int | None = None) -> Path:
        """The file at `path`, now with these contents."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        if mode is not None:
            target.chmod(mode)
        return target

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_text()

    def commit(self, message: str = "work", **files: str) -> str:
        """The id of a commit of everything; `__` in the name of a file stands for a dot."""
        for path, text in files.items():
            self.write(path.replace("__", "."), text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        """The commit HEAD is at."""
        return self.git("rev-parse", "HEAD")

    def files(self) -> dict[str, str]:
        """Mode and hash, or target, of everything outside the git folder."""
        found = {}
        for folder, names, files in os.walk(self.root):
            if ".git" in names:
                names.remove(".git")
            for name in files + [name for name in names if Path(folder, name).is_symlink()]:
                path = Path(folder, name)
                if path.is_symlink():
                    fact = f"link {path.readlink()}"
                else:
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    fact = f"{path.stat().st_mode & 0o777:o} {digest}"
                found[os.path.relpath(path, self.root)] = fact
        return found

    def index(self) -> str:
        """Every entry of the index with its marks, intents to add included."""
        staged = ("diff", "--cached", "--raw", "-z", "--ita-visible-in-index")
        return self.git("ls-files", "--stage", "-v", "-z") + self.git(*staged, check=False)

    def refs(self) -> str:
        """Every reference that is the user's own, and the branch HEAD is on."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        kept = [line for line in lines if "m31a/" not in line]
        return "\n".join([*kept, self.git("symbolic-ref", "-q", "HEAD", check=False)])

    def state(self) -> State:
        """All that is the user's."""
        return self.files(), self.index(), self.refs(), self.git("stash", "list")

"""Real repositories in temporary folders."""

import os
import shutil
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import Landing, Repository
from m31a_rollback.testing import Project


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Half of the tests run on either, told apart by name; test_rollback_git.py runs on both."""
    return ("asyncio", "trio")[zlib.crc32(request.node.name.encode()) % 2]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own, so that no setting of the machine plays a part."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("EMAIL", raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    def make(name: str = "project", *options: str) -> Project:
        return Project.make(tmp_path / name, *options)

    return make


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project.make(tmp_path_factory.mktemp("template") / "project")
    project.write("README.md", "# A project\n")
    project.write("src/app.py", "def main():\n    return 1\n")
    project.write("src/tool.sh", "#!/bin/sh\n", mode=0o755)
    project.write("docs/old.txt", "old\n")
    project.commit("Start")
    return project.root


@pytest.fixture
def project(small_project: Path, tmp_path: Path) -> Project:
    """A small project with one commit."""
    shutil.copytree(small_project, tmp_path / "project")
    project = Project(tmp_path / "project")
    project.git("update-index", "--refresh")
    return project


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root, trusted=True)


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return tmp_path / "trees" / "1"


@pytest.fixture
def stored() -> Callable[[Landing], Awaitable[None]]:
    """An intention that is kept elsewhere."""

    async def stored(landing: Landing) -> None:
        """It is kept."""

    return stored


@pytest.fixture
def typical() -> Callable[[Path], None]:
    """Changes of every kind that a run makes in the small project."""

    def typical(root: Path) -> None:
        (root / "src/app.py").write_text("def main():\n    return 2\n")
        (root / "src/new.py").write_text("new = 1\n")
        (root / "docs/old.txt").unlink()
        (root / "run.sh").write_text("#!/bin/sh\n")
        (root / "run.sh").chmod(0o755)
        (root / "link").symlink_to("src/app.py")
        (root / os.fsdecode(b"odd \xe9\n\"name'")).write_text("odd\n")

    return typical


@pytest.fixture
def result_of() -> Callable[..., Awaitable[str]]:
    """Makes a commit in a work tree beside the user's."""

    async def result_of(
        repository: Repository, trees: Path, change: Callable[[Path], None], base: str = "HEAD"
    ) -> str:
        at = datetime(2026, 11, 2, tzinfo=UTC)
        base = await repository.resolve(base)
        tree = await repository.worktree(trees, base)
        change(tree.path)
        commit = await repository.commit_tree(await tree.tree_id(), [base], "feat: work", at=at)
        await tree.remove()
        return commit

    return result_of

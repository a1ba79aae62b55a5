"""Real repositories in temporary folders."""

import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

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

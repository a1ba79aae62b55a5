"""Fixtures of the tests that need more than one package: a person's home, a project in it."""

from pathlib import Path

import pytest

from journey import ProjectFolder, isolated_environment


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a person with an empty home and a git identity; pass them to a process."""
    return isolated_environment(tmp_path / "home")


@pytest.fixture
def own_home(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same person's variables set in this process, for code called directly."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Path(environment["HOME"])


@pytest.fixture
def project(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    """A repository with one commit, one module and one passing test."""
    return ProjectFolder.create(
        tmp_path / "project",
        environment,
        {
            "sums.py": "def add(a, b):\n    return a + b\n",
            "test_sums.py": (
                "import unittest\n\nfrom sums import add\n\n\n"
                "class Sums(unittest.TestCase):\n"
                "    def test_add(self):\n"
                "        self.assertEqual(5, add(2, 3))\n"
            ),
        },
    )

"""A person's home, the command line in this process, and one demo that many tests look at."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from journey import isolated_environment
from m31a_headless.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    environment = isolated_environment(home)
    for name in ("DBUS_SESSION_BUS_ADDRESS", "OPENROUTER_API_KEY", "M31A_OPENROUTER_API_KEY"):
        patch.delenv(name, raising=False)
    for name, value in environment.items():
        patch.setenv(name, value)


def called(*words: str | Path) -> Said:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main([str(word) for word in words])
    return Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Call the command line in a folder without git, as a person with an empty home."""
    isolate(monkeypatch, tmp_path / "home")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "notes.txt").touch()  # an empty folder would be made a repository
    monkeypatch.chdir(folder)
    return called


@dataclass(frozen=True, slots=True)
class DoneDemo:
    """A demo that has ended: its project, and what was said."""

    folder: Path
    said: Said

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.said.out))


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def done_demo(demo_home: Path) -> DoneDemo:
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, demo_home / "home")
        said = called("demo", demo_home / "shop", "--output", "json", "--verbose")
    assert said.code == 0, said
    return DoneDemo(demo_home / "shop", said)


@pytest.fixture
def after_demo(done_demo: DoneDemo, demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line of the person who ran the demo, in its folder."""
    isolate(monkeypatch, demo_home / "home")
    monkeypatch.chdir(done_demo.folder)
    return called

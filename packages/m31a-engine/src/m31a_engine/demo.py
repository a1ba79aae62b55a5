"""The embedded default: a small real project, a recorded model, everything else real.

The model's words are a recording, played over real HTTP and SSE on loopback. Git, files,
the test runner, the commit and the ledger are the real ones.
"""

import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec

from m31a_engine.assembly import build
from m31a_engine.config import load_config
from m31a_engine.desk.opened import refusing
from m31a_engine.errors import Refused
from m31a_engine.machine import Mode
from m31a_engine.run import Run
from m31a_engine.session.state import Options
from m31a_rollback import Identity, Repository

GOAL = "Make slugify() keep numbers and collapse repeated dashes"
MODEL = "demo-recording"
PROJECT = "demo_project"


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo in progress and where it happens."""

    run: Run
    folder: Path
    goal: str
    address: str
    """Where the recording is played."""


@asynccontextmanager
async def demo(
    folder: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> AsyncGenerator[Demo]:
    """A run of the demo's goal in a new project at `folder` (None: a new temporary folder).

    Raises:
        Refused: `folder` exists and is not empty, or git is missing or too old.
    """
    # Only the demo plays a model; every other run would pay for importing a server.
    from m31a_providers.testing import ModelServer, Script

    recording = msgspec.json.decode(_file("recording.json"), type=Script)
    place = await _project(folder)
    with ModelServer(recording, check=False) as server:
        config = load_config(
            place,
            environ,
            {
                **overrides,
                "provider.default": "demo",
                "provider.auto_fallback": False,
                "provider.demo.base_url": server.base_url,
                "model.default": MODEL,
                "permissions.mode": "allow_all",
            },
            trusted=True,
        )
        engine = build(config, place, environ=environ)
        options = Options(mode=Mode.FULL, kind="demo", ask_questions=False)
        async with engine.start(GOAL, options) as run:
            yield Demo(run=run, folder=place, goal=GOAL, address=server.base_url)


def _file(name: str) -> bytes:
    return (resources.files("m31a_engine") / "demo_data" / name).read_bytes()


async def _project(folder: Path | None) -> Path:
    place = folder or Path(tempfile.mkdtemp(prefix="m31a-demo-"))
    if place.exists() and any(place.iterdir()):
        raise Refused(f"{place} is not empty", remedy="name a new folder for the demo")
    place.mkdir(parents=True, exist_ok=True)
    for name in ("slugs.py", "test_slugs.py", "README.md"):
        (place / name).write_bytes(_file(f"{PROJECT}/{name}.txt"))
    with refusing():
        await Repository.init(
            place,
            "A small project with one failing test",
            add_all=True,
            author=Identity(name="M31A Demo", email="demo@example.invalid"),
            trusted=True,
        )
    return place

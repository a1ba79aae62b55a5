"""What tests of the app share: both event loops, and snapshots of screens as text."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from m31a.draw.theme import THEMES, Theme
from m31a.terminal.ink import Depth, Ink
from m31a.testing import LOOKS, SIZES, Desk

PICTURED = SIZES[1:3]
"""The sizes pictures are made in."""
Snapshot = Callable[[Callable[[], Desk], str], None]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def snapshot() -> Snapshot:
    """Compare a screen with its pictures, in all sizes and looks.

    `snapshot(make, "screen/state")`: `make` gives the desk anew; the pictures stand in
    `snapshots/screen/state.txt`. `M31A_SNAPSHOTS=write` draws them anew, to be looked at.
    `M31A_PAINTED` names a folder for painted frames, of which tools/screenshots.py makes PNGs.
    """

    def compare(make: Callable[[], Desk], name: str) -> None:
        pictures = []
        for size in SIZES:
            desk = make().resize(size)
            frame = desk.frame
            assert [line.text for line in frame.lines if line.width > size.width] == []
            assert len(frame.lines) == size.height
            for theme, depth in LOOKS:
                _check_look(desk, theme, depth)
            if "M31A_PAINTED" in os.environ and size in PICTURED:
                _keep_painted(desk, Path(os.environ["M31A_PAINTED"]), name)
            pictures.append(f"== {size.width}x{size.height}\n{desk.text}\n")
        text = "\n".join(pictures)
        file = Path(__file__).parent / "snapshots" / f"{name}.txt"
        if os.environ.get("M31A_SNAPSHOTS") == "write":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"no snapshot {file.name}: draw it with M31A_SNAPSHOTS=write"
        assert file.read_text(encoding="utf-8") == text

    return compare


def _keep_painted(desk: Desk, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    size = desk.frame.size
    stem = f"{name.replace('/', '-')}-{size.width}x{size.height}"
    for theme in (THEMES["dark"], THEMES["light"]):
        file = folder / f"{stem}-{theme.name}.ansi"
        file.write_text(desk.painted(Ink(theme, Depth.TRUE)), encoding="utf-8")


def _check_look(desk: Desk, theme: Theme, depth: Depth) -> None:
    """The look has the screen's text; without colour no colour is sent."""
    painted = desk.painted(Ink(theme, depth))
    if depth is Depth.MONO:
        assert "\x1b[3" not in painted.replace("\x1b[3m", "")
        assert ";3" not in painted.replace(";3m", "m")

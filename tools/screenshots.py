"""Draw every screen of the terminal app as pictures, to be looked at.

python tools/screenshots.py FOLDER              each pictured state in two sizes, dark and light
python tools/screenshots.py FOLDER plan repl    only states whose name has one of these words

The states are those of the snapshot tests in apps/m31a/tests. It needs Pillow and DejaVu Sans
Mono (Debian: apt-get install fonts-dejavu-core), or another monospaced font in M31A_FONT.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from wcwidth import iter_graphemes, wcswidth

import workspace

try:
    Image, ImageDraw, ImageFont = map(
        import_module, ("PIL.Image", "PIL.ImageDraw", "PIL.ImageFont")
    )
except ImportError:
    print("m31a: pictures need Pillow: pip install pillow", file=sys.stderr)
    sys.exit(2)

TESTS = workspace.ROOT / "apps" / "m31a" / "tests"
FONTS = Path(os.environ.get("M31A_FONT", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"))
POINTS = 15
CELL = (9, 19)
MARGIN = 8
COLOURS = 255
"""Colours kept in a picture; the shades at the edges of letters are the most of them."""
GROUNDS = {"dark": ("#c9d1d9", "#0d1117"), "light": ("#1f2328", "#ffffff")}
"""Text and ground of an ordinary terminal for each look."""
LEFT_EIGHTHS, LOWER_EIGHTHS = "▏▎▍▌▋▊▉", "▁▂▃▄▅▆▇"
_SGR = re.compile("\x1b\\[([0-9;]*)m")
_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}


@dataclass
class Pen:
    """What the styles read so far have turned on."""

    text: str
    ground: str
    flags: set[str] = field(default_factory=set)
    fg: str = ""
    bg: str = ""

    def turn(self, codes: list[int]) -> None:
        """Obey one sequence of codes as `m31a.terminal.ink` writes them for true colour."""
        while codes:
            code = codes.pop(0)
            if code in {38, 48}:
                colour = "#{:02x}{:02x}{:02x}".format(*codes[1:4])
                self.fg, self.bg = (colour, self.bg) if code == 38 else (self.fg, colour)
                del codes[:4]
            elif code in _FLAGS:
                self.flags.add(_FLAGS[code])
            else:
                self.flags, self.fg, self.bg = set(), "", ""

    def colours(self) -> tuple[str, str]:
        """Text and ground now."""
        pair = (self.fg or self.text, self.bg or self.ground)
        return (pair[1], pair[0]) if "reverse" in self.flags else pair


def cells(painted: str, pen: Pen) -> Iterator[tuple[int, str]]:
    """Column and grapheme of each character of a painted line; the pen is turned on the way."""
    column = 0
    for index, piece in enumerate(_SGR.split(painted)):
        if index % 2:
            pen.turn([int(code or 0) for code in piece.split(";")])
            continue
        for grapheme in iter_graphemes(piece):
            yield column, grapheme
            column += max(0, wcswidth(grapheme))


@cache
def font(style: str) -> Any:
    """The font, in a style when there is a file of it."""
    styled = FONTS.with_stem(f"{FONTS.stem}{style}")
    return ImageFont.truetype(styled if styled.is_file() else FONTS, POINTS)


def draw(painted: str, look: str) -> Any:
    """A picture of the lines as a terminal shows them."""
    text, ground = GROUNDS[look]
    lines = painted.split("\n")
    columns = max(wcswidth(_SGR.sub("", line)) for line in lines)
    size = (columns * CELL[0] + 2 * MARGIN, len(lines) * CELL[1] + 2 * MARGIN)
    picture = Image.new("RGB", size, ground)
    canvas = ImageDraw.Draw(picture)
    pen = Pen(text, ground)
    for row, line in enumerate(lines):
        for column, letter in cells(line, pen):
            x, y = MARGIN + column * CELL[0], MARGIN + row * CELL[1]
            front, back = pen.colours()
            right = x + CELL[0] * max(1, wcswidth(letter)) - 1
            if back != ground:
                canvas.rectangle((x, y, right, y + CELL[1] - 1), back)
            if not rule(canvas, letter, x, y, front):
                style = "-Bold" if "bold" in pen.flags else ""
                style = "-Oblique" if "italic" in pen.flags and not style else style
                canvas.text((x, y), letter, front, font(style))
            for name, at in (("underline", CELL[1] - 3), ("strike", CELL[1] // 2)):
                if name in pen.flags:
                    canvas.line((x, y + at, right, y + at), front)
    # Median cut joins colours that few letters have; an octree keeps the theme's own apart.
    few = Image.Quantize.FASTOCTREE
    return picture.quantize(COLOURS, method=few, dither=Image.Dither.NONE)


def rule(canvas: Any, letter: str, x: int, y: int, colour: str) -> bool:
    """Draw straight lines and blocks so that neighbours touch, as terminals do."""
    wide, high = CELL
    middle, centre = y + high // 2, x + wide // 2
    match letter:
        case "─":
            canvas.line((x, middle, x + wide - 1, middle), colour)
        case "│":
            canvas.line((centre, y, centre, y + high - 1), colour)
        case "█":
            canvas.rectangle((x, y, x + wide - 1, y + high - 1), colour)
        case _ if letter in LEFT_EIGHTHS:
            filled = round(wide * (LEFT_EIGHTHS.index(letter) + 1) / 8)
            canvas.rectangle((x, y, x + max(1, filled) - 1, y + high - 1), colour)
        case _ if letter in LOWER_EIGHTHS:
            filled = round(high * (LOWER_EIGHTHS.index(letter) + 1) / 8)
            canvas.rectangle((x, y + high - filled, x + wide - 1, y + high - 1), colour)
        case "╭" | "╮" | "╰" | "╯":
            side = x + wide - 1 if letter in "╭╰" else x
            end = y + high - 1 if letter in "╭╮" else y
            canvas.line((centre, middle, side, middle), colour)
            canvas.line((centre, middle, centre, end), colour)
        case _:
            return False
    return True


def painted_states(folder: Path) -> list[Path]:
    """The painted frames that the snapshot tests leave in a folder."""
    told = {**os.environ, "M31A_PAINTED": str(folder)}
    pictured = [file for file in TESTS.glob("test_*.py") if "snapshot(" in file.read_text("utf-8")]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, pictured)]
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=workspace.ROOT, env=told, check=False)
    print(f"pytest ended with {done.returncode}", file=sys.stderr)
    return sorted(folder.rglob("*.ansi"))


def main(words: list[str]) -> int:
    """Draw what is wanted; 1 when there was nothing to draw."""
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(words[0])
    files = painted_states(folder)
    wanted = [file for file in files if not words[1:] or any(w in file.stem for w in words[1:])]
    for file in wanted:
        look = file.stem.rpartition("-")[2]
        draw(file.read_text(encoding="utf-8"), look).save(file.with_suffix(".png"), optimize=True)
    print(f"{len(wanted)} pictures in {folder}")
    return 0 if wanted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

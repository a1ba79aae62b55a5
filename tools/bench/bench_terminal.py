"""Figures of the terminal app beside textual, prompt_toolkit and rich on one streaming job.

Prints ratios, so that machines can be compared; exits 1 when a promise is not kept. Peers that
are not installed are left out, and that is said: pip install textual prompt_toolkit rich.
Run it with `python tools/bench/bench_terminal.py [ROUNDS]`.
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from m31a import catalogue
from m31a.draw.frame import Size
from m31a.draw.theme import THEMES
from m31a.program.app import App, Stage
from m31a.program.scene import Scene, Settings
from m31a.story.blocks import Notice, Said
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink

ROUNDS = 2
PROGRAM = Path(__file__).with_name("terminal_programs.py")
PROGRAMS = ("m31a", "textual", "prompt_toolkit", "rich")
READY = "ready to go"
SIZE = (24, 80)
LONGEST_S = 60.0
KEY_EVERY_S = 0.06
LETTERS = "ΔΘΛΞΠΣΦΨΩБДЖЗИЛПФЦЧШЩЭЮЯабвгдежзиклмнпртуфцчшщэюя"
"""Typed one by one; none stands in the text."""
IDLE_S = 3.0
QUERIES = {
    rb"\x1b\[0?c": b"\x1b[?62;22c",
    rb"\x1b\[6n": b"\x1b[1;1R",
    rb"\x1b\[\?u": b"\x1b[?0u",
    rb"\x1b\]11;\?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    rb"\x1b\[\?2026\$p": b"\x1b[?2026;2$y",
}
PROMISES = {
    "CPU / textual": 0.15,
    "bytes / textual": 0.12,
    "key median, ms": 1.0,
    "key p99 / prompt_toolkit": 0.4,
    "frame, 100,000 lines / 100": 1.2,
    "bytes while idle": 0.0,
    "first paint / python -c pass": 15.0,
}


@dataclass
class Terminal:
    """The far end of a program's terminal: it answers queries, counts bytes, times keys."""

    child: "subprocess.Popen[bytes]"
    master: int
    began_s: float
    count: int = 0
    first_s: float | None = None
    seen: bytes = b""

    def read(self, wait_s: float) -> bytes:
        """What came within this time; may be nothing."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return b""
        self.first_s = self.first_s or time.monotonic()
        self.count += len(data)
        self.seen = (self.seen + data)[-4096:]
        for query, answer in QUERIES.items():
            for _ in re.findall(query, data):
                os.write(self.master, answer)
        return data

    def until(self, text: str) -> None:
        """Read until this text came."""
        end_s = time.monotonic() + LONGEST_S
        while text.encode() not in self.seen:
            if time.monotonic() > end_s or self.child.poll() is not None:
                raise RuntimeError(f"{text!r} never came: {self.seen[-800:]!r}")
            self.read(0.1)

    def quiet(self, wait_s: float) -> int:
        """How many bytes came in this time."""
        before, end_s = self.count, time.monotonic() + wait_s
        while (left_s := end_s - time.monotonic()) > 0:
            self.read(left_s)
        return self.count - before


@contextmanager
def terminal(*words: str | Path) -> Iterator[Terminal]:
    """A program of this Python in a terminal of its own; killed at the end."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, SIZE)
    with tempfile.TemporaryDirectory() as home:
        own = {"HOME": home, "M31A_HOME": home, "TERM": "xterm-256color", "TEXTUAL_FPS": "30"}
        own |= {"COLORTERM": "truecolor", "M31A_MODEL_DEFAULT": "any", "PWD": home}
        child = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, **own},
            cwd=home,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        try:
            yield Terminal(child, master, time.monotonic())
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            os.close(slave)
            os.close(master)


@dataclass
class Job:
    """What one library's runs came to."""

    cpu_s: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    keys_ms: list[float] = field(default_factory=list)


def stream_once(name: str, job: Job, report: Path, letters: str) -> None:
    """Run the job once; with letters to type its figures are those of the keys."""
    with terminal(PROGRAM, name, report, READY) as shown:
        shown.until(READY)
        shown.quiet(0.9)
        before, end_s = shown.count, time.monotonic() + LONGEST_S
        typed = iter(letters)
        while not report.exists():
            if time.monotonic() > end_s or shown.child.poll() is not None:
                raise RuntimeError(f"{name} does not end: {shown.seen[-800:]!r}")
            if (letter := next(typed, "")) and (took_ms := key_ms(shown, letter)) is not None:
                job.keys_ms.append(took_ms)
            shown.quiet(KEY_EVERY_S)
        if not letters:
            job.cpu_s.append(float(report.read_text(encoding="utf-8")))
            job.sent.append(shown.count - before)


def key_ms(shown: Terminal, letter: str) -> float | None:
    """How long a letter takes from the key to the screen; None when it is never seen."""
    begun_s, came = time.perf_counter(), b""
    os.write(shown.master, letter.encode())
    while (waited_s := time.perf_counter() - begun_s) < 3.0:
        came += shown.read(3.0 - waited_s)
        if letter.encode() in came:
            return (time.perf_counter() - begun_s) * 1000
    return None


def frame_cost_ms(lines: int) -> float:
    """CPU of one streamed frame (view and difference) below so many lines of conversation."""
    stage = Stage(catalogue.open_screen, catalogue.screen_for, catalogue.TITLES)
    scene = Scene(project="bench", settings=Settings(motion=False))
    old = (Notice(f"line {number} of the conversation") for number in range(lines))
    story = scene.story.adding(*old, Said("talk", ""))
    app, _ = stage.open(App(Size(80, 24), scene), "repl")
    app = stage.resize(app, Size(80, 24))
    differ = Differ(Ink(THEMES["dark"], Depth.TRUE), sync=True)
    costs = []
    for number in range(150):
        said = Said("talk", "a word and another " * (number % 20 + 1))
        begun_s = time.process_time()
        grown = replace(story, blocks=story.blocks.changing(lines, said))
        app = replace(app, scene=replace(app.scene, story=grown))
        differ.update(stage.frame(app))
        costs.append(time.process_time() - begun_s)
    return median(costs) * 1000


def start_times_s(rounds: int) -> tuple[float, float, int]:
    """Median seconds to the first paint, of `python -c pass`, and bytes sent while idle."""
    paints, bare, idle = [], [], 0
    for _ in range(rounds + 2):
        begun_s = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.monotonic() - begun_s)
        with terminal("-m", "m31a") as shown:
            shown.until("❯")
            paints.append(time.monotonic() - shown.began_s)
    with terminal("-m", "m31a") as shown:
        shown.until("Say what should be true")
        shown.quiet(IDLE_S)
        idle = shown.quiet(IDLE_S)
    return median(paints), median(bare), idle


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(words: list[str]) -> int:
    """Measure, print, judge."""
    rounds = int(words[0]) if words else ROUNDS
    load = os.getloadavg()[0]
    print(f"load {load:.1f} on {os.cpu_count()} cores: figures are good on an idle machine alone")
    there = [name for name in PROGRAMS if name == "m31a" or find_spec(name) is not None]
    for name in sorted({*PROGRAMS} - {*there}):
        print(f"left out: {name} is not installed")
    jobs = {name: Job() for name in there}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name, job in jobs.items():
                stream_once(name, job, Path(folder) / f"{name}-{number}", "")
                if name != "rich":
                    stream_once(name, job, Path(folder) / f"{name}-{number}-keys", LETTERS)
    for name, job in jobs.items():
        keys = job.keys_ms
        spread = (
            f"{percentile(keys, 0.5):7.1f} / {percentile(keys, 0.99):7.1f} ms a key ({len(keys)})"
            if keys
            else ""
        )
        print(f"{name:15} {median(job.cpu_s):6.2f} s CPU {median(job.sent):9,.0f} bytes {spread}")
    ratios = judged(jobs)
    paint_s, bare_s, idle = start_times_s(rounds)
    ratios["first paint / python -c pass"] = paint_s / bare_s
    ratios["bytes while idle"] = float(idle)
    few_ms, many_ms = frame_cost_ms(100), frame_cost_ms(100_000)
    ratios["frame, 100,000 lines / 100"] = many_ms / few_ms
    print(f"frame {few_ms:.2f} ms with 100 lines, {many_ms:.2f} ms with 100,000")
    print(f"first paint {paint_s * 1000:.0f} ms, python -c pass {bare_s * 1000:.0f} ms")
    broken = [name for name, ratio in ratios.items() if ratio > PROMISES.get(name, ratio)]
    for name, ratio in ratios.items():
        most = f"at most {PROMISES[name]:g}" if name in PROMISES else ""
        print(f"{name:32} {ratio:8.3f}  {most}{'  NOT KEPT' if name in broken else ''}")
    return 1 if broken else 0


def judged(jobs: dict[str, Job]) -> dict[str, float]:
    """Our figures as shares of each peer's."""
    ours = jobs["m31a"]
    ratios = {"key median, ms": percentile(ours.keys_ms, 0.5)}
    for name, job in jobs.items():
        if name == "m31a":
            continue
        ratios[f"CPU / {name}"] = median(ours.cpu_s) / median(job.cpu_s)
        ratios[f"bytes / {name}"] = median(ours.sent) / median(job.sent)
        if job.keys_ms:
            for share in (50, 99):
                mine, theirs = (percentile(each.keys_ms, share / 100) for each in (ours, job))
                ratios[f"key p{share} / {name}"] = mine / theirs
    return ratios


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

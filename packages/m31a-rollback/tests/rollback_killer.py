"""Does one thing to a repository and dies at a chosen moment, without a word, as kill -9 would.

Reads jobs from standard input, one JSON object a line, and answers each with the number of
moments it came by. A moment is any call that changes a file or starts a process, counted by the
interpreter's own audit events. With `spins`, the moments are the starts of git, and the git that
was started dies as well, a little later the more spins: so dies all that runs in a container.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import anyio

from m31a_rollback import Landing, Repository, hard_reset, undo

MOMENTS = {
    "fcntl.flock",
    "open",
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.utime",
    "shutil.copyfile",
    "subprocess.Popen",
}


def writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


class Clock:
    """Counts moments, and ends the process at one of them."""

    def __init__(self, kill_at: int, spins: int | None, answer: int) -> None:
        self.kill_at = kill_at
        self.spins = spins
        self.answer = answer
        self.passed = 0
        self.running = False

    def tick(self, event: str, args: tuple[object, ...]) -> None:
        if not self.running or event not in MOMENTS:
            return
        if event == "open" and not writes(args[2]):
            return
        if self.spins is not None and event != "subprocess.Popen":
            return
        self.passed += 1
        if self.passed != self.kill_at:
            return
        if self.spins is None:
            os.kill(os.getpid(), signal.SIGKILL)
        elif os.fork() == 0:
            sweep_away(os.getppid(), self.spins, self.answer)


def sweep_away(parent: int, spins: int, answer: int) -> None:
    """End a process and the git it is about to start, as if they ended at one moment.

    The pipe for the answer stays open until both are gone; the others are closed, or that git
    would seem to go on writing.
    """
    os.closerange(3, answer)
    os.closerange(answer + 1, 1024)
    while os.getppid() == parent:
        if children_of(parent):
            for _ in range(spins):
                os.sched_yield()
            end(parent, signal.SIGSTOP, "TZ")
            for git in children_of(parent):
                end(git, signal.SIGKILL, "Z")
            os.kill(parent, signal.SIGKILL)
            break
    os._exit(0)


def end(process: int, signal_: signal.Signals, states: str) -> None:
    """Send a signal and wait until the process is in one of the states of its `stat` file.

    Or until there is no such process: a thread of the parent's may come by its end before all of
    them have stopped.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(process, signal_)
        while Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in states:
            os.sched_yield()


def children_of(parent: int) -> list[int]:
    """Every child of a process but the one that asks."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{parent}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return [child for child in found if child != os.getpid()]


async def work(job: dict[str, str], clock: Clock) -> None:
    root = Path(job["root"])
    repository = await Repository.open(root, trusted=True)

    async def intend(landing: Landing) -> None:
        (root.parent / "journal").write_text(landing.to_json())

    if job["verb"] == "land":
        landing = await repository.plan_landing("HEAD", job["commit"])
        clock.running = True
        await repository.land(landing, intend=intend)
    elif job["verb"] == "hard":
        clock.running = True
        await hard_reset(repository, job["commit"])
    else:
        clock.running = True
        await undo(repository)
    clock.running = False


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        if os.fork() == 0:
            clock = Clock(job["kill_at"], job["spins"], writing)
            sys.addaudithook(clock.tick)
            anyio.run(work, job, clock)
            os.write(writing, str(clock.passed).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answers:
            passed = answers.read()
        os.wait()
        print(passed or "killed", flush=True)


if __name__ == "__main__":
    main()

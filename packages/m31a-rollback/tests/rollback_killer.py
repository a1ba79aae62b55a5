"""Does one thing to a repository and dies at a chosen moment, without a word, as kill -9 would.

Reads jobs from standard input, one JSON object a line, and answers each with the number of
moments it came by. A moment is any call that changes a file or starts a process, counted by the
interpreter's own audit events.
"""

import json
import os
import signal
import sys
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

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.passed = 0
        self.running = False

    def tick(self, event: str, args: tuple[object, ...]) -> None:
        if not self.running or event not in MOMENTS:
            return
        if event == "open" and not writes(args[2]):
            return
        self.passed += 1
        if self.passed == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


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
            clock = Clock(job["kill_at"])
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

"""A program that is killed at a chosen place: a write of its journal, a byte of it, a step."""

import sys

from journey import Ended, ProjectFolder, run_program

_DIES = """
import errno, os, signal, stat, sys

how, at, share = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
syncs = steps = lengths = 0
landing = False

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def stepped():
    global steps
    if how == "step" or (how == "landing" and landing):
        steps += 1
        if steps == at:
            die()

def fills(descriptor):
    if how == "full" and syncs >= at and stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

def written(descriptor, data, real=os.write):
    global landing, lengths
    fills(descriptor)
    count = real(descriptor, data)
    lengths = len(data)
    landing = landing or (b'"kind":"intent"' in bytes(data) and b'/landing"' in bytes(data))
    return count

def synced(descriptor, real=os.fdatasync):
    global syncs
    syncs += 1
    stepped()
    if syncs == at and how == "before":
        die()
    if syncs == at and how == "torn":
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - 1 - int(share * (lengths - 1)))
        die()
    real(descriptor)
    if syncs == at and how == "after":
        die()

STEPS = {"subprocess.Popen", "os.rename", "os.remove", "os.link"}
os.write, os.fdatasync = written, synced
sys.addaudithook(lambda event, _: stepped() if event in STEPS else None)
from m31a_headless.cli import main
sys.exit(main(sys.argv[4:]))
"""


def dies(project: ProjectFolder, how: str, at: int, *words: str, share: float = 0.0) -> Ended:
    """Run `m31a-headless WORDS` until it is killed, or to its end when that comes earlier.

    `before` and `after` count syncs of the journal; `torn` as well, and cuts a share of the last
    write off. `step` dies before a program is started, a file renamed or removed, or the journal
    synced; `landing` counts such steps from the moment a landing is intended. `full` kills
    nothing: after so many syncs no file takes another byte of the program's.
    """
    return run_program(
        *(sys.executable, "-c", _DIES, how, str(at), str(share), *words),
        cwd=project.path,
        env=project.environment,
    )

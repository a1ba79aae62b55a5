"""A program that is killed at a given write of its journal."""

DIES = """
import os, signal, sys
real, left, early = os.fdatasync, [int(sys.argv[1])], sys.argv[2] == "before"
def dying(descriptor):
    left[0] -= 1
    if left[0] == 0 and early:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.fdatasync = dying
from m31a_headless.cli import main
sys.exit(main(sys.argv[3:]))
"""
"""For `python -c`: how many syncs it lives, `before` or `after` the last, then a command line."""

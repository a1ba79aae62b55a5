"""Keys pressed right after a question has come up were meant for what stood there before."""

from m31a.program.scene import Scene

LOCK_S = 0.4
LOCKED = "keys unlock in a moment; what you type goes to the prompt"


def is_locked(seen_s: float, scene: Scene) -> bool:
    """Whether a question that is seen since `seen_s` takes no keys yet."""
    return scene.now_s - seen_s < LOCK_S


def wake_s(seen_s: float, scene: Scene) -> float:
    """When it unlocks; after that every second, for the time that is left to answer."""
    locked_s = seen_s + LOCK_S - scene.now_s
    return locked_s if locked_s > 0 else 1.0

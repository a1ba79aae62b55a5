"""What comes in beside the keys, kept in its order until the loop takes it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import anyio

from m31a.program.joining import joined
from m31a.program.messages import Message, Told
from m31a.program.scene import Scene
from m31a.story.telling import hear
from m31a_engine import Envelope

MOST_WAITING = 512
"""Events of the run that may wait; the run waits when there are more."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that came in beside the keys."""

    message: Message | None = None
    slot: int | None = None
    """The screen it is for; None for all."""
    scene: Callable[[Scene], Scene] | None = None
    """What it changes in the scene, before the message is told."""
    note: tuple[str, str] | None = None
    """A toast: text and level."""


class Inbox:
    """Everybody puts in, the loop takes out; a run that tells more than is taken waits."""

    def __init__(self) -> None:
        self._news: deque[News] = deque()
        self._room = anyio.Event()
        self.nudge: Callable[[], None] = lambda: None
        """Wakes who takes out."""

    def __bool__(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._news)

    def put(self, news: News) -> None:
        """Tell the loop something."""
        self._news.append(news)
        self.nudge()

    def take(self) -> News | None:
        """The oldest news, or None."""
        if not self._news:
            return None
        if len(self._news) <= MOST_WAITING // 2:
            self._room.set()
        return self._news.popleft()

    async def tell(self, envelope: Envelope) -> None:
        """Put in what a run tells: text that goes on where the newest ends becomes one with it."""
        if len(self._news) >= MOST_WAITING:
            self._room = anyio.Event()
            await self._room.wait()
        newest = self._news[-1].message if self._news else None
        more = joined(newest.envelope, envelope) if isinstance(newest, Told) else None
        if more is not None:
            self._news.pop()
        self.put(_telling(more or envelope))


def _telling(envelope: Envelope) -> News:
    def fold(scene: Scene) -> Scene:
        return replace(scene, story=hear(scene.story, envelope, scene.now_s))

    return News(Told(envelope), scene=fold)

"""The goals a person has entered, to be found and entered again."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.desk.kept import Kept
from m31a_engine.session.stream import utc_now
from m31a_engine.shipping.secrets import redact

MOST_GOALS = 200
LONGEST_GOAL = 4000
"""Characters of a goal that is kept; a longer one is a document, not something to type again."""


class PastGoal(msgspec.Struct, frozen=True, kw_only=True):
    """A goal, where it was entered and how often."""

    goal: str
    project: str
    at: str
    """The last time; UTC, ISO 8601."""
    times: int = 1


class HistoryFile(msgspec.Struct, frozen=True, kw_only=True):
    """`history.json`: the newest goal last."""

    version: int = 1
    goals: tuple[PastGoal, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Remembers goals, at most `MOST_GOALS`, secrets in them replaced."""

    file: Path

    def goals(self, project: Path | None = None, limit: int = MOST_GOALS) -> tuple[PastGoal, ...]:
        """The goals of a project (None: of all), the newest first.

        Raises:
            ConfigError: the file cannot be understood.
        """
        found = reversed(self._kept().read().goals)
        mine = (past for past in found if project is None or past.project == str(project))
        return tuple(mine)[:limit]

    def add(self, goal: str, project: Path) -> None:
        """Remember a goal; one that is known moves to the end.

        Raises:
            ConfigError: the file cannot be understood; it is left as it is.
        """
        text = redact(goal).strip()
        if not text or len(text) > LONGEST_GOAL:
            return
        place = str(project).encode("utf-8", "backslashreplace").decode()
        now = utc_now()

        def with_goal(before: HistoryFile) -> HistoryFile:
            same = [past for past in before.goals if (past.goal, past.project) == (text, place)]
            others = [past for past in before.goals if past not in same]
            times = 1 + sum(past.times for past in same)
            others.append(PastGoal(goal=text, project=place, at=now, times=times))
            return HistoryFile(goals=tuple(others[-MOST_GOALS:]))

        self._kept().change(with_goal)

    def clear(self) -> None:
        """Forget all goals."""
        self._kept().change(lambda _: HistoryFile())

    def _kept(self) -> Kept[HistoryFile]:
        return Kept(self.file, HistoryFile())

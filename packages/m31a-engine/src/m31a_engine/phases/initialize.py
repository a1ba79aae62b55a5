"""The first phase: what the project is, how it is checked, which phases the goal takes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.config import Config
from m31a_engine.events import ModeChosen, Noticed
from m31a_engine.intent import Intent, classify, raised
from m31a_engine.learning.memory import Recalled
from m31a_engine.machine import Mode, Phase, path_of
from m31a_engine.paths import is_text, shown_path
from m31a_engine.project.detect import count_sources, detect, paths_to_read
from m31a_engine.project.facts import ProjectFacts
from m31a_engine.session.state import Session, Step
from m31a_engine.session.stream import EventStream
from m31a_rollback import Repository, TreeEntry

MAX_MARKER_BYTES = 1_000_000
LISTING = 200

Recall = Callable[[str, str, Mode], Awaitable[Recalled]]
AskIntent = Callable[[str], Awaitable[Intent | None]]


@dataclass(frozen=True, slots=True)
class Initialize:
    """Looks at the base commit, not at the user's folder: what is not committed is not there."""

    repository: Repository
    config: Config
    stream: EventStream
    project: Path
    ask_intent: AskIntent
    recall: Recall
    """What is known from earlier runs here, for a goal, a type of project and a mode."""

    async def run(self, session: Session) -> Step:
        """The session with its facts, its mode and its branch's name."""
        entries = await self.repository.ls_tree(session.base)
        files = tuple(shown_path(entry.path) for entry in entries)
        facts = await self._detect(session, entries)
        intent = classify(session.goal, files=len(files), empty=not files)
        mode, reason = session.options.mode, "the mode was given"
        if mode is Mode.AUTO:
            mode, reason = self.config.features.workflow_mode, "the configuration names it"
        if mode is Mode.AUTO and not session.is_question:
            intent = await self._sure(session.goal, intent)
            mode, reason = intent.mode, intent.reason
        for note in facts.notes:
            await self.stream.emit(Noticed(text=note))
        session = msgspec.structs.replace(
            session,
            facts=facts,
            listing=_listing(files),
            source_files=count_sources(files),
            memory=await self.recall(session.goal, facts.type.value, mode),
            intent=intent,
            mode=mode,
            ignored=(*session.ignored, *self.config.ignored),
        )
        if session.is_question:
            await self.stream.emit(ModeChosen(mode=mode, reason="a question changes nothing"))
            return Step(session=session, next=Phase.IDLE)
        await self.stream.emit(ModeChosen(mode=mode, reason=reason))
        return Step(session=session, next=path_of(mode)[1])

    async def _detect(self, session: Session, entries: Sequence[TreeEntry]) -> ProjectFacts:
        files = tuple(entry.path for entry in entries if is_text(entry.path))
        small = {entry.path for entry in entries if (entry.size or 0) <= MAX_MARKER_BYTES}
        wanted = [path for path in paths_to_read(files) if path in small]
        contents = await self.repository.blobs(session.base, wanted) if wanted else {}
        return detect(
            self.project,
            files,
            self.config.verify,
            read=contents.get,
            trusted=self.config.trusted,
        )

    async def _sure(self, goal: str, guess: Intent) -> Intent:
        return guess if guess.sure else raised(guess, await self.ask_intent(goal))


def _listing(files: tuple[str, ...]) -> tuple[str, ...]:
    """Short paths first: they tell most about a project."""
    return tuple(sorted(files, key=lambda path: (path.count("/"), path))[:LISTING])

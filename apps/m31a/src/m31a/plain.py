"""The app as text that only grows: for pipes, dumb terminals and screen readers.

Nothing is redrawn and nothing moves. A question is a numbered list; an answer is a line.
"""

import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial

import anyio
import anyio.to_thread

from m31a.command_line import UsageError, wish_of
from m31a.engine_runs import EngineRuns
from m31a.program.current_run import Runs
from m31a.program.scene import Settings
from m31a.story.story import Story, begin, grows
from m31a.story.telling import tell
from m31a.widgets.block_lines import block_lines
from m31a.widgets.row_text import one_row, safe
from m31a.wish import Wish
from m31a_engine import (
    Answer,
    Ask,
    AskOpened,
    EngineError,
    Grant,
    Options,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    QuestionsAnswer,
    QuestionsAsk,
    Run,
    RunEnded,
    RunReport,
    ending_signals,
)
from m31a_headless.answers import Policy
from m31a_headless.exit_codes import USAGE, exit_code_of, exit_code_of_error
from m31a_headless.streams import forgive_letters

CELLS = 100
READ_ON = "  (an empty line takes what stands in brackets)"

Open = Callable[[], AbstractAsyncContextManager[Run]]


def run_plain(words: list[str]) -> int:
    """One goal after another, each line a goal; the exit code of the last run."""
    forgive_letters()
    try:
        wish = wish_of(words)
    except UsageError as exc:
        print(f"m31a: {exc}", file=sys.stderr)
        return USAGE
    runs = EngineRuns(
        project=wish.project,
        environ=os.environ,
        overrides=wish.overrides,
        options=wish.options,
        trust_project=wish.trust_project,
    )
    wish = runs.first_of(wish)
    if not wish.goal and not wish.resume and not _person_there():
        print('m31a: say what is to be done: m31a "GOAL"', file=sys.stderr)
        return USAGE
    return anyio.run(Plain(runs, wish).run)


def _person_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


class Plain:
    """Carries runs out and prints what happens, line by line."""

    def __init__(self, runs: Runs, wish: Wish) -> None:
        self._runs = runs
        self._wish = wish
        self._asked = Policy()
        self._shown = 0
        self._run: Run | None = None
        self._signal: int | None = None

    async def run(self) -> int:
        """The first goal, then those that are typed; the last one's exit code."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._obey_signals)
            code = await self._goals()
            group.cancel_scope.cancel()
        return code

    async def _goals(self) -> int:
        wish, code = self._wish, 0
        if wish.resume:
            code = await self._see("go on", partial(self._runs.resume, wish.session_id, Settings()))
        elif wish.goal:
            code = await self._see(wish.goal, self._start(wish.goal))
        while _person_there() and self._signal is None:
            line = await _typed("goal (an empty line leaves): ")
            if not line:
                return code
            code = await self._see(line, self._start(line))
        return code

    def _start(self, goal: str) -> Open:
        options: Options = self._wish.options
        return partial(self._runs.start, goal, options, Settings())

    async def _see(self, goal: str, open_run: Open) -> int:
        """One run to its end; an error that keeps it from beginning is a sentence."""
        try:
            report = await self._watch(goal, open_run)
        except (EngineError, BaseExceptionGroup) as exc:
            error = _engine_error(exc)
            text = f"{error.message}; {error.remedy}" if error.remedy else error.message
            print(f"m31a: {one_row(text)}", file=sys.stderr)
            return exit_code_of_error(error)
        if self._signal is not None:
            return 128 + self._signal
        return exit_code_of(report)

    async def _watch(self, goal: str, open_run: Open) -> RunReport:
        story = begin(Story(), goal, 0.0)
        self._shown = 1
        report: RunReport | None = None
        async with open_run() as run:
            self._run = run
            try:
                async for envelope in run.events:
                    story = tell(story, envelope.event)
                    self._print(story)
                    match envelope.event:
                        case AskOpened(ask=ask):
                            run.answer(await self._answer(ask))
                        case RunEnded() as ended:
                            report = ended.report
            finally:
                self._run = None
        assert report is not None, "every run ends with a report"
        return report

    def _print(self, story: Story) -> None:
        """The blocks that are whole now; one that still grows waits, and those behind it."""
        while self._shown < len(story.blocks):
            block = story.blocks[self._shown]
            if grows(block) and story.running:
                return
            for line in block_lines(block, CELLS):
                if line.spans:
                    print(line.text.rstrip(), flush=True)
            self._shown += 1

    async def _answer(self, ask: Ask) -> Answer:
        if not _person_there():
            return self._asked.answer(ask)
        match ask:
            case PermissionAsk():
                return await _permission(ask)
            case QuestionsAsk():
                return await _questions(ask)
            case PlanAsk():
                return await _plan(ask)

    async def _obey_signals(self) -> None:
        with anyio.open_signal_receiver(*ending_signals()) as signals:
            async for number in signals:
                self._signal = number
                if self._run is None:
                    raise SystemExit(128 + number)
                self._run.interrupt()


async def _typed(prompt: str) -> str | None:
    """A line from the person; None at the end of input."""
    print(prompt, end="", flush=True)
    with suppress(io.UnsupportedOperation):  # a thread that reads could not be told to stop
        await anyio.wait_readable(sys.stdin.fileno())
    line = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return line.strip() if line else None


async def _choice(prompt: str, choices: Mapping[str, str]) -> str:
    """One of numbered choices: the number, or the first letter; None of them asks again."""
    for number, (name, says) in enumerate(choices.items(), 1):
        print(f"  {number}. {name}: {says}")
    while True:
        line = await _typed(f"{prompt} (1-{len(choices)}): ")
        if line is None:
            return list(choices)[-1]
        for number, name in enumerate(choices, 1):
            if line.lower() in {str(number), name, name[0]}:
                return name


async def _permission(ask: PermissionAsk) -> Answer:
    request = ask.request
    print(f"\apermission needed: {request.tool}, risk {request.risk.value}")
    print(f"  {safe(request.detail)}")
    for name, text in (("why", request.reason), ("destroys", ", ".join(request.destroys))):
        if text:
            print(f"  {name}: {one_row(text)}")
    chosen = await _choice(
        "allow?",
        {"yes": "once", "always": "and from now on", "no": "deny", "later": "put it off"},
    )
    grants = {"yes": Grant.ONCE, "always": Grant.ALWAYS, "no": Grant.DENY, "later": Grant.DEFER}
    feedback = await _typed("why not? ") if chosen == "no" else None
    return PermissionAnswer(ask_id=ask.ask_id, grant=grants[chosen], feedback=feedback or "")


async def _questions(ask: QuestionsAsk) -> Answer:
    print(f"\a{len(ask.questions)} questions{READ_ON}")
    answers = []
    for number, question in enumerate(ask.questions, 1):
        print(f"  {number}. {safe(question.text)}")
        line = await _typed(f"  [{one_row(question.suggestion)}] ")
        answers.append(line or question.suggestion)
    return QuestionsAnswer(ask_id=ask.ask_id, answers=tuple(answers))


async def _plan(ask: PlanAsk) -> Answer:
    print(f"\athe plan waits for you, version {ask.version}")
    chosen = await _choice(
        "carry it out?", {"yes": "approve", "refine": "say what to change", "no": "reject"}
    )
    if chosen != "refine":
        choice = PlanChoice.ACCEPT if chosen == "yes" else PlanChoice.REJECT
        return PlanAnswer(ask_id=ask.ask_id, choice=choice, by_person=True)
    note = await _typed("what should be different? ")
    choice = PlanChoice.REFINE if note else PlanChoice.REJECT
    return PlanAnswer(ask_id=ask.ask_id, choice=choice, feedback=note or "", by_person=True)


def _engine_error(error: BaseException) -> EngineError:
    """The engine's error in a group of groups.

    Raises: the error itself when it is something else: a bug.
    """
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if not isinstance(first, EngineError):
        raise error
    return first

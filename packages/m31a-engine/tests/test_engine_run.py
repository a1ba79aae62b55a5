"""Whole runs by the engine's own face, against a scripted model over HTTP; on trio."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from in_process import Place, report_of, watched
from m31a_engine import (
    Answer,
    Ask,
    AskOpened,
    ConfigError,
    Continue,
    Engine,
    HealTask,
    Mode,
    NothingToResume,
    Options,
    Outcome,
    Pause,
    Phase,
    PhaseStarted,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    ProviderFailed,
    QuestionsAnswer,
    QuestionsAsk,
    Refused,
    RunEnded,
    SkipTask,
    Steer,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    ToolEnded,
    Undo,
    Verdict,
    build,
    ledger_at,
    load_config,
)
from m31a_keychain import MemoryStore
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, GOAL

pytestmark = pytest.mark.anyio

PLAN = """# Sums

## Summary
Mend add() and write it down.

## Task List
```json
[
  {"id": 1, "action": "Modify", "description": "Mend add()", "category": "Code",
   "dependencies": [], "files": [{"path": "sums.py", "action": "modify"}],
   "acceptance_criteria": [{"run": "python3 -m unittest"}]},
  {"id": 2, "action": "Create", "description": "Write it down", "category": "Docs",
   "dependencies": [], "files": [{"path": "NOTES.md", "action": "create"}],
   "acceptance_criteria": ["NOTES.md says what add() does"]}
]
```

## Verification Plan
### Automated
- `python3 -m unittest`
### Manual
- Look at NOTES.md
"""
Script = Iterable[Rule | Reply | str]
MEND = Call(
    name="Edit", arguments={"path": "sums.py", "old_string": "a - b", "new_string": "a + b"}
)
LOOK_AND_WRITE = Call(name="Bash", arguments={"command": "cat sums.py; touch x"})
MEND_ZERO = Call(
    name="Edit",
    arguments={"path": "sums.py", "old_string": "return 0", "new_string": "return a + b"},
)


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # the programs run on asyncio


def writing(path: str, text: str) -> Call:
    return Call(name="FileWrite", arguments={"path": path, "content": text})


def task(number: str, call: Call) -> list[Rule]:
    """A task that makes one call and says so."""
    return [
        Rule(phase="execute", task=number, turn=1, reply=Reply(tool_calls=(call,))),
        Rule(phase="execute", task=number, reply=Reply(text=f"Task {number} is done.")),
    ]


@pytest.fixture
def place(tmp_path: Path, own_home: Path) -> Place:
    return Place.make(tmp_path)


@contextmanager
def model(script: Script) -> Iterator[ModelServer]:
    with ModelServer(script, check=False) as server:
        yield server


async def test_a_plan_with_two_tasks_becomes_one_merge_commit_with_its_proof(place: Place) -> None:
    script = [
        Rule(phase="discuss", reply=Reply(text="1. Which name? Suggested: NOTES.md")),
        Rule(phase="plan", turn=1, reply=Reply(text="I have no plan.")),
        Rule(phase="plan", turn=2, reply=Reply(text=PLAN)),
        Rule(phase="plan", turn=3, reply=Reply(text=PLAN)),
        *task("1", MEND),
        *task("2", writing("NOTES.md", "add() returns the sum.\n")),
    ]
    plans: list[PlanAsk] = []

    def answer(ask: Ask) -> Answer:
        if isinstance(ask, QuestionsAsk):
            return QuestionsAnswer(ask_id=ask.ask_id, answers=("NOTES.md",))
        assert isinstance(ask, PlanAsk)
        plans.append(ask)
        choice = PlanChoice.REFINE if len(plans) == 1 else PlanChoice.ACCEPT
        return PlanAnswer(ask_id=ask.ask_id, choice=choice, feedback="shorter", by_person=True)

    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.FULL)) as run:
            seen = await watched(run, answer)

    report = report_of(seen)
    assert (report.outcome, report.landed, report.error) == (Outcome.SHIPPED, True, None)
    assert report.verification is not None
    assert report.verification.verdict is Verdict.VERIFIED
    assert report.manual_steps == ("Look at NOTES.md",)
    assert [(item.id, item.outcome) for item in report.tasks] == [(1, "done"), (2, "done")]
    assert [ask.version for ask in plans] == [1, 2]
    assert report.commit == place.git("rev-parse", "main")
    assert len(place.git("log", "-1", "--format=%P").split()) == 2
    assert "M31A-Verdict: verified" in place.git("log", "-1", "--format=%B")
    assert (place.project / "NOTES.md").read_text() == "add() returns the sum.\n"
    assert list(range(1, len(seen) + 1)) == [envelope.seq for envelope in seen]
    ledger = ledger_at(place.home)
    assert "shipped" in next(ledger.lines(5))
    assert "sessions         1" in list(ledger.statistics())
    (info,) = engine.sessions.list()
    assert (info.outcome, info.goal) == (Outcome.SHIPPED, GOAL)
    with pytest.raises(NothingToResume):
        async with engine.resume(info.id):
            pass


async def test_a_task_that_does_not_parse_is_healed_and_red_checks_are_mended(
    place: Place,
) -> None:
    script = [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        *task("1", writing("sums.py", "def add(a, b:\n")),
        Rule(
            phase="heal",
            task="1",
            turn=1,
            reply=Reply(tool_calls=(writing("sums.py", BROKEN.replace("-", "*")),)),
        ),
        Rule(phase="heal", task="1", reply=Reply(text="It parses now.")),
        Rule(
            phase="heal",
            turn=1,
            contains="What the checks found",
            reply=Reply(tool_calls=(writing("sums.py", BROKEN.replace("-", "+")),)),
        ),
        Rule(phase="heal", reply=Reply(text="It adds now.")),
    ]
    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.FAST, ask_questions=False)) as run:
            seen = await watched(run)

    report = report_of(seen)
    assert report.outcome is Outcome.SHIPPED, report.error
    assert [item.heals for item in report.tasks] == [1]
    assert any(isinstance(item.event, TaskHealing) for item in seen)
    assert "return a + b" in (place.project / "sums.py").read_text()


async def test_tasks_that_collide_are_put_one_after_the_other(place: Place) -> None:
    again = "Another task was finished meanwhile"
    script = [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="plan", reply=Reply(text=PLAN)),
        Rule(
            phase="execute",
            contains=again,
            reply=Reply(tool_calls=(writing("NOTES.md", "both\n"),)),
        ),
        Rule(
            phase="execute",
            task="1",
            turn=1,
            reply=Reply(tool_calls=(MEND, writing("NOTES.md", "one\n"))),
        ),
        Rule(
            phase="execute",
            task="2",
            turn=1,
            reply=Reply(tool_calls=(writing("NOTES.md", "two\n"),)),
        ),
        Rule(phase="execute", reply=Reply(text="Done.", hold="both have written")),
    ]
    calls = 0

    with model(script) as server:
        server.hold("both have written")
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.FULL, ghost=True)) as run:
            with anyio.fail_after(60):
                async for envelope in run.events:
                    match envelope.event:
                        case AskOpened(ask=ask):
                            choice = PlanChoice.ACCEPT
                            assert run.answer(PlanAnswer(ask_id=ask.ask_id, choice=choice))
                        case ToolEnded():
                            calls += 1
                            if calls == 3:
                                server.release("both have written")
                        case RunEnded(report=report):
                            break
                        case _:
                            continue

    assert [item.outcome for item in report.tasks] == ["done", "done"]
    assert report.branch is not None
    assert place.git("show", f"{report.branch}:NOTES.md") == "both"
    assert place.git("rev-parse", "main") == report.base_commit
    assert not (place.project / ".m31a").exists(), "a ghost writes nothing below the project"


async def test_a_plan_that_is_rejected_waits_and_can_be_accepted_later(place: Place) -> None:
    script = [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="plan", reply=Reply(text=PLAN)),
    ]

    def reject(ask: Ask) -> Answer:
        return PlanAnswer(ask_id=ask.ask_id, choice=PlanChoice.REJECT)

    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.FULL)) as run:
            report = report_of(await watched(run, reject))

    assert report.outcome is Outcome.WAITING
    assert report.error is not None
    assert report.error.code == "approval"
    assert place.git("status", "--porcelain") == ""


async def test_a_skipped_task_does_not_ship_and_is_said(place: Place) -> None:
    with model(task("1", MEND)) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            assert run.send(Pause())
            assert run.send(SkipTask(task_id=1))
            assert run.send(Continue())
            seen = await watched(run)

    ended = [item.event for item in seen if isinstance(item.event, TaskEnded)]
    assert [event.outcome for event in ended] in (["skipped"], ["cancelled"])
    assert report_of(seen).outcome is Outcome.FAILED
    assert (place.project / "sums.py").read_text() == BROKEN


async def test_a_run_that_is_left_early_is_interrupted_and_goes_on_when_resumed(
    place: Place,
) -> None:
    with model(task("1", MEND)) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            run.interrupt()
            report = await run.report()
        assert report.outcome is Outcome.INTERRUPTED

        engine = place.engine(server.base_url)
        async with engine.resume() as run:
            resumed = await run.report()

    assert (resumed.session, resumed.outcome) == (report.session, Outcome.SHIPPED)


async def test_until_stops_and_a_run_that_nobody_reads_still_ends(place: Place) -> None:
    script = [*task("1", MEND)]
    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT, until=Phase.EXECUTE)) as run:
            report = await run.report()
    assert report.outcome is Outcome.STOPPED
    assert report.commits != ()
    assert (place.project / "sums.py").read_text() == BROKEN


async def test_a_question_is_answered_without_a_branch(place: Place) -> None:
    with model([Rule(phase="chat", reply=Reply(text="It subtracts."))]) as server:
        engine = place.engine(server.base_url)
        async with engine.start("What does add() in sums.py do?") as run:
            report = await run.report()

    assert (report.outcome, report.answer) == (Outcome.ANSWERED, "It subtracts.")
    assert report.commit is None


@pytest.mark.parametrize("state", ["no folder", "no repository", "no commit", "dirty"])
async def test_ground_that_is_not_to_be_touched_is_refused_and_left_alone(
    place: Place, tmp_path: Path, state: str
) -> None:
    options = Options(mode=Mode.DIRECT, dirty="refuse")
    folder = tmp_path / "other"
    if state == "dirty":
        folder = place.project
        for number in range(5):
            (folder / f"new{number}.txt").write_text("x")
    elif state != "no folder":
        folder.mkdir()
        (folder / "file.txt").write_text("x")
        if state == "no commit":
            subprocess.run(["git", "init", "-q", str(folder)], check=True)
    before = sorted(folder.rglob("*")) if folder.exists() else []

    with model([]) as server:
        engine = Place(project=folder, home=place.home).engine(server.base_url)
        with pytest.raises(Refused):
            async with engine.start(GOAL, options):
                pass

    assert (sorted(folder.rglob("*")) if folder.exists() else []) == before
    assert not (place.home / "projects").exists()


def test_what_cannot_be_built_says_what_is_missing(place: Place) -> None:
    def built(**overrides: object) -> Engine:
        given = {name.replace("__", "."): value for name, value in overrides.items()}
        config = load_config(place.project, place.environ, given, trusted=True)
        return build(config, place.project, environ={"HOME": "/nowhere"}, store=MemoryStore())

    with pytest.raises(ConfigError, match="no model is named"):
        built()
    with pytest.raises(ConfigError, match="has no address"):
        built(
            model__default="any", provider__default="mine", provider__mine__api_key_env="MINE_KEY"
        )
    with pytest.raises(ProviderFailed, match="there is no API key for openrouter"):
        built(model__default="any", provider__default="openrouter")


async def test_a_plan_can_be_sent_back_to_questions_three_times_and_no_more(place: Place) -> None:
    script = [
        Rule(phase="discuss", reply=Reply(text="1. Which name? Suggested: NOTES.md")),
        Rule(phase="plan", reply=Reply(text=PLAN)),
        *task("1", MEND),
        *task("2", writing("NOTES.md", "add() returns the sum.\n")),
        Rule(phase="ship", reply=Reply(text="Done.")),
    ]
    plans: list[int] = []

    def answer(ask: Ask) -> Answer:
        if isinstance(ask, QuestionsAsk):
            return QuestionsAnswer(ask_id=ask.ask_id, answers=("NOTES.md",))
        assert isinstance(ask, PlanAsk)
        plans.append(ask.version)
        choice = PlanChoice.DISCUSS if len(plans) <= 4 else PlanChoice.ACCEPT
        return PlanAnswer(ask_id=ask.ask_id, choice=choice, feedback=f"ask {len(plans)}")

    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.FULL)) as run:
            seen = await watched(run, answer)
        asked = [request.asked for request in server.requests]

    assert report_of(seen).outcome is Outcome.SHIPPED
    assert plans == [1, 2, 3, 4, 5]
    phases = [item.event.phase for item in seen if isinstance(item.event, PhaseStarted)]
    assert phases.count(Phase.DISCUSS) == 4, "three times back; the fourth is a refinement"
    assert any("On the plan: ask 1" in request.last_text for request in asked)


async def test_a_task_is_worked_on_again_when_a_person_wants_it(place: Place) -> None:
    script = [
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(writing("a.py", "A = 1\n"),))),
        Rule(phase="execute", reply=Reply(text="Done.", hold="the person looks")),
        Rule(phase="heal", turn=1, reply=Reply(tool_calls=(MEND,))),
        Rule(phase="heal", reply=Reply(text="Now it adds.")),
    ]
    with model(script) as server:
        server.hold("the person looks")
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            with anyio.fail_after(60):
                async for envelope in run.events:
                    if isinstance(envelope.event, ToolEnded) and envelope.event.tool != "Edit":
                        assert run.send(HealTask(task_id=1))
                        server.release("the person looks")
                    if isinstance(envelope.event, RunEnded):
                        report = envelope.event.report

    assert report.outcome is Outcome.SHIPPED
    assert report.answer == "Now it adds."
    assert not run.send(HealTask(task_id=1)), "the run is over"


async def test_a_failed_session_is_resumed_with_a_task_worked_on_again(place: Place) -> None:
    wrong = writing("sums.py", "def add(a, b):\n    return 0\n")
    script = [
        *task("1", wrong),
        Rule(phase="heal", contains="A person wants", reply=Reply(text="Nothing to do.")),
        Rule(phase="heal", turn=1, contains="AssertionError", reply=Reply(tool_calls=(MEND_ZERO,))),
        Rule(phase="heal", reply=Reply(text="Now it adds.")),
    ]
    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            first = report_of(await watched(run))
        async with engine.resume(first.session, Options(heal=(1,))) as run:
            second = report_of(await watched(run))

    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.SHIPPED)
    assert "return a + b" in (place.project / "sums.py").read_text()


async def test_what_a_person_adds_reaches_the_model_before_it_stops(place: Place) -> None:
    script = [
        Rule(phase="execute", contains="keep it short", reply=Reply(tool_calls=(MEND,))),
        Rule(phase="execute", turn=1, reply=Reply(text="Done.", hold="the person types")),
        Rule(phase="execute", reply=Reply(text="Short now.")),
    ]
    with model(script) as server:
        server.hold("the person types")
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            with anyio.fail_after(60):
                async for envelope in run.events:
                    if isinstance(envelope.event, TaskStarted):
                        assert run.send(Steer(text="keep it short"))
                        assert not run.send(Steer(text="  "))
                        server.release("the person types")
                    if isinstance(envelope.event, RunEnded):
                        report = envelope.event.report

    assert (report.outcome, report.answer) == (Outcome.SHIPPED, "Short now.")


async def test_the_newest_task_is_taken_back_and_done_anew(place: Place) -> None:
    script = [
        Rule(phase="execute", contains="with a plus", reply=Reply(tool_calls=(MEND,))),
        Rule(
            phase="execute",
            turn=1,
            times=1,
            reply=Reply(tool_calls=(writing("sums.py", "def add(a, b):\n    return 0\n"),)),
        ),
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(MEND,))),
        Rule(phase="execute", reply=Reply(text="Done.", hold="the person looks")),
    ]
    with model(script) as server:
        server.hold("the person looks")
        engine = place.engine(server.base_url)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            with anyio.fail_after(60):
                async for envelope in run.events:
                    if isinstance(envelope.event, ToolEnded) and envelope.event.tool == "FileWrite":
                        assert run.send(Undo())
                        server.release("the person looks")
                    if isinstance(envelope.event, RunEnded):
                        report = envelope.event.report

    assert report.outcome is Outcome.SHIPPED
    assert "return a + b" in (place.project / "sums.py").read_text()
    assert place.git("log", "--format=%s", "main").count("\n") == 1


async def test_a_chat_answers_and_leaves_everything_as_it_is(place: Place) -> None:
    script = [
        Rule(
            phase="chat",
            turn=1,
            reply=Reply(
                tool_calls=(Call(name="Bash", arguments={"command": "cat sums.py; touch x"}),)
            ),
        ),
        Rule(phase="chat", reply=Reply(text="It subtracts.")),
    ]
    before = place.git("for-each-ref"), place.git("status", "--porcelain")
    with model(script) as server:
        engine = place.engine(server.base_url)
        async with engine.chat("add a file and tell me what add() does") as run:
            report = report_of(await watched(run))
        told = str(server.requests[-1].body)

    assert (report.outcome, report.answer) == (Outcome.ANSWERED, "It subtracts.")
    assert "return a - b" in told
    assert "x" not in {path.name for path in place.project.iterdir()}
    refs = [line for line in place.git("for-each-ref").splitlines() if "m31a" not in line]
    assert (("\n".join(refs)), place.git("status", "--porcelain")) == before

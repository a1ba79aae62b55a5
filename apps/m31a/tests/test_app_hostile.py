"""Text from outside never commands the terminal: sixty strings through every place it enters."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from m31a.draw.theme import DARK
from m31a.farewell import farewell
from m31a.program.effects import AddBlock
from m31a.program.messages import Printed
from m31a.screens.repl import Remembered
from m31a.story.blocks import Notice, ShellCard
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink
from m31a.terminal.inline_differ import InlineDiffer
from m31a.testing import Desk
from m31a_engine import (
    AskOpened,
    CheckEnded,
    CheckResult,
    CheckStatus,
    CommandOutput,
    CommitMade,
    Display,
    Event,
    FileDiff,
    FileReport,
    Finding,
    FindingKind,
    FindingMade,
    Landed,
    LandingRefused,
    Listing,
    MessageDone,
    Mode,
    ModeChosen,
    Noticed,
    Outcome,
    PermissionAsk,
    PermissionRequest,
    Plain,
    Plan,
    PlanAsk,
    PlanDrafted,
    PlannedFile,
    PlannedTask,
    ProviderSwitched,
    Question,
    QuestionsAsk,
    ReasoningStreamed,
    Risk,
    RunEnded,
    RunReport,
    RunStarted,
    Severity,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    Usage,
)

_ESCAPES = (
    *("\x1b[2J", "\x1b[H", "\x1b[31m", "\x1b[?1049l", "\x1b[?25l", "\x1b[999;999H", "\x1b[6n"),
    *("\x1b]0;owned\x07", "\x1b]0;owned\x1b\\", "\x1b]52;c;ZXZpbA==\x07", "\x1b]8;;http://x\x07"),
    *("\x1b]1337;File=:AAAA\x07", "\x1b]9;note\x07", "\x1b]4;1;red\x07", "\x1b]10;#000\x07"),
    *(
        "\x1bP+q544e\x1b\\",
        "\x1bP$qm\x1b\\",
        "\x1b_Gi=1;AAAA\x1b\\",
        "\x1b^pm\x1b\\",
        "\x1bXsos\x1b\\",
    ),
    *("\x1bc", "\x1b7", "\x1b8", "\x1b(0", "\x1bM", "\x1b=", "\x1b>", "\x1bN", "\x1b#8", "\x1b"),
    *("\x9b31m", "\x9d0;x\x9c", "\x90q\x9c", "\x9c", "\x85", "\x84", "\x8d"),
)
_CONTROLS = ("\x00", "\x07", "\x08\x08\x08", "\x0b", "\x0c", "\x0d", "\x0e", "\x0f", "\x18", "\x7f")
_UNSEEN = (
    *(
        "\u202egpj.exe",
        "\u2066x\u2069",
        "\u200bzero",
        "\u200e",
        "\ufeff",
        "\u00ad",
        "\u2028",
        "\u2029",
    ),
    *("\U000e0041\U000e0042", "\ud800", "e" + "\u0301" * 40, "\u061c", "\ufff9"),
)
HOSTILE = (*_ESCAPES, *_CONTROLS, *_UNSEEN)

OURS = re.compile(
    r"\x1b\[(?:[0-9;]*m|[0-9;]*H|[0-9]*G|2?K|J|[0-9;]*r|[0-9]*[ST]|\?25[hl]|\?2026[hl])"
    r"|\x1b\]2;[^\x00-\x1f\x7f-\x9f]*\x1b\\|\r\n"
)
"""Everything the differ itself may send."""
BAD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff\ufeff]")


def test_there_are_sixty_of_them() -> None:
    assert len(set(HOSTILE)) >= 60


def through_everything(text: str) -> list[Event]:
    """A run in which every text is hostile."""
    usage = Usage(input_tokens=1)
    task = PlannedTask(id=1, description=text, files=(PlannedFile(path=text),))
    plan = Plan(title=text, tasks=(task,), summary=text, manual=(text,), open_questions=(text,))
    check = CheckResult(
        name=text,
        command=text,
        exit_code=1,
        passed=False,
        status=CheckStatus.FAILED,
        output_tail=text,
        tree="",
        behavioural=True,
        note=text,
    )
    finding = Finding(
        kind=FindingKind.SECRET, severity=Severity.BLOCKING, path=text, text=f"{text} found"
    )
    file = FileReport(path=text, status="M", added=1, removed=1)
    report = RunReport(
        session="s",
        outcome=Outcome.SHIPPED,
        goal=text,
        mode=Mode.FULL,
        branch=text,
        commit=text,
        files=(file,),
        answer=f"# {text}\n\n- {text}\n\n```{text}\n{text}\n```\n\n| {text} |\n|---|\n| {text} |\n",
        manual_steps=(text,),
        deferred=(text,),
        session_path=text,
    )
    tools: list[Event] = []
    displays: tuple[Display, ...] = (
        Plain(text=text),
        Listing(paths=(text, text)),
        FileDiff(path=text, diff=f"@@ -1 +1 @@\n-{text}\n+{text}\n", added=1, removed=1),
        CommandOutput(command=text, text=text, exit_code=1),
    )
    for number, display in enumerate(displays):
        call = {"conversation": "c", "call_id": str(number)}
        tools.append(ToolStarted(**call, tool=text, arguments=text))
        tools.append(ToolOutput(**call, text=text))
        tools.append(ToolEnded(**call, tool=text, display=display, is_error=True))
    return [
        RunStarted(goal=text, project=text, mode=Mode.FULL, model=text, provider=text),
        ModeChosen(mode=Mode.FULL, reason=text),
        ReasoningStreamed(conversation="c", text=text),
        TextStreamed(conversation="c", text=text),
        MessageDone(conversation="c", text=f"{text} {text}", model=text, usage=usage, calls=0),
        PlanDrafted(plan=plan, version=1),
        TaskStarted(task_id=1, title=text),
        TaskHealing(task_id=1, attempt=1, error=text),
        TaskEnded(task_id=1, outcome="failed", reason=text),
        *tools,
        CheckEnded(result=check),
        FindingMade(finding=finding),
        CommitMade(commit=text, subject=text, files=(file,)),
        Landed(commit=text, branch=text),
        LandingRefused(reason=text, paths=(text,), command=text),
        ProviderSwitched(origin=text, target=text, reason=text),
        Noticed(text=text, remedy=text),
        RunEnded(outcome=Outcome.SHIPPED, report=report),
    ]


def asks(text: str) -> list[Event]:
    request = PermissionRequest(
        tool=text,
        summary=text,
        detail=text,
        risk=Risk.DANGEROUS,
        paths=(text,),
        hosts=(text,),
        destroys=(text,),
        reason=text,
        command=text,
    )
    task = PlannedTask(id=1, description=text)
    plan = Plan(title=text, tasks=(task,), summary=text, review_required=(text,))
    question = Question(text=text, suggestion=text)
    return [
        AskOpened(ask=PermissionAsk(ask_id="a", request=request, task=text), timeout_s=9),
        AskOpened(ask=QuestionsAsk(ask_id="b", questions=(question,)), timeout_s=9),
        AskOpened(ask=PlanAsk(ask_id="c", plan=plan, version=1, problems=(text,)), timeout_s=9),
    ]


def sent_by(desk: Desk) -> str:
    return Differ(Ink(DARK, Depth.TRUE, links=True)).update(desk.frame)


def assert_harmless(sent: str) -> None:
    left = OURS.sub("", sent)
    assert BAD.search(left) is None, repr(left)
    sent.encode()


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_run_full_of_it_is_harmless(text: str) -> None:
    desk = Desk("repl").tell(*through_everything(text))
    story = desk.app.scene.story

    assert_harmless(sent_by(desk))
    desk.press("ctrl+o", "ctrl+home")
    for _ in range(12):
        assert_harmless(sent_by(desk))
        desk.press("pagedown")
    assert_harmless(farewell(story, 80, Ink(DARK, Depth.TRUE)).replace("\n", ""))


def test_what_the_terminals_own_history_gets_is_harmless() -> None:
    for text in HOSTILE:
        desk = Desk("repl")
        settings = replace(desk.app.scene.settings, inline=True)
        desk.app = replace(desk.app, scene=replace(desk.app.scene, settings=settings))
        painter = InlineDiffer(Ink(DARK, Depth.TRUE, links=True))
        for event in through_everything(text):
            desk.tell(event)
        sent = painter.update(desk.frame)

        assert painter.written > 10
        moves = re.compile("\x1b\\[[0-9]*A")
        assert_harmless(moves.sub("", sent).replace("\r\n", "").replace("\r", "", 1))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_question_full_of_it_is_harmless(text: str, number: int) -> None:
    desk = Desk("repl").tell(asks(text)[number]).wait(1.0)

    assert_harmless(sent_by(desk))


ENTRIES: dict[str, Callable[[Desk, str], Desk]] = {
    "typed": lambda desk, text: desk.type(text),
    "pasted": lambda desk, text: desk.paste(f"{text} {text}"),
    "pasted long": lambda desk, text: desk.paste(f"{text}\n" * 30).press("ctrl+x", "p"),
    "searched": lambda desk, text: desk.press("ctrl+p").type(text).paste(text),
    "noted": lambda desk, text: desk.send(Printed("x", text, 1)),
    "remembered": lambda desk, text: desk.send(Remembered((text, "x"))).press("ctrl+r"),
    "commanded": lambda desk, text: desk.type("/").type(text).press("enter"),
}


@pytest.mark.parametrize("way", ENTRIES)
def test_it_may_be_typed_pasted_and_searched_for(way: str) -> None:
    for text in HOSTILE:
        desk = ENTRIES[way](Desk("repl"), text)
        assert_harmless(sent_by(desk))


def test_what_a_persons_command_printed_is_shown_harmless() -> None:
    for text in HOSTILE:
        desk = Desk("repl").send(Printed(text, text, 1))
        block = next(each.block for each in desk.effects if isinstance(each, AddBlock))
        assert isinstance(block, ShellCard | Notice)

"""The checks with their evidence: what ran, what it said, what speaks against the change."""

from dataclasses import dataclass, replace

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, ERR, OK, STRONG, WARN
from m31a.program.effects import CopyText, ResumeRun, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Push, Screen, Step
from m31a.story.blocks import TaskMark
from m31a.story.story import Story
from m31a.widgets import browse
from m31a.widgets.block_lines import STATUS
from m31a.widgets.browse import FIRST, Browse, browse_lines
from m31a.widgets.facts import fact_lines, list_lines, note_lines, raw_lines, title_lines
from m31a.widgets.row_text import one_row, seconds
from m31a_engine import CheckResult, CheckStatus, Finding, Phase, Severity, Verdict
from m31a_engine.checks.result import Culprit

KEYS: KeyTable = (
    *browse.KEYS,
    bind("verify.diff", "d", "the changes", hint=True),
    bind("verify.tasks", "t", "heal a task", hint=True),
    bind("verify.resume", "r", "go on with it", hint=True),
    bind("verify.bisect", "x", "first bad commit", hint=True),
    bind("verify.copy", "y", "copy the evidence", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)
VERDICTS = {
    Verdict.VERIFIED: ("✓", OK, "behaviour was shown on exactly this tree"),
    Verdict.VERIFIED_KNOWN_FAILURES: ("✓", OK, "nothing is red that was not red before"),
    Verdict.PARTIAL: ("!", WARN, "nothing is red, but no behaviour was shown"),
    Verdict.FAILED: ("✗", ERR, "something is red or speaks against the change"),
    Verdict.NOT_RUN: ("○", WARN, "nothing ran"),
}


@dataclass(frozen=True, slots=True)
class Verify:
    """The chosen row; 0 is the whole."""

    browse: Browse = FIRST


@dataclass(frozen=True, slots=True)
class Tried:
    """One check with all its results, the last one last."""

    results: tuple[CheckResult, ...]

    @property
    def last(self) -> CheckResult:
        """The result that counts."""
        return self.results[-1]


class VerifyScreen(Screen[Verify]):
    """Evidence, not claims: command, exit code, counts, seconds, output."""

    id = "verify"
    title = "verify"

    def init(self, argument: object, scene: Scene) -> Step[Verify]:
        """At the first red check, if there is one."""
        checks = tried(scene.story.checks)
        red = (at for at, check in enumerate(checks, 1) if _is_red(check.last))
        return Step(Verify(Browse(next(red, 0))))

    def keys(self, state: Verify) -> KeyTable:
        """Look, copy, go on."""
        return KEYS

    def update(self, state: Verify, message: Message, scene: Scene) -> Step[Verify]:
        """Another row, another screen, or the session taken up again."""
        match message:
            case Pressed(action="verify.diff"):
                return Step(state, nav=Push("diff"))
            case Pressed(action="verify.tasks"):
                return Step(state, nav=Push("execute"))
            case Pressed(action="verify.resume"):
                return _resumed(state, scene.story)
            case Pressed(action="verify.bisect"):
                return Step(state, nav=Push("bisect", _suspected(state, scene.story)))
            case Pressed(action="verify.copy"):
                lines = _detail(state, scene.story, 200)
                return Step(state, (CopyText("\n".join(line.text for line in lines)),))
            case Pressed(action=action):
                moved = state.browse.applied(
                    action,
                    len(_rows(scene.story)),
                    lambda cells: _detail(state, scene.story, cells),
                    scene.size,
                )
                return Step(state if moved is None else replace(state, browse=moved))
            case _:
                return Step(state)

    def view(self, state: Verify, size: Size, scene: Scene) -> View:
        """The checks and findings, and the chosen one in full."""
        story = scene.story
        if not story.checks and not story.findings and story.report is None:
            now = story.running and story.phase is Phase.VERIFY
            text = "The checks run now …" if now else "Nothing was verified yet in this run."
            return View(fill(note_lines(text, size.width), size))
        rows = _rows(story)
        chosen = state.browse.within(len(rows))
        lines = browse_lines(rows, lambda cells: _detail(state, story, cells), chosen, size)
        return View(lines)


def tried(checks: tuple[CheckResult, ...]) -> tuple[Tried, ...]:
    """The results by check: a check that ran again after healing stands once."""
    by_name: dict[str, tuple[CheckResult, ...]] = {}
    for result in checks:
        by_name[result.name] = (*by_name.get(result.name, ()), result)
    return tuple(map(Tried, by_name.values()))


def _is_red(result: CheckResult) -> bool:
    return result.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}


def _findings(story: Story) -> tuple[Finding, ...]:
    made = story.report.findings if story.report is not None else ()
    return tuple(dict.fromkeys((*story.findings, *made)))


def _rows(story: Story) -> tuple[Line, ...]:
    return (
        _verdict_line(story),
        *(_check_line(check) for check in tried(story.checks)),
        *(_finding_line(finding) for finding in _findings(story)),
    )


def _verdict(story: Story) -> Verdict | None:
    report = story.report
    return report.verification.verdict if report is not None and report.verification else None


def _verdict_line(story: Story) -> Line:
    verdict = _verdict(story)
    if verdict is None:
        checks = tried(story.checks)
        green = sum(1 for check in checks if check.last.passed)
        word = "running" if story.running else "no verdict"
        return Line.of(Span("◐ ", ACCENT), Span(word, STRONG), f"  {green}/{len(checks)} green")
    glyph, style, _ = VERDICTS[verdict]
    return Line.of(Span(f"{glyph} ", style), Span(verdict.value.replace("_", " "), STRONG))


def _check_line(check: Tried) -> Line:
    result = check.last
    glyph, style = STATUS.get(result.status, ("?", WARN))
    figure = str(result.counts) if result.counts else ""
    took = seconds(result.seconds) if result.seconds else ""
    facts = "  ".join(
        part
        for part in (
            figure,
            took,
            "" if result.passed else result.status.value.replace("_", " "),
            f"{len(check.results)} runs" if len(check.results) > 1 else "",
        )
        if part
    )
    return Line.of(
        Span(f"{glyph} ", style),
        span(one_row(result.name)),
        Span(f"  {facts}" if facts else "", DIM),
    )


def _finding_line(finding: Finding) -> Line:
    blocks = finding.severity is Severity.BLOCKING
    mark = Span("✗ " if blocks else "! ", ERR if blocks else WARN)
    place = f"  {one_row(finding.path)}" if finding.path else ""
    return Line.of(mark, span(finding.kind.value), Span(place, DIM))


def _detail(state: Verify, story: Story, cells: int) -> tuple[Line, ...]:
    at = state.browse.at - 1
    checks, findings = tried(story.checks), _findings(story)
    if 0 <= at < len(checks):
        return _check_lines(checks[at], cells)
    if 0 <= at - len(checks) < len(findings):
        return _finding_lines(findings[at - len(checks)], cells)
    return _whole_lines(story, cells)


def _check_lines(check: Tried, cells: int) -> tuple[Line, ...]:
    result = check.last
    code = "did not end by itself" if result.exit_code is None else str(result.exit_code)
    before = [
        f"{earlier.status.value.replace('_', ' ')} {earlier.counts or ''}".strip()
        for earlier in check.results[:-1]
    ]
    return (
        *title_lines(result.name, cells, after=result.status.value.replace("_", " ")),
        EMPTY,
        *fact_lines(
            (
                ("command", result.command),
                ("exit", code),
                ("tests", str(result.counts) if result.counts else ""),
                ("took", seconds(result.seconds) if result.seconds else ""),
                ("tree", result.tree[:12]),
                ("shows", "behaviour" if result.behavioural else "form, not behaviour"),
                ("note", result.note),
                ("before", " → ".join(before)),
            ),
            cells,
        ),
        *((EMPTY, *raw_lines(result.output_tail, cells, DIM)) if result.output_tail else ()),
    )


def _finding_lines(finding: Finding, cells: int) -> tuple[Line, ...]:
    blocks = finding.severity is Severity.BLOCKING
    remedy = (
        f"It stops Ship. To let it pass: m31a resume --allow {finding.kind.value}"
        if blocks
        else "It does not stop Ship; it stands in the report."
    )
    return (
        *title_lines(finding.kind.value, cells, after=finding.severity.value),
        EMPTY,
        *fact_lines((("file", finding.path),), cells),
        *wrapped((span(one_row(finding.text)),), cells),
        EMPTY,
        *wrapped((Span(remedy, DIM),), cells),
    )


def _whole_lines(story: Story, cells: int) -> tuple[Line, ...]:
    verdict = _verdict(story)
    verification = story.report.verification if story.report is not None else None
    head = "verification" if verdict is None else verdict.value.replace("_", " ")
    says = VERDICTS[verdict][2] if verdict is not None else ""
    heals = [block for block in story.blocks if isinstance(block, TaskMark) and block.heals]
    culprit = story.culprit or (verification.culprit if verification is not None else None)
    known = story.report.known_failures if story.report is not None else ()
    lines = [
        *title_lines(head, cells, after=says),
        EMPTY,
        *fact_lines(
            (
                ("tree", verification.tree[:12] if verification is not None else ""),
                ("healed", "; ".join(f"task {mark.task_id}: {mark.heals}×" for mark in heals)),
                ("culprit", _culprit(culprit)),
            ),
            cells,
        ),
        *list_lines("red before this run too", known, cells),
        *list_lines(
            "by hand, never counted as passed",
            verification.manual_steps if verification is not None else (),
            cells,
        ),
        *_hint_lines(story, cells),
    ]
    return tuple(lines)


def _culprit(culprit: Culprit | None) -> str:
    if culprit is None:
        return ""
    if culprit.commit is None:
        return f"{culprit.check}: no commit can be named ({culprit.inconclusive})"
    return f"{culprit.check} broke with {culprit.commit[:10]} {culprit.subject}"


def _hint_lines(story: Story, cells: int) -> tuple[Line, ...]:
    report = story.report
    if report is None or report.landed or not report.session:
        return ()
    text = (
        "Everything done is kept on the session's branch. r goes on with it now;"
        f" later: m31a resume {report.session}"
    )
    return (EMPTY, *wrapped((span(text, DIM),), cells))


def _suspected(state: Verify, story: Story) -> tuple[str, str, str]:
    """What to search with: the chosen check's command, or a red one's; the ends of the run."""
    checks, at = tried(story.checks), state.browse.at - 1
    red = next((check for check in checks if _is_red(check.last)), None)
    chosen = checks[at] if 0 <= at < len(checks) else red
    report = story.report
    good = (report.base_commit or "") if report is not None else ""
    bad = (report.branch or "") if report is not None and not report.landed else ""
    return (chosen.last.command if chosen is not None else "", good, bad)


def _resumed(state: Verify, story: Story) -> Step[Verify]:
    if story.running:
        return Step(state, (Toast("it is at work: mending is tried by itself", "warn"),))
    if story.report is None or not story.session:
        return Step(state, (Toast("there is no session to go on with", "warn"),))
    if story.report.landed:
        return Step(state, (Toast("it has landed: there is nothing to go on with"),))
    return Step(state, (ResumeRun(story.session),), Pop())

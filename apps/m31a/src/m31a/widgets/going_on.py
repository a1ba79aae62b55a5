"""What stands between the conversation and the prompt, and what stands there at first."""

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, STRONG, WARN
from m31a.program.chrome import context_share
from m31a.program.scene import Scene
from m31a.widgets.row_text import seconds
from m31a_engine import Phase

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPIN_S = 0.125


def welcome_lines(scene: Scene, cells: int) -> tuple[Line, ...]:
    """What stands on the screen before anything was said."""
    settings = scene.settings
    model = settings.model or "none is named yet: /welcome helps, /model ID names one"
    trust = "trusted" if settings.trusted else "not trusted: its settings and checks are not used"
    facts = (
        ("model", (span(model),)),
        ("project", (span(scene.project), Span(f"  ({trust})", DIM))),
    )
    hint = "/demo shows a run that needs no key · / lists all commands"
    title = Span("Say what should be true when it is done.", STRONG)
    lines = [*wrapped((title,), cells, first="  ", rest="  "), EMPTY]
    for name, text in facts:
        head = Span(f"  {name:<9}", DIM)
        lines.extend(wrapped(text, cells, first=head, rest=" " * 11))
    return (*lines, EMPTY, *wrapped((Span(hint, DIM),), cells, first="  ", rest="  "))


def going_on_lines(scene: Scene, cells: int) -> tuple[Line, ...]:
    """What goes on, what waits, and a warning when the context is nearly full."""
    lines: list[Line] = []
    story = scene.story
    if story.running:
        gone_s = max(0.0, scene.now_s - story.began_s)
        glyph = SPINNER[int(gone_s / SPIN_S) % len(SPINNER)] if scene.settings.motion else "·"
        took = f"{seconds(gone_s)} " if scene.settings.motion else ""
        doing = story.phase.value if story.phase is not Phase.IDLE else "starting"
        lines.append(Line.of(Span(f" {glyph} {doing} ", ACCENT), Span(f"{took}· esc stops", DIM)))
    for goal in scene.queue[-2:]:
        waits = " ".join(goal.split())
        lines.append(Line.of(Span(" » queued: ", WARN), span(waits), Span("  alt+↑ edits", DIM)))
    share = context_share(scene)
    if share is not None and share >= scene.settings.context_warn:
        full = Span(f" ▲ the context is {share:.0%} full", WARN)
        lines.append(Line.of(full, Span("  /compress makes room" if story.running else "", DIM)))
    return tuple(line.clipped(cells) for line in lines)

"""What a conversation is told of the files it begins at."""

from collections.abc import Collection

from m31a_engine.code.excerpt import Wanted, excerpts
from m31a_engine.code.index import CodeIndex, Read
from m31a_engine.code.outline import Estimate
from m31a_engine.code.relevance import IS_NAMED
from m31a_engine.paths import shown_path

TITLE = "# Files that may matter"
QUOTED = "# Files that the goal names"
_MOST_FILES = 12


def orientation(
    index: CodeIndex,
    goal: str,
    *,
    named: Collection[str] = (),
    budget_tokens: int,
    estimate: Estimate,
) -> str:
    """The files a goal is about with their reasons, then their map; "" when there are none.

    Never more than `budget_tokens`; up to half of them go to the reasons, the rest to the map.
    """
    files = index.relevant(goal, named=named, limit=_MOST_FILES)
    lines: list[str] = []
    for file in files:
        line = f"- {shown_path(file.path)}: {file.reason}"
        if estimate("\n".join([TITLE, "", *lines, line])) > budget_tokens // 2:
            break
        lines.append(line)
    if not lines:
        return ""
    text = "\n".join([TITLE, "", *lines])
    shown = [file.path for file in files[: len(lines)]]
    room = budget_tokens - estimate(text + "\n\n")
    outline = index.outline(shown, budget_tokens=max(0, room), estimate=estimate)
    whole = f"{text}\n\n{outline}"
    return whole if outline and estimate(whole) <= budget_tokens else text


def quotation(index: CodeIndex, goal: str, read: Read) -> str:
    """Excerpts of the files that a goal names, around what it says of them; "" for none."""
    named = [
        file.path for file in index.relevant(goal, limit=_MOST_FILES) if file.reason == IS_NAMED
    ]
    wanted = (
        Wanted(path, data.decode("utf-8", "replace"), index.line_that_matters(path, goal))
        for path in named
        if (data := read(path)) is not None
    )
    text = excerpts(wanted)
    return f"{QUOTED}\n\n{text}" if text else ""

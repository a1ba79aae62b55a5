"""Quoted text found in a file and replaced, all edits of a call or none."""

from collections.abc import Sequence

from m31a_tools.diff import file_diff
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.matching import Applied, Replacement, apply
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.text_file import detect, encoded
from m31a_tools.tool import ToolResult
from m31a_tools.workspace import Workspace


def edit(path: str, changes: Sequence[tuple[str, str, bool]], workspace: Workspace) -> ToolResult:
    """What an edit changed. Raises CallFailed, FileChanged, PathRefused."""
    file = workspace.read(path, limit_bytes=MAX_FILE_BYTES)
    if workspace.is_stale(file):
        raise FileChanged(path)
    encoding = detect(file.data)
    if encoding is None:
        raise CallFailed(f"{path} is no text file; Edit cannot change it.")
    before = encoding.decode(file.data)
    after, steps = _apply_all(before, [Replacement(*change) for change in changes])
    real = workspace.write(path, encoded(after, encoding, path), expect=file)
    change = file_diff(real, before, after)
    places = sum(len(step.lines) for step in steps)
    text = (
        f"Edited {real}: {places} place{'s' if places > 1 else ''}, "
        f"+{change.added} -{change.removed}."
    )
    inexact = sorted({step.inexact for step in steps if step.inexact})
    if inexact:
        text += (
            f" The quotation was not exact ({', '.join(inexact)}) but unique; "
            f"check the result:\n{change.diff}"
        )
    return ToolResult(for_model=text, display=change)


def _apply_all(text: str, changes: Sequence[Replacement]) -> tuple[str, list[Applied]]:
    steps: list[Applied] = []
    for number, change in enumerate(changes, 1):
        try:
            steps.append(apply(text, change))
        except CallFailed as exc:
            if len(changes) == 1:
                raise
            raise CallFailed(
                f"Edit {number} of {len(changes)} failed, none was made. {exc}"
            ) from exc
        text = steps[-1].text
    return text, steps

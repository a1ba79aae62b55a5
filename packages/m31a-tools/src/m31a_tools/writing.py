"""A whole file replaced: what of the old one is kept, and what changed."""

from m31a_tools.diff import file_diff
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.matching import refuse_omission
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.text_file import UTF_8, detect
from m31a_tools.tool import Plain, ToolResult
from m31a_tools.workspace import FileBytes, Workspace


def write(path: str, new: str, workspace: Workspace) -> ToolResult:
    """What became of the file. Raises CallFailed, FileChanged, PathRefused."""
    before = _present(path, workspace)
    encoding = None if before is None else detect(before.data)
    old = "" if before is None or encoding is None else encoding.decode(before.data)
    if before is not None and workspace.is_stale(before):
        raise FileChanged(path)
    refuse_omission(new, old)
    # A byte-order mark and an encoding other than UTF-8 stay, where they can hold the text.
    keep = encoding if encoding is not None and encoding.errors == "strict" else UTF_8
    content = _with_line_ends_of(old, new)
    try:
        data = keep.encode(content)
    except UnicodeEncodeError:
        keep = UTF_8
        try:
            data = keep.encode(content)
        except UnicodeEncodeError as exc:
            raise CallFailed(
                f"The content has half of a character ({exc.object[exc.start]!a} at {exc.start}), "
                "which no file can hold."
            ) from exc
    if before is not None and before.data == data:
        text = f"{path} has this content already; nothing was written."
        return ToolResult(for_model=text, display=Plain(text=text))
    real = workspace.write(path, data, expect=before)
    lines = new.count("\n") + (not new.endswith("\n") and new != "")
    change = file_diff(real, old, content)
    if before is None:
        text = f"Created {real} ({lines} lines)."
    else:
        text = f"Replaced {real} (now {lines} lines, +{change.added} -{change.removed})."
    if keep is not UTF_8 and (keep.bom or keep.name != "utf-8"):
        text += f" Encoding kept: {keep}."
    if before is not None and before.status.st_nlink > 1:
        text += " It was a hard link; its other names keep the old content."
    return ToolResult(for_model=text, display=change)


def _with_line_ends_of(old: str, new: str) -> str:
    """`new` with the line ends of `old`, where all of them are `\\r\\n`."""
    uniform = "\r\n" in old and old.count("\n") == old.count("\r\n")
    return new.replace("\n", "\r\n") if uniform and "\r" not in new else new


def _present(path: str, workspace: Workspace) -> FileBytes | None:
    try:
        return workspace.read(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        return None

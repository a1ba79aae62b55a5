"""A patch worked out in memory, then carried out as one change."""

from dataclasses import dataclass, field
from typing import assert_never

from m31a_tools.change_set import Change, carry_out
from m31a_tools.diff import file_diff
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.matching import refuse_omission
from m31a_tools.patch_hunks import apply_hunks
from m31a_tools.patch_text import AddFile, DeleteFile, Hunk, UpdateFile, parse_patch
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.text_file import UTF_8, Encoding, detect, encoded
from m31a_tools.tool import Display, FileDiff, Plain, ToolResult
from m31a_tools.workspace import FileBytes, Workspace


@dataclass(slots=True)
class _File:
    """One file while the patch is worked out in memory."""

    before: FileBytes | None
    text: str | None
    """None when there is no such file (any more)."""
    encoding: Encoding = UTF_8
    like: FileBytes | None = None
    data: bytes | None = None
    """The bytes as they are, as long as no hunk changed them."""
    old_text: str = ""


@dataclass(slots=True)
class _Draft:
    """The files as the patch leaves them, by real path, and what there is to say."""

    workspace: Workspace
    files: dict[str, _File] = field(default_factory=dict)
    inexact: dict[str, tuple[str, ...]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    def file(self, path: str) -> tuple[str, _File]:
        """The file at `path`, read when it is first named."""
        real = self.workspace.locate(path, write=True)
        if real not in self.files:
            self.files[real] = self._read(path)
        return real, self.files[real]

    def _read(self, path: str) -> _File:
        try:
            before = self.workspace.read(path, limit_bytes=MAX_FILE_BYTES)
        except FileNotFoundError:
            return _File(before=None, text=None)
        if self.workspace.is_stale(before):
            raise FileChanged(path)
        encoding = detect(before.data)
        text = "" if encoding is None else encoding.decode(before.data)
        return _File(
            before=before,
            text=text,
            encoding=encoding or UTF_8,
            data=before.data,
            old_text=text,
        )

    def add(self, section: AddFile) -> None:
        _, file = self.file(section.path)
        if file.text is not None:
            raise CallFailed(f"{section.path} is there already; use *** Update File:.")
        refuse_omission(section.content, "")
        file.text, file.data = section.content, None
        file.encoding, file.like = UTF_8, None

    def delete(self, section: DeleteFile) -> None:
        _, file = self.file(section.path)
        if file.text is None:
            raise CallFailed(f"There is no file {section.path!r} to delete.")
        file.text = file.data = None

    def update(self, section: UpdateFile) -> None:
        real, file = self.file(section.path)
        if file.text is None:
            raise CallFailed(f"There is no file {section.path!r} to update.")
        if section.hunks:
            self._change(real, file, section.path, section.hunks)
        if section.move_to:
            self._move(real, file, section.move_to)

    def _change(self, real: str, file: _File, path: str, hunks: tuple[Hunk, ...]) -> None:
        assert file.text is not None
        if file.data is not None and detect(file.data) is None:
            raise CallFailed(f"{path} is no text file; a patch cannot change its lines.")
        try:
            patched = apply_hunks(file.text, hunks)
        except CallFailed as exc:
            raise CallFailed(f"{path}: {exc}") from exc
        file.text, file.data = patched.text, None
        if patched.inexact:
            self.inexact[real] = patched.inexact

    def _move(self, real: str, file: _File, path: str) -> None:
        there, target = self.file(path)
        if there == real:
            return
        if target.text is not None:
            raise CallFailed(f"{path} is there already; nothing is moved over a file.")
        target.text, target.data, target.encoding = file.text, file.data, file.encoding
        target.old_text = file.old_text
        target.like = file.before or file.like
        file.text = file.data = None
        self.moved[there] = real
        if real in self.inexact:
            self.inexact[there] = self.inexact.pop(real)

    def changes(self) -> list[Change]:
        """What differs from the disk."""
        found: list[Change] = []
        for real, file in self.files.items():
            after = file.data
            if file.text is not None and after is None:
                after = encoded(file.text, file.encoding, real)
            if after != (None if file.before is None else file.before.data):
                change = Change(path=real, before=file.before, after=after, like=file.like)
                found.append(change)
        return found


def apply_patch(patch: str, workspace: Workspace) -> ToolResult:
    """What a patch changed, all of it at once. Raises CallFailed, FileChanged."""
    draft = _Draft(workspace)
    for section in parse_patch(patch):
        match section:
            case AddFile():
                draft.add(section)
            case DeleteFile():
                draft.delete(section)
            case UpdateFile():
                draft.update(section)
            case _:
                assert_never(section)
    changes = draft.changes()
    if not changes:
        text = "The files are already as the patch leaves them; nothing was written."
        return ToolResult(for_model=text, display=Plain(text=text))
    carry_out(workspace, changes)
    return _told(draft, changes)


def _told(draft: _Draft, changes: list[Change]) -> ToolResult:
    lines: list[str] = []
    diffs: list[FileDiff] = []
    sources = {source for source in draft.moved.values() if draft.files[source].text is None}
    for change in changes:
        file = draft.files[change.path]
        diff = file_diff(change.path, file.old_text, file.text or "")
        counts = f"(+{diff.added} -{diff.removed})"
        if change.path in draft.moved and change.before is None:
            lines.append(f"R {draft.moved[change.path]} -> {change.path} {counts}")
        elif change.path in sources:
            continue
        else:
            kind = "A" if change.before is None else "D" if change.after is None else "M"
            lines.append(f"{kind} {change.path} {counts}")
        diffs.append(diff)
        if change.path in draft.inexact:
            lines.append(
                f"  The patch's lines were not exact ({', '.join(draft.inexact[change.path])}) "
                f"but their place was the only one; check the result:\n{diff.diff}"
            )
    text = "Applied the patch:\n" + "\n".join(lines)
    return ToolResult(for_model=text, display=_shown(diffs))


def _shown(diffs: list[FileDiff]) -> Display:
    if len(diffs) == 1:
        return diffs[0]
    return Plain(text="\n".join(f"{diff.path}\n{diff.diff}" for diff in diffs))

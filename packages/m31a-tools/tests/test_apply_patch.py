"""ApplyPatch on real files: what it reads, what it forgives, what it refuses, what it leaves."""

import codecs
import stat
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import (
    ApplyPatch,
    Call,
    CallFailed,
    FileChanged,
    FileDiff,
    Mode,
    PathRefused,
    Policy,
    Toolbox,
    ToolResult,
    Workspace,
    dispatch,
)
from m31a_tools.apply_patch import ApplyPatchArgs
from m31a_tools.patch_hunks import apply_hunks
from m31a_tools.patch_text import AddFile, DeleteFile, Hunk, UpdateFile, parse_patch
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio


def patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


async def apply(workspace: Workspace, *lines: str) -> ToolResult:
    return await ApplyPatch().run(ApplyPatchArgs(patch=patch(*lines)), workspace)


def tree(root: Path) -> dict[str, bytes]:
    """Every file below the root, temporary ones too."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# The text


def test_every_part_of_the_form_is_read() -> None:
    sections = parse_patch(
        patch(
            "*** Add File: new.py",
            "+one",
            "+",
            "*** Delete File: old.py",
            "*** Update File: a.py",
            "*** Move to: b.py",
            "@@ class A:",
            "@@     def f(self):",
            " kept",
            "-gone",
            "+come",
            "",
            "@@",
            " last",
            "+end",
            "*** End of File",
        )
    )
    assert sections == (
        AddFile(path="new.py", content="one\n\n"),
        DeleteFile(path="old.py"),
        UpdateFile(
            path="a.py",
            move_to="b.py",
            hunks=(
                Hunk(
                    ("class A:", "    def f(self):"), ("kept", "gone"), ("kept", "come"), False, 8
                ),
                Hunk((), ("last",), ("last", "end"), True, 14),
            ),
        ),
    )


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "\n\n{}\n\n",
        "```\n{}\n```",
        "```patch\n{}\n```\n",
        "<<'EOF'\n{}\nEOF",
        'apply_patch <<"EOF"\n{}\nEOF\n',
        "<<PATCH\n{}\nPATCH",
        "  {}",
    ],
)
def test_what_models_wrap_a_patch_in_is_no_part_of_it(wrapped: str) -> None:
    text = wrapped.format(patch("*** Delete File: a"))
    assert parse_patch(text) == (DeleteFile(path="a"),)
    assert parse_patch(text.replace("\n", "\r\n")) == (DeleteFile(path="a"),)


def test_line_numbers_of_a_unified_diff_are_ignored() -> None:
    (section,) = parse_patch(
        patch("*** Update File: a", "@@ -1,2 +1,3 @@ def f():", "-x", "+y", "@@ -9 +9 @@", "-p")
    )
    assert isinstance(section, UpdateFile)
    assert [hunk.above for hunk in section.hunks] == [("def f():",), ()]


MALFORMED = [
    ("", "must begin"),
    ("--- a\n+++ b\n", "must begin"),
    ("*** Begin Patch\n*** Delete File: a", "cut off"),
    (patch(), "no section"),
    (patch("", " "), "no section"),
    (patch("hello"), "Line 2 of the patch is wrong"),
    (patch("*** Rename File: a"), "Line 2 of the patch is wrong"),
    (patch("*** Add File:"), "the path is missing"),
    (patch("*** Add File: a", "no plus"), "begins with +"),
    (patch("*** Add File: a", "+x", "", "+y"), "no + before it"),
    (patch("*** Update File: a"), "changes nothing"),
    (patch("*** Update File: a", "@@"), "has no lines"),
    (patch("*** Update File: a", "@@", "*** End of File"), "no lines before it"),
    (patch("*** Update File: a", "*** End of File"), "no lines before it"),
    (patch("*** Update File: a", "*** Move to: ", "-x"), "the path is missing"),
    (patch("*** Update File: a", "@@", "x"), "a blank, + or -"),
    (patch("*** Update File: a", "-x", "*** Move to: b"), "a blank, + or -"),
    ("Sure!\n" + patch("*** Delete File: a"), "leave it out"),
    (patch("*** Delete File: a") + "\nDone.", "leave it out"),
    (patch(*(f"*** Delete File: {i}" for i in range(201))), "more than 200"),
    (patch("*** Update File: a", *["@@", "-x"] * 1001), "more than 1000 hunks"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_what_is_no_patch_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(CallFailed) as refused:
        parse_patch(text)
    assert message in str(refused.value)


# Hunks: file, lines of the update, result, what was not exact
FITTING = [
    ("a\nb\nc\n", ["@@", " a", "-b", "+B", " c"], "a\nB\nc\n", ()),
    ("a\nb\nc\n", ["-b", "+B"], "a\nB\nc\n", ()),
    ("a\nb\nc\n", [" a", "-b", " c"], "a\nc\n", ()),
    ("a\nb\nc\n", ["-a", "-b", "-c"], "", ()),
    ("a\nb", ["-b", "+B"], "a\nB", ()),
    ("a\nb", ["-b"], "a\n", ()),
    ("a\nb", [" b", "+c"], "a\nb\nc", ()),
    ("a\nb\n", [" b", "+c", "*** End of File"], "a\nb\nc\n", ()),
    ("x\ny\nx\n", ["-x", "+z", "*** End of File"], "x\ny\nz\n", ()),
    ("x\ny\nx", ["-x", "+z", "*** End of File"], "x\ny\nz", ()),
    ("", ["+a"], "a\n", ()),
    ("a\n", ["+b"], "a\nb\n", ()),
    ("a", ["@@", "+b"], "a\nb", ()),
    ("def f():\n  1\n", ["@@ def f():", "+  0"], "def f():\n  0\n  1\n", ()),
    ("a\n\nb\n", [" a", "", "-b", "+c"], "a\n\nc\n", ()),
    ("a\nb\n", ["-a", "+A", "", "", "@@", "-b", "+B", ""], "A\nB\n", ()),
    ("a\r\nb\r\n", ["-b", "+B", "+C"], "a\r\nB\r\nC\r\n", ()),
    ("a\r\nb\nc\n", ["-a", "+A", " b"], "A\r\nb\nc\n", ()),
    ("a\rb\r", ["-b", "+B"], "a\rB\r", ()),
    # The line above chooses between two places.
    (
        "class A:\n  x = 1\nclass B:\n  x = 1\n",
        ["@@ class B:", "-  x = 1", "+  x = 2"],
        "class A:\n  x = 1\nclass B:\n  x = 2\n",
        (),
    ),
    (
        "class A:\n  def f():\n    1\nclass B:\n  def f():\n    1\n",
        ["@@ class B:", "@@   def f():", "-    1", "+    2"],
        "class A:\n  def f():\n    1\nclass B:\n  def f():\n    2\n",
        (),
    ),
    (
        "def f():\n  a\n  a\n",
        ["@@ def f():", "-  a", "+  b"],
        "def f():\n  b\n  a\n",
        (),
    ),
    ("  def f():\n    a\n", ["@@ def f():", "-    a", "+    b"], "  def f():\n    b\n", ()),
    # The hunk before it chooses, too.
    ("a\nx\nb\nx\n", [" b", "@@", "-x", "+y"][1:], None, ()),
    ("a\nx\nb\nx\n", ["-b", "+B", "@@", "-x", "+y"], "a\nx\nB\ny\n", ()),
    ("a\nb\n", ["@@", "-a", "+A", "\\ No newline at end of file"], "A\nb\n", ()),
    # What Edit forgives.
    ("a  \nb\n", ["-a", "+A"], "A\nb\n", ("trailing blanks",)),
    ("    f(x)\n    g()\n", [" f(x)", "-g()", "+h()"], "    f(x)\n    h()\n", ("indentation",)),
    ("\tf()\n\tg()\n", ["-    f()", "+    h()"], "\th()\n\tg()\n", ("indentation",)),
    ("say \u201chi\u201d\n", ['-say "hi"', "+bye"], "bye\n", ("typographic characters",)),
    ("a \nb \n", ["-a", "+A", "@@", "-b", "+B"], "A\nB\n", ("trailing blanks",)),
]


@pytest.mark.parametrize(("text", "lines", "result", "inexact"), FITTING)
def test_hunks_are_made_where_they_must_stand(
    text: str, lines: list[str], result: str | None, inexact: tuple[str, ...]
) -> None:
    (section,) = parse_patch(patch("*** Update File: a", *lines))
    assert isinstance(section, UpdateFile)
    if result is None:
        with pytest.raises(CallFailed, match="fits 2 places"):
            apply_hunks(text, section.hunks)
        return
    patched = apply_hunks(text, section.hunks)
    assert (patched.text, patched.inexact) == (result, inexact)


# file, lines, part of the message
NOT_FITTING = [
    ("a\n", ["-b", "+c"], "its lines are not in the file. Read it again"),
    ("a\nb\n", ["-b", "+B", "@@", "-a", "+A"], "in the file's order"),
    ("x\ny\n", ["-x", "+z", "*** End of File"], "not in the file at its end"),
    ("x\nx\n", ["-x", "+y"], "fits 2 places"),
    ("x\n" * 9, ["-x", "+y"], "... and 4 more"),
    ("x \nx\t\n", ["-x", "+y"], "fits 2 places, trailing blanks aside"),
    ("def f():\n 1\ndef f():\n 1\n", ["@@ def f():", "- 1", "+ 2"], "fits 2 places"),
    ("a\na\n", ["@@ a", "+b"], "fits 2 places"),
    ("a\n", ["@@ nowhere", "-a", "+b"], "'nowhere' behind @@ is not in the file"),
    ("a\nb\n", ["-b", "+c", "@@ a", "+d"], "is not in the file there"),
    ("a\n", [" a"], "changes nothing"),
    ("a\n", ["-a", "+a"], "changes nothing"),
    ("a\nfoo()\nc\n", ["-foo()", "-d", "+x"], "most similar lines are:\n2\tfoo()"),
    ("a\nb\n", ["-a", "+# ... rest of the code ..."], "leaves something out"),
    ("if a:\n  b\n      c\n", [" if a:", "     b", "-    c", "+    d"], "not in the file"),
    ("a\n\n\nb\n", ["-  ", "+x"], "not in the file"),
]


@pytest.mark.parametrize(("text", "lines", "message"), NOT_FITTING)
def test_a_hunk_whose_place_is_not_clear_is_refused(
    text: str, lines: list[str], message: str
) -> None:
    (section,) = parse_patch(patch("*** Update File: a", *lines))
    assert isinstance(section, UpdateFile)
    with pytest.raises(CallFailed) as refused:
        apply_hunks(text, section.hunks)
    assert message in str(refused.value)


LINES = st.lists(st.sampled_from(["a", "b", "  a", "", "x = 1", "ü"]), min_size=1, max_size=10)


@settings(max_examples=150, deadline=None)
@given(LINES, st.data(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_hunk_changes_its_lines_and_no_other_byte(
    lines: list[str], data: st.DataObject, end: str, ended: bool
) -> None:
    text = end.join(lines) + (end if ended else "")
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    new = data.draw(LINES)
    hunk = Hunk((), tuple(lines[first:last]), tuple(new), False, 1)
    try:
        patched = apply_hunks(text, (hunk,))
    except CallFailed:
        return
    assert patched.inexact == ()
    inner = end if end in text else "\n"
    expected = inner.join([*lines[:first], *new, *lines[last:]]) + (end if ended else "")
    assert patched.text == expected


# Files


async def test_a_patch_adds_changes_moves_and_deletes_at_once(
    workspace: Workspace, root: Path
) -> None:
    (root / "a.py").write_text("x = 1\ny = 2\n")
    (root / "tool.sh").write_text("echo 1\n")
    (root / "tool.sh").chmod(0o755)
    (root / "gone.py").write_text("old\n")
    result = await apply(
        workspace,
        "*** Add File: pkg/new/mod.py",
        "+one",
        "*** Update File: a.py",
        "-x = 1",
        "+x = 3",
        "*** Update File: tool.sh",
        "*** Move to: bin/tool.sh",
        "-echo 1",
        "+echo 2",
        "*** Delete File: gone.py",
    )
    assert tree(root) == {
        "a.py": b"x = 3\ny = 2\n",
        "bin/tool.sh": b"echo 2\n",
        "pkg/new/mod.py": b"one\n",
    }
    assert stat.S_IMODE((root / "bin/tool.sh").stat().st_mode) == 0o755
    assert result.for_model == (
        "Applied the patch:\nA pkg/new/mod.py (+1 -0)\nM a.py (+1 -1)\n"
        "R tool.sh -> bin/tool.sh (+1 -1)\nD gone.py (+0 -1)"
    )
    assert not result.is_error


async def test_one_file_is_shown_as_a_diff(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("x\n")
    result = await apply(workspace, "*** Update File: a", "-x", "+y")
    assert result.display == FileDiff(
        path="a", diff="@@ -1,1 +1,1 @@\n-x\n+y\n".replace("1,1", "1"), added=1, removed=1
    )


async def test_a_quotation_that_was_not_exact_is_told_with_the_result(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("x  \n")
    result = await apply(workspace, "*** Update File: a", "-x", "+y")
    assert "not exact (trailing blanks)" in result.for_model
    assert "-x  \n+y\n" in result.for_model
    moved = await apply(workspace, "*** Update File: a", "*** Move to: b", "- y", "+ z")
    assert "R a -> b (+1 -1)\n  The patch's lines were not exact (indentation)" in moved.for_model


async def test_sections_about_one_file_follow_one_another(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("1\n2\n")
    await apply(
        workspace,
        "*** Update File: a",
        "-2",
        "+two",
        "*** Update File: ./a",
        "-1",
        "+one",
        "*** Add File: b",
        "+new",
        "*** Update File: b",
        " new",
        "+more",
        "*** Delete File: a",
        "*** Add File: a",
        "+again",
    )
    assert tree(root) == {"a": b"again\n", "b": b"new\nmore\n"}


async def test_files_can_change_places(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("A\n")
    (root / "b").write_text("B\n")
    await apply(
        workspace,
        "*** Update File: a",
        "*** Move to: c",
        "*** Update File: b",
        "*** Move to: a",
        "*** Update File: c",
        "*** Move to: b",
    )
    assert tree(root) == {"a": b"B\n", "b": b"A\n"}


async def test_a_patch_that_ends_where_it_began_writes_nothing(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("A\n")
    before = (root / "a").stat()
    result = await apply(
        workspace, "*** Update File: a", "-A", "+B", "*** Update File: a", "-B", "+A"
    )
    assert "nothing was written" in result.for_model
    assert (root / "a").stat() == before
    onto_itself = await apply(workspace, "*** Update File: a", "*** Move to: ./a")
    assert "nothing was written" in onto_itself.for_model


@pytest.mark.parametrize(
    ("data", "after"),
    [
        (codecs.BOM_UTF8 + b"a\r\nb", codecs.BOM_UTF8 + b"a\r\n\xc3\xbc"),
        (
            codecs.BOM_UTF16_LE + "a\nb\n".encode("utf-16-le"),
            codecs.BOM_UTF16_LE + "a\n\u00fc\n".encode("utf-16-le"),
        ),
        ("\u00e4\nb\n".encode("cp1252"), "\u00e4\n\u00fc\n".encode("cp1252")),
        (b"a\rb\r", b"a\r\xc3\xbc\r"),
        (b"a\r\nb\nc\r\n", b"a\r\n\xc3\xbc\nc\r\n"),
    ],
)
async def test_encoding_mark_line_ends_and_mode_stay(
    workspace: Workspace, root: Path, data: bytes, after: bytes
) -> None:
    (root / "a").write_bytes(data)
    (root / "a").chmod(0o640)
    await apply(workspace, "*** Update File: a", "-b", "+\u00fc")
    assert (root / "a").read_bytes() == after
    assert stat.S_IMODE((root / "a").stat().st_mode) == 0o640


async def test_a_file_that_is_no_text_can_be_moved_but_not_changed(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_bytes(b"\0\1\2")
    with pytest.raises(CallFailed, match="no text file"):
        await apply(workspace, "*** Update File: a", "+x")
    await apply(workspace, "*** Update File: a", "*** Move to: b")
    assert tree(root) == {"b": b"\0\1\2"}


async def test_a_link_inside_stays_and_its_target_is_changed(
    workspace: Workspace, root: Path
) -> None:
    (root / "real").write_text("x\n")
    (root / "link").symlink_to("real")
    await apply(workspace, "*** Update File: link", "-x", "+y")
    assert (root / "link").is_symlink()
    assert (root / "real").read_text() == "y\n"


REFUSED = [
    (["*** Add File: a", "+x"], CallFailed, "a is there already"),
    (["*** Update File: a", "*** Move to: b"], CallFailed, "b is there already"),
    (["*** Update File: none", "-x", "+y"], CallFailed, "no file 'none' to update"),
    (["*** Delete File: none"], CallFailed, "no file 'none' to delete"),
    (["*** Delete File: a", "*** Update File: a", "-a", "+b"], CallFailed, "no file 'a'"),
    (["*** Delete File: dir"], IsADirectoryError, "Is a folder"),
    (["*** Add File: ../out", "+x"], PathRefused, "outside"),
    (["*** Add File: /etc/out", "+x"], PathRefused, "outside"),
    (["*** Add File: .git/hooks/x", "+x"], PathRefused, "not written by tools"),
    (["*** Add File: .m31a/x", "+x"], PathRefused, "not written by tools"),
    (["*** Update File: a", "*** Move to: .git/x"], PathRefused, "not written by tools"),
    (["*** Delete File: out"], PathRefused, "outside"),
    (["*** Add File: a/b", "+x"], NotADirectoryError, "Not a directory"),
    (["*** Add File: x", "+# ... existing code ..."], CallFailed, "leaves something out"),
    (["*** Add File: half", "+\ud800"], CallFailed, "half of a character"),
    (["*** Update File: latin", "-b", "+\u6c49"], CallFailed, "which has no"),
]


@pytest.mark.parametrize(("lines", "error", "message"), REFUSED)
async def test_a_section_that_cannot_be_made_leaves_all_files_alone(
    workspace: Workspace,
    root: Path,
    lines: list[str],
    error: type[Exception],
    message: str,
) -> None:
    (root / "a").write_text("a\n")
    (root / "b").write_text("b\n")
    (root / "latin").write_bytes(b"\xe4\nb\n")
    (root / "dir").mkdir()
    (root / "out").symlink_to("/etc/hostname")
    before = tree(root)
    with pytest.raises(error, match=message):
        await apply(workspace, "*** Update File: b", "-b", "+changed", *lines)
    assert tree(root) == before


async def test_a_file_that_changed_since_it_was_read_is_not_patched(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("a\n")
    workspace.remember(workspace.read("a", limit_bytes=100))
    (root / "a").write_text("theirs\na\n")
    with pytest.raises(FileChanged):
        await apply(workspace, "*** Update File: a", "-a", "+b")
    assert (root / "a").read_text() == "theirs\na\n"


async def test_what_a_patch_wrote_counts_as_seen(workspace: Workspace, root: Path) -> None:
    await apply(workspace, "*** Add File: a", "+x")
    await apply(workspace, "*** Update File: a", "-x", "+y", "*** Add File: b", "+1")
    (root / "a").write_text("y\nmore\n")
    with pytest.raises(FileChanged):
        await apply(workspace, "*** Update File: a", "-y", "+z")


# Through dispatch


async def dispatched(workspace: Workspace, text: str, mode: Mode) -> ToolResult:
    return await dispatch(
        Call(id="1", name="apply_patch", arguments=f'{{"input": {_json(text)}}}'),
        toolbox=Toolbox((ApplyPatch(),)),
        policy=Policy(mode=mode),
        asker=RecordingAsker(),
        workspace=workspace,
    )


def _json(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


async def test_the_name_and_argument_that_models_use_are_understood(
    workspace: Workspace, root: Path
) -> None:
    result = await dispatched(workspace, patch("*** Add File: a", "+x"), Mode.SANDBOXED)
    assert not result.is_error, result.for_model
    assert (root / "a").read_text() == "x\n"


async def test_deleting_in_a_patch_is_destructive_and_waits(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("x\n")
    result = await dispatched(workspace, patch("*** Delete File: a"), Mode.SANDBOXED)
    assert result.is_error
    assert result.decision is not None
    assert result.decision.request is not None
    assert result.decision.request.destroys == ("delete a",)
    assert (root / "a").exists()


async def test_a_patch_that_cannot_be_read_comes_back_as_a_result(workspace: Workspace) -> None:
    result = await dispatched(workspace, "--- a", Mode.ALLOW_ALL)
    assert result.is_error
    assert "must begin with a line" in result.for_model


def test_a_patch_claims_every_file_it_names() -> None:
    tool = ApplyPatch()
    text = patch("*** Update File: a", "*** Move to: b", "*** Delete File: c")
    assert tool.claims(ApplyPatchArgs(patch=text)) == {"write:a", "write:b", "write:c"}
    assert tool.claims(ApplyPatchArgs(patch="?")) == {"workspace"}
    many = patch(*(f"*** Delete File: {name}" for name in "abcde"))
    assert tool.access(ApplyPatchArgs(patch=many)).summary == "patch a, b, c, d ..."


def test_no_descriptor_stays_open(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("x\n")
    before = _descriptors()
    anyio.run(apply, workspace, "*** Update File: a", "-x", "+y", "*** Add File: d/e", "+1")
    assert before == _descriptors()


def _descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}

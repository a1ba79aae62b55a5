"""FileRead, FileWrite and Edit on real files."""

import codecs
import struct
import zlib
from pathlib import Path

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import (
    CallFailed,
    Edit,
    FileChanged,
    FileDiff,
    FileRead,
    FileWrite,
    Listing,
    PathRefused,
    ToolResult,
    Workspace,
)
from m31a_tools.edit_file import EditArgs, OneEdit
from m31a_tools.read_file import FileReadArgs
from m31a_tools.text_file import Encoding, detect
from m31a_tools.write_file import FileWriteArgs

pytestmark = pytest.mark.anyio


async def read(workspace: Workspace, path: str, **options: int) -> str:
    result = await FileRead().run(
        msgspec.convert({"path": path} | options, FileReadArgs), workspace
    )
    return result.for_model


async def write(workspace: Workspace, path: str, content: str) -> ToolResult:
    return await FileWrite().run(FileWriteArgs(path=path, content=content), workspace)


async def edit(workspace: Workspace, path: str, old: str, new: str, **more: object) -> ToolResult:
    given_args = {"path": path, "old_string": old, "new_string": new} | more
    return await Edit().run(msgspec.convert(given_args, EditArgs), workspace)


# Reading


async def test_lines_are_numbered(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("one\ntwo\n\nfour")
    assert await read(workspace, "a") == "1\tone\n2\ttwo\n3\t\n4\tfour"


async def test_a_range_says_how_to_go_on(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("".join(f"{i}\n" for i in range(1, 11)))
    assert await read(workspace, "a", offset=4, limit=2) == (
        "4\t4\n5\t5\n[lines 4-5 of 10; go on with offset=6]"
    )
    assert await read(workspace, "a", offset=9) == "9\t9\n10\t10"
    assert await read(workspace, "a", offset=-2) == "9\t9\n10\t10"
    assert (await read(workspace, "a", offset=-99)).startswith("1\t1\n")
    assert (await read(workspace, "a", offset=0)).startswith("1\t1\n")
    assert (
        await read(workspace, "a", offset=11)
        == "[the file has 10 lines; offset 11 is behind its end]"
    )


async def test_long_files_and_lines_are_cut_at_whole_lines(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("".join(f"line number {i}\n" for i in range(1, 5001)))
    text = await read(workspace, "a")
    assert len(text) < 10_000
    *lines, note = text.split("\n")
    assert lines[-1] == f"{len(lines)}\tline number {len(lines)}"
    assert note == f"[lines 1-{len(lines)} of 5000; go on with offset={len(lines) + 1}]"

    (root / "b").write_text("x" * 5000 + "\nshort\n")
    assert await read(workspace, "b") == "1\t" + "x" * 2000 + "[... 3,000 characters cut]\n2\tshort"


async def test_unusual_encodings_are_told(workspace: Workspace, root: Path) -> None:
    cases = {
        "utf-8 with byte-order mark": "\ufeffä\nb".encode(),
        "utf-16-le with byte-order mark": codecs.BOM_UTF16_LE + "ä\nb".encode("utf-16-le"),
        "utf-16-be with byte-order mark": codecs.BOM_UTF16_BE + "ä\r\nb\r\n".encode("utf-16-be"),
        "cp1252": "ä\nb".encode("cp1252"),
        "latin-1": b"\xe4\nb\n\x81",
    }
    for name, data in cases.items():
        (root / "a").write_bytes(data)
        text = await read(workspace, "a")
        assert text.startswith("1\tä\n2\tb")
        assert text.endswith(f"[encoding {name}]")
    (root / "a").write_bytes("# coding: gbk\nx = '汉字汉字'\n".encode("gbk"))
    assert await read(workspace, "a") == "1\t# coding: gbk\n2\tx = '汉字汉字'\n[encoding gbk]"
    (root / "a").write_bytes("ä".encode() * 20 + b"\xff\n")
    assert "[encoding utf-8, with bytes that are not]" in await read(workspace, "a")


async def test_line_ends_of_all_kinds_are_line_ends(workspace: Workspace, root: Path) -> None:
    for data in (b"a\r\nb\r\n", b"a\rb\r", b"a\nb\r\n", b"a\nb"):
        (root / "a").write_bytes(data)
        assert await read(workspace, "a") == "1\ta\n2\tb"


async def test_files_that_are_no_text_are_described(workspace: Workspace, root: Path) -> None:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
    jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08" + struct.pack(">HH", 48, 64) + b"\0\0"
    cases = {
        png: "PNG image, 640 x 480 pixels, 24 bytes",
        b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0": "GIF image, 3 x 2 pixels, 11 bytes",
        b"BM"
        + b"\0" * 16
        + struct.pack("<ii", 5, -4)
        + b"\0" * 9: "BMP image, 5 x 4 pixels, 35 bytes",
        jpeg: f"JPEG image, 64 x 48 pixels, {len(jpeg)} bytes",
        b"RIFF\0\0\0\0WEBPVP8X"
        + b"\0" * 8
        + b"\x09\0\0\x13\0\0": "WebP image, 10 x 20 pixels, 30 bytes",
        b"RIFF\0\0\0\0WEBPVP8L"
        + b"\0" * 5
        + struct.pack("<I", 9 | 19 << 14): "WebP image, 10 x 20 pixels, 25 bytes",
        b"RIFF\0\0\0\0WEBPVP8 "
        + b"\0" * 10
        + struct.pack("<HH", 10, 20): "WebP image, 10 x 20 pixels, 30 bytes",
        b"RIFF\0\0\0\0WEBPxxxx": "binary file, 16 bytes",
        b"\x89PNG\r\n\x1a\n\0": "binary file, 9 bytes",
        b"\xff\xd8\xff\xe0\0\x04ab\0": "binary file, 9 bytes",
        b"\x7fELF\0": "ELF executable or library, 5 bytes",
        zlib.compress(b"x") + b"\0": f"binary file, {len(zlib.compress(b'x')) + 1} bytes",
    }
    for data, description in cases.items():
        (root / "a").write_bytes(data)
        assert await read(workspace, "a") == f"[{description}]"


async def test_an_empty_file_and_a_folder_are_told_as_such(
    workspace: Workspace, root: Path
) -> None:
    (root / "empty").touch()
    assert await read(workspace, "empty") == "[the file is empty]"
    (root / "dir" / "sub").mkdir(parents=True)
    (root / "dir" / "a").touch()
    result = await FileRead().run(FileReadArgs(path="dir"), workspace)
    assert result.for_model == "[dir is a folder with 2 entries]\na\nsub/"
    assert result.display == Listing(paths=("a", "sub/"))
    for i in range(600):
        (root / "dir" / f"{i}").touch()
    assert (await read(workspace, "dir")).endswith("\n[... 102 more]")


async def test_a_file_over_fifty_megabytes_is_refused(workspace: Workspace, root: Path) -> None:
    with (root / "big").open("wb") as file:
        file.truncate(51 << 20)
    with pytest.raises(PathRefused, match="53,477,376 bytes"):
        await read(workspace, "big")


async def test_the_end_of_a_big_file_is_read(workspace: Workspace, root: Path) -> None:
    (root / "big").write_bytes(b"x" * 99 + b"\n" + b"some line of text\n" * 500_000 + b"last\n")
    assert await read(workspace, "big", offset=500_002) == "500002\tlast"


# Writing


async def test_writing_makes_replaces_and_says_so(workspace: Workspace, root: Path) -> None:
    made = await write(workspace, "src/a.py", "one\n")
    assert made.for_model == "Created src/a.py (1 lines)."
    assert made.display == FileDiff(
        path="src/a.py", diff="@@ -0,0 +1 @@\n+one\n", added=1, removed=0
    )
    replaced = await write(workspace, "src/a.py", "one\ntwo")
    assert replaced.for_model == "Replaced src/a.py (now 2 lines, +1 -0)."
    same = await write(workspace, "src/a.py", "one\ntwo")
    assert "has this content already" in same.for_model
    assert (root / "src" / "a.py").read_text() == "one\ntwo"


@pytest.mark.parametrize("seen_by", ["read", "write", "edit"])
async def test_a_file_the_user_changed_since_is_never_overwritten(
    workspace: Workspace, root: Path, seen_by: str
) -> None:
    (root / "a").write_text("one\n")
    if seen_by == "read":
        await read(workspace, "a")
    elif seen_by == "write":
        await write(workspace, "a", "two\n")
    else:
        await edit(workspace, "a", "one", "two")
    (root / "a").write_text("theirs\n")

    for again in (write(workspace, "a", "ours\n"), edit(workspace, "a", "theirs", "ours")):
        with pytest.raises(FileChanged, match="Read it again first"):
            await again
    assert (root / "a").read_text() == "theirs\n"

    await read(workspace, "a")
    await edit(workspace, "./a", "theirs", "ours")
    assert (root / "a").read_text() == "ours\n"


async def test_encoding_mark_and_line_ends_of_a_replaced_file_stay(
    workspace: Workspace, root: Path
) -> None:
    cases = [
        ("ä\r\n".encode("cp1252"), "ö\nb\n", "ö\r\nb\r\n".encode("cp1252"), "cp1252"),
        ("ä\n".encode("cp1252"), "汉\n", "汉\n".encode(), ""),
        ("\ufeffa\r\n".encode(), "b\n", "\ufeffb\r\n".encode(), "utf-8 with"),
        (b"a\r\nb\n", "c\nd\n", b"c\nd\n", ""),
        (b"\0\1", "text\n", b"text\n", ""),
    ]
    for number, (before, content, after, told) in enumerate(cases):
        (root / str(number)).write_bytes(before)
        result = await write(workspace, str(number), content)
        assert (root / str(number)).read_bytes() == after
        assert (f"Encoding kept: {told}" in result.for_model) == bool(told)


async def test_half_a_character_cannot_be_written(workspace: Workspace, root: Path) -> None:
    with pytest.raises(CallFailed, match="half of a character"):
        await write(workspace, "a", "x\ud800")
    assert not list(root.iterdir())


async def test_content_that_leaves_something_out_is_refused(
    workspace: Workspace, root: Path
) -> None:
    (root / "a.py").write_text("def f():\n    pass\n")
    with pytest.raises(CallFailed, match="leaves something out"):
        await write(workspace, "a.py", "def f():\n    return 1\n# ... rest of the code\n")
    assert (root / "a.py").read_text() == "def f():\n    pass\n"


async def test_a_broken_hard_link_is_told(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("old")
    (root / "b").hardlink_to(root / "a")
    assert "hard link" in (await write(workspace, "a", "new")).for_model
    assert (root / "b").read_text() == "old"


async def test_writing_to_a_folder_or_below_a_file_fails_cleanly(
    workspace: Workspace, root: Path
) -> None:
    (root / "dir").mkdir()
    (root / "file").touch()
    with pytest.raises(IsADirectoryError):
        await write(workspace, "dir", "x")
    with pytest.raises(NotADirectoryError):
        await write(workspace, "file/a", "x")


# Editing

ENCODINGS = [
    Encoding("utf-8"),
    Encoding("utf-8", codecs.BOM_UTF8),
    Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    Encoding("utf-16-be", codecs.BOM_UTF16_BE),
    Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    Encoding("utf-32-be", codecs.BOM_UTF32_BE),
    Encoding("cp1252"),
    Encoding("latin-1"),
    Encoding("utf-8", errors="surrogateescape"),
]
ENDS = {"unix": "\n", "dos": "\r\n", "mac": "\r"}
PLACES = {
    "first line": ("erste", "ERSTE"),
    "middle": ("zweite Zeile", "2. Zeile\nnoch eine"),
    "over lines": ("Zeile\ndritte", "X\nY"),
    "last line": ("letzte ä", "Ende"),
    "a line goes": ("zweite Zeile\n", ""),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("final", ["with", "without"])
@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_every_encoding_line_end_and_place_keeps_the_other_bytes(
    tmp_path: Path, encoding: Encoding, ends: str, final: str, place: str
) -> None:
    """270 files, each edited once; the expected bytes are made without the code under test."""
    text = "erste öä\nzweite Zeile\ndritte\tß  \n\nletzte ä" + ("\n" if final == "with" else "")
    if encoding.errors != "strict":
        text = "\udcff " + text
    elif encoding.name == "latin-1":
        text = "\x81 " + text
    old, new = PLACES[place]
    end = ENDS[ends]
    (tmp_path / "f").write_bytes(encoding.encode(text.replace("\n", end)))
    expected = encoding.encode(text.replace(old, new).replace("\n", end))
    workspace = Workspace(root=tmp_path)

    _run(workspace, old, new)

    assert (tmp_path / "f").read_bytes() == expected
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def _run(workspace: Workspace, old: str, new: str) -> None:
    anyio.run(edit, workspace, "f", old, new)


async def test_several_edits_are_made_together_or_not_at_all(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("one\ntwo\nthree\n")
    more = [{"old_string": "two", "new_string": "2"}, {"old_string": "three", "new_string": "3"}]
    result = await edit(workspace, "a", "one", "1", edits=more)
    assert result.for_model == "Edited a: 3 places, +3 -3."
    assert (root / "a").read_text() == "1\n2\n3\n"

    with pytest.raises(CallFailed, match=r"Edit 2 of 3 failed, none was made\. old_string is not"):
        await edit(workspace, "a", "1", "one", edits=more)
    assert (root / "a").read_text() == "1\n2\n3\n"


async def test_a_quotation_that_was_not_exact_is_reported_with_the_result(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("def f():\n    return 1\n")
    result = await edit(workspace, "a", "  def f():\n      return 1", "  def f():\n      return 2")
    assert "not exact (indentation) but unique" in result.for_model
    assert "-    return 1\n+    return 2" in result.for_model
    assert (root / "a").read_text() == "def f():\n    return 2\n"


async def test_what_cannot_be_edited_is_said(workspace: Workspace, root: Path) -> None:
    (root / "bin").write_bytes(b"\0\1\2")
    with pytest.raises(CallFailed, match="no text file"):
        await edit(workspace, "bin", "a", "b")
    (root / "west").write_bytes("ä x\n".encode("cp1252"))
    with pytest.raises(CallFailed, match="encoded in cp1252, which has no '汉'"):
        await edit(workspace, "west", "x", "汉")
    with pytest.raises(FileNotFoundError):
        await edit(workspace, "none", "a", "b")
    assert (root / "west").read_bytes() == "ä x\n".encode("cp1252")


async def test_mode_and_link_of_an_edited_file_stay(workspace: Workspace, root: Path) -> None:
    (root / "run.sh").write_text("echo a\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    await edit(workspace, "link", "a", "b")
    assert (root / "link").is_symlink()
    assert (root / "run.sh").read_text() == "echo b\n"
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755


def test_arguments_say_what_a_call_touches() -> None:
    args = EditArgs(
        path="a", old_string="x", new_string="y", edits=(OneEdit(old_string="p", new_string="q"),)
    )
    assert Edit().access(args).writes == ("a",)
    assert Edit().access(args).summary == "edit a (2 edits)"
    assert Edit().claims(args) == {"write:a"}
    assert (
        FileWrite().access(FileWriteArgs(path="a", content="x\ny")).summary == "write a (2 lines)"
    )
    assert FileWrite().claims(FileWriteArgs(path="a", content="")) == {"write:a"}
    assert FileRead().access(FileReadArgs(path="a")).reads == ("a",)
    assert FileRead().claims(FileReadArgs(path="a")) == {"read"}


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(str.encode)))
def test_whatever_is_taken_for_text_comes_back_as_the_same_bytes(data: bytes) -> None:
    for mark in (
        b"",
        codecs.BOM_UTF8,
        codecs.BOM_UTF16_LE,
        codecs.BOM_UTF32_BE,
        b"# coding: utf-7\n",
        b"# coding: rot13\n",
    ):
        encoding = detect(mark + data)
        if encoding is not None:
            assert encoding.encode(encoding.decode(mark + data)) == mark + data

"""Processes are started and files are written by few, named functions; bare calls are errors.

A table names each function that may, and why. Import contracts cannot see calls, so this reads the
syntax trees.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import workspace

STARTS = {
    *(f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")),
    *(f"subprocess.{name}" for name in ("getoutput", "getstatusoutput")),
    *(f"os.{name}" for name in ("system", "popen", "fork", "forkpty", "startfile")),
    *(f"os.{kind}{end}" for kind in ("exec", "spawn") for end in ("l", "le", "lp", "lpe")),
    *(f"os.{kind}{end}" for kind in ("exec", "spawn") for end in ("v", "ve", "vp", "vpe")),
    *("os.posix_spawn", "os.posix_spawnp", "pty.spawn", "pty.fork"),
    *("anyio.run_process", "anyio.open_process", "multiprocessing.Process"),
}
"""Calls that start a process."""

WRITES = {
    *("os.rename", "os.renames", "os.replace", "os.link", "os.truncate", "os.ftruncate"),
    *("shutil.move", "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree"),
    *(".write_text", ".write_bytes"),
}
"""Calls that put something into a file or move one; `.name` is a method of any object.

To these come `open` in a mode that writes, `os.open` with flags that do, and `.rename(x)` and
`.replace(x)` of a path (a string's `replace` takes two).
"""

WRITING_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"}

ALLOWED: dict[str, str] = {
    # processes
    "m31a_rollback.git.run_git": "every git there is",
    "m31a_rollback.testing": "a test's repository is made as its owner would",
    "m31a_tools.process": "every other process: the model's commands and the project's checks",
    "m31a_tools.sandbox.landlock_starter.main": "becomes the confined command",
    "m31a_tools.sandbox.probe": "tries, in a sandbox, what a command must not do",
    # files that must survive a kill
    "m31a_tools.atomic": "a file replaced whole, for the file tools and the engine",
    "m31a_ledger.durable": "the ledger's lines",
    "m31a_ledger.index": "a list beside the ledger that can always be made anew",
    "m31a_ledger.store._append_after_reading": "takes back a row that was already there",
    "m31a_engine.session.journal": "the journal; it cuts a torn line off and begins a new file",
    # the landing: the user's own tree and index, journalled before
    "m31a_rollback.landing_files": "the files of a landing, each moved into its place",
    "m31a_rollback.landing": "the index of a landing, and its undoing",
    "m31a_rollback.index_lock": "git's own lock on the index, and ours beside it",
    "m31a_rollback.worktrees.WorkTree.tree_id": "an index of our own, kept for the next look",
    "m31a_rollback.private_index": "an index of our own beside the user's, and the next index",
    "m31a_rollback.discovery.init_repository": "the first index of a new repository",
    "m31a_rollback.hooks.run_commit_hooks": "the message file that a hook may edit",
    "m31a_rollback.giving_back": "files and index given back by a reset, a restore or an undo",
    "m31a_tools.change_set": "several files of the model's replaced together, journalled before",
    "m31a_tools.recovery._give_back": "files given their old names back",
    "m31a_tools.move_file._rename": "the model's own move, inside the work tree",
    "m31a_engine.desk.keeping._move": "a session's folder moved to or from the archive",
    # locks hold no data
    "m31a_engine.desk.kept.Kept.change": "the lock beside a list of ours",
    "m31a_engine.learning.memory.Memory._locked": "the lock beside a project's facts",
    "m31a_engine.session.locks.SessionLock": "who holds a session",
    "m31a_engine.trust.Trust._changing": "the lock beside the list of trusted folders",
    # the model's files, beneath the root
    "m31a_tools.workspace.Workspace._open": "the one way into a work tree",
    # what can be lost or made anew
    "m31a_providers.catalogue._write": "the list of models that was last seen",
    "m31a_providers.recording._append": "a recorded conversation, line by line",
    "m31a_providers.testing.model_server.ModelServer._write_log": "the log of a test's server",
    "m31a_tools.capture": "output too long to show",
    "m31a_tools.dispatch._kept": "output too long to show",
    "m31a_engine.drafting.Drafting._ask": "the plan for people; the journal holds it",
    "m31a_engine.demo._project": "the demo's own project",
    "m31a_keychain.pass_store.PassStore._run": "the `pass` program, with the key on its input",
    "m31a.people.People.edit": "the person's own editor on a file of ours",
    "m31a.people.People.shell": "the person's own command lines",
    "m31a_headless.crash.kept_traceback": "the traceback of a crash",
    "m31a_headless.streams.discard_output": "output whose reader is gone",
}
"""Module, class or function → why all in it may."""


def may(where: str) -> bool:
    """Whether a function is one of those named, or stands in one."""
    return any(where == name or where.startswith(f"{name}.") for name in ALLOWED)


@dataclass(frozen=True, slots=True)
class Bare:
    """A call that only a named function may make."""

    where: str
    """The function it stands in: module, then the name within the module."""
    call: str
    line: int


def called(node: ast.Call, imported: dict[str, str]) -> str:
    """The dotted name of what is called; `.name` for a method of something that is no module."""
    match node.func:
        case ast.Name(id=name):
            return imported.get(name, name)
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in imported:
            return f"{imported[name]}.{attr}"
        case ast.Attribute(attr=attr):
            return f".{attr}"
        case _:
            return ""


def writes(node: ast.Call, name: str) -> bool:
    """Whether a call by this name opens a file for writing or moves one."""
    if name in {".rename", ".replace"}:
        return len(node.args) == 1 and not node.keywords
    if name == "os.open":
        flags = {leaf.attr for leaf in ast.walk(node) if isinstance(leaf, ast.Attribute)}
        return bool(flags & WRITING_FLAGS)
    if name in {"open", "io.open", "os.fdopen", ".open"}:
        place = 0 if name == ".open" else 1
        modes = [word.value for word in node.keywords if word.arg == "mode"]
        modes += node.args[place : place + 1]
        said = [str(mode.value) for mode in modes if isinstance(mode, ast.Constant)]
        return any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in said)
    return name in WRITES


def bare_calls(file: Path, module: str) -> Iterator[Bare]:
    """All such calls in one file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {each.asname or each.name.split(".")[0]: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
            imported |= names

    def walk(node: ast.AST, names: tuple[str, ...]) -> Iterator[Bare]:
        for child in ast.iter_child_nodes(node):
            inner = names
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = (*names, child.name)
            elif isinstance(child, ast.Call):
                name = called(child, imported)
                if name in STARTS or writes(child, name):
                    yield Bare(".".join([module, *names]), name, child.lineno)
            yield from walk(child, inner)

    yield from walk(tree, ())


def all_bare_calls() -> Iterator[Bare]:
    for member in workspace.members():
        for file in sorted(member.source.rglob("*.py")):
            parts = file.relative_to(member.source.parent).with_suffix("").parts
            yield from bare_calls(file, ".".join(part for part in parts if part != "__init__"))


def test_bare_calls_stand_in_the_named_functions_alone() -> None:
    strangers = [each for each in all_bare_calls() if not may(each.where)]

    assert [f"{each.where}:{each.line} calls {each.call}" for each in strangers] == []


def test_every_function_named_here_still_makes_such_a_call() -> None:
    found = [f"{each.where}." for each in all_bare_calls()]

    assert [name for name in ALLOWED if not any(f.startswith(f"{name}.") for f in found)] == []


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("import subprocess\nsubprocess.run(['x'])", "subprocess.run"),
        ("import subprocess as s\ns.Popen(['x'])", "subprocess.Popen"),
        ("from subprocess import run as go\ngo(['x'])", "subprocess.run"),
        ("from os import system\nsystem('x')", "os.system"),
        ("import anyio\nanyio.open_process(['x'])", "anyio.open_process"),
        ("open('x', 'w')", "open"),
        ("open('x', mode='ab')", "open"),
        ("p.open('x')", ".open"),
        ("p.open(mode='w')", ".open"),
        ("import os\nos.open('x', os.O_CREAT | os.O_WRONLY)", "os.open"),
        ("p.replace(q)", ".replace"),
        ("p.write_text('x')", ".write_text"),
        ("import os\nos.replace('a', 'b')", "os.replace"),
    ],
)
def test_a_bare_call_is_seen(tmp_path: Path, code: str, call: str) -> None:
    file = tmp_path / "some.py"
    file.write_text(code)

    assert [call] == [each.call for each in bare_calls(file, "some")]


@pytest.mark.parametrize(
    "code",
    [
        "open('x')",
        "open('x', 'rb')",
        "s.replace('a', 'b')",
        "p.open()",
        "import os\nos.open('x', 0)",
    ],
)
def test_what_only_reads_is_let_through(tmp_path: Path, code: str) -> None:
    file = tmp_path / "some.py"
    file.write_text(code)

    assert list(bare_calls(file, "some")) == []

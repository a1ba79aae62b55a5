"""The doctor's findings as people see them."""

import ast
from collections.abc import Callable
from pathlib import Path

import m31a
from m31a.program.effects import CopyText, Work
from m31a.program.messages import WorkFailed
from m31a.rehearsal import services_of, settle
from m31a.screens.doctor import Looked
from m31a.testing import Desk
from m31a_engine.desk.doctor import Fact

Snapshot = Callable[[Callable[[], Desk], str], None]
FACTS = (
    Fact(name="Python", text="3.11.2 on Linux"),
    Fact(name="home", text="/home/ada/.m31a"),
    Fact(name="git", text="/usr/bin/git"),
    Fact(name="rg", text="missing: searching is slower without it"),
    Fact(name="project", text="/home/ada/slugs: not trusted; to trust it: m31a trust"),
    Fact(name="model", text="none; name one with --model ID or in config.toml", missing="a model"),
    Fact(
        name="key",
        text="openrouter: no key; looked in: M31A_OPENROUTER_API_KEY; OPENROUTER_API_KEY",
        missing="a key (set one with: m31a keys set openrouter)",
    ),
)
IGNORED = ("m31a.toml is ignored: the folder is not trusted (m31a trust)",)


def test_what_is_missing_has_its_remedy(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("doctor").send(Looked(FACTS, IGNORED)), "doctor/missing")


def test_before_anything_was_found(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("doctor"), "doctor/looking")


def test_a_configuration_that_cannot_be_used(snapshot: Snapshot) -> None:
    failed = WorkFailed(
        "~/.m31a/config.toml:3: modl: unknown key; did you mean 'model'?", "mend it"
    )
    snapshot(lambda: Desk("doctor").send(failed), "doctor/failed")


def test_nothing_missing_says_so() -> None:
    assert "everything a run needs is here" in Desk("doctor").send(Looked(FACTS[:3], ())).text


def test_it_copies_what_it_shows_and_looks_again() -> None:
    desk = Desk("doctor").send(Looked(FACTS, ()))
    desk.effects.clear()

    desk.press("y", "r")

    copied, again = desk.effects
    assert isinstance(copied, CopyText)
    assert "needs a key (set one with: m31a keys set openrouter)" in copied.text
    assert isinstance(again, Work)
    assert "looking around" in desk.text


def test_a_long_list_is_scrolled_to_its_end() -> None:
    desk = Desk("doctor").send(Looked(FACTS * 6, IGNORED)).press("end")

    assert "m31a.toml is ignored" in desk.text


def test_a_real_folder_is_looked_at(tmp_path: Path) -> None:
    environ = {"M31A_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}

    desk = settle(Desk("doctor"), services_of(tmp_path, environ))

    assert "needs a model" in desk.text
    assert f"{tmp_path}" in desk.text.replace("\n", "").replace(" ", "")


def test_no_module_of_the_app_waits_for_work_by_the_way_that_takes_the_signals() -> None:
    """`m31a_engine.completed` sets signal handlers: that is for programs without a screen."""
    folder = Path(m31a.__file__).parent
    wanting = [
        str(file.relative_to(folder))
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("m31a_engine")
        and any(name.name == "completed" for name in node.names)
    ]

    assert wanting == []

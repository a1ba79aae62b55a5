"""What somebody new runs into in the first hour: going on, going away, a folder misplaced."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from calling import called
from journey import Ended, ProjectFolder, ended, headless, script, started
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import FREE, GOAL, MENDED, mending

DOWN = Reply(status=401, error="no such key")


def m31a(project: ProjectFolder, *words: str) -> Ended:
    return called(*words, cwd=project.path, env=project.environment)


def refused_by(project: ProjectFolder, server: ModelServer, *words: str) -> str:
    """The session of a run that the provider refused, begun with these options."""
    options = ("--base-url", server.base_url, "--model", "any", "--output", "json")
    report = json.loads(m31a(project, "run", GOAL, *options, *words).expect(5).stdout)
    return str(report["session"])


def test_a_run_is_gone_on_with_by_the_options_it_was_begun_with(broken: ProjectFolder) -> None:
    with ModelServer([DOWN, *mending()]) as server:
        refused_by(broken, server, "--phase-model", "execute=strong", "--mode", "direct")
        told = m31a(broken, "resume", *FREE).expect(0)
        asked = [request.model for request in server.requests]

    assert broken.read("sums.py") == MENDED
    assert f"with model strong at local: {GOAL}" in told.stderr
    assert set(asked) == {"strong"}


def test_what_is_given_anew_counts_before_what_a_run_was_begun_with(broken: ProjectFolder) -> None:
    with ModelServer([DOWN]) as gone:
        session = refused_by(broken, gone, "--phase-model", "execute=strong", "--mode", "direct")
    with ModelServer(mending()) as server:
        address = ("--base-url", server.base_url, "--model", "other")
        m31a(broken, "resume", session, *address, *FREE).expect(0)
        asked = [request.model for request in server.requests]

    assert set(asked) == {"other"}


def test_another_provider_takes_no_model_over_from_the_run(broken: ProjectFolder) -> None:
    with ModelServer([DOWN]) as server:
        session = refused_by(broken, server, "--mode", "direct")

    said = m31a(broken, "resume", session, "--provider", "zen")

    assert said.exit_code == 2
    assert "no model is named" in said.stderr


def test_a_password_in_an_address_is_not_written_down(broken: ProjectFolder) -> None:
    with ModelServer([DOWN]) as server:
        address = server.base_url.replace("http://", "http://ada:hunter2secret@")
        words = ("run", GOAL, "--base-url", address, "--model", "any", "--mode", "direct")
        said = m31a(broken, *words).expect(5)

    home = Path(broken.environment["M31A_HOME"])
    written = [file for file in home.rglob("*") if file.is_file()]
    assert len(written) > 3
    assert [file for file in written if b"hunter2secret" in file.read_bytes()] == []
    assert "hunter2secret" not in said.stdout + said.stderr


@pytest.mark.parametrize("verb", ["resume", "approve"])
def test_a_session_that_is_not_there_is_said_before_a_model_is_asked_for(
    broken: ProjectFolder, verb: str
) -> None:
    said = m31a(broken, verb, "nothing")

    assert said.exit_code == 2
    assert "there is no session nothing of" in said.stderr


@pytest.mark.skipif(
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN,
    reason="SIGHUP is ignored here, as below nohup, and programs started here ignore it as well",
)
def test_a_terminal_that_goes_away_ends_the_run_in_order(broken: ProjectFolder) -> None:
    rules = [Rule(phase="execute", turn=1, reply=Reply(text="I look.", hold="here"))]
    with ModelServer(rules, check=False) as server:
        server.hold("here")
        words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", *FREE)
        program = script("m31a-headless")
        with started(program, *words, cwd=broken.path, env=broken.environment) as process:
            server.wait_held("here", 30)
            process.send_signal(signal.SIGHUP)
            said = ended(process)
        server.release("here")

    assert said.exit_code == 129
    assert said.stdout.startswith("interrupted: ")
    assert "\nnext      to go on: m31a resume 2" in said.stdout
    assert broken.git("branch", "--list", "m31a/*") == ""


def test_a_result_that_cannot_be_written_changes_nothing_of_the_exit_code(
    broken: ProjectFolder,
) -> None:
    with ModelServer(mending()) as server:
        words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", *FREE)
        line = " ".join(f"'{word}'" for word in (script("m31a-headless"), *words, "--quiet"))
        said = broken.run("sh", "-c", f"{line} > /dev/full")

    assert said.exit_code == 0
    assert broken.read("sums.py") == MENDED
    assert said.stderr.count("\n") == 1
    assert "m31a: the result cannot be written: No space left on device; it is kept in /" in (
        said.stderr
    )


@pytest.mark.parametrize("place", ["own", "own/deeper"])
def test_our_own_folder_inside_the_project_is_refused_and_nothing_is_made(
    broken: ProjectFolder, place: str
) -> None:
    environment = {**broken.environment, "M31A_HOME": str(broken.path / place)}

    words = ("run", GOAL, "--base-url", "http://127.0.0.1:9/v1", "--model", "any")
    said = called(*words, cwd=broken.path, env=environment)

    assert said.exit_code == 2
    assert f"folder {broken.path / place} lies in the project {broken.path}" in said.stderr
    assert "set M31A_HOME to a folder outside of it" in said.stderr
    assert not (broken.path / "own").exists()


def test_our_own_folder_that_cannot_be_made_is_named(broken: ProjectFolder) -> None:
    file = broken.path.parent / "file"
    file.touch()

    words = ("run", GOAL, "--base-url", "http://127.0.0.1:9/v1", "--model", "any")
    environment = {**broken.environment, "M31A_HOME": str(file / "own")}
    said = called(*words, cwd=broken.path, env=environment)

    assert said.exit_code == 2
    assert f"M31A's own folder {file / 'own'} cannot be made: Not a directory" in said.stderr


@pytest.mark.parametrize("name", ["HEAD", "config"])
def test_a_broken_repository_is_not_made_anew(broken: ProjectFolder, name: str) -> None:
    (broken.path / ".git" / name).write_text("[garbage\n")

    words = ("run", GOAL, "--init", "--base-url", "http://127.0.0.1:9/v1", "--model", "any")
    said = m31a(broken, *words)

    assert said.exit_code == 2
    assert f"git cannot use the .git of {broken.path}" in said.stderr
    assert (broken.path / ".git" / name).read_text() == "[garbage\n"


def test_the_home_folder_is_no_project_and_no_repository_is_advised(broken: ProjectFolder) -> None:
    words = ("run", GOAL, "--base-url", "http://127.0.0.1:9/v1", "--model", "any")
    said = called(*words, cwd=Path(broken.environment["HOME"]), env=broken.environment)

    assert said.exit_code == 2
    assert "is not a project folder: choose one below it" in said.stderr


def test_the_demo_says_that_git_is_missing(tmp_path: Path, environment: dict[str, str]) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sh").symlink_to(shutil.which("sh") or "/bin/sh")

    said = headless("demo", cwd=tmp_path, env={**environment, "PATH": str(programs)})

    assert said.exit_code == 2
    assert "git was not found: install git" in said.stderr


def test_work_whose_tests_nobody_knows_says_why_it_is_partial(broken: ProjectFolder) -> None:
    broken.git("rm", "--quiet", "test_sums.py")
    broken.commit("No tests")

    with ModelServer(mending()) as server:
        words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", "--mode", "direct")
        said = m31a(broken, *words, *FREE).expect(6)

    assert "\nwhy       no check shows that the program works\n" in said.stdout
    assert "\nnext      name your tests: m31a config set verify.test COMMAND\n" in said.stdout


def test_files_that_are_not_checked_out_are_there_for_the_checks(broken: ProjectFolder) -> None:
    broken.git("sparse-checkout", "set", "--no-cone", "/test_sums.py")
    assert not (broken.path / "sums.py").exists()
    before = broken.state()

    with ModelServer(mending()) as server:
        words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", *FREE)
        said = m31a(broken, *words).expect(7)  # what is not there is not written either

    assert "\nverdict   verified\n" in said.stdout
    assert broken.state() == before
    broken.git("merge", "--quiet", *broken.git("branch", "--list", "m31a/*").split()[:1])
    assert broken.git("show", "HEAD:sums.py") == MENDED.rstrip()
    assert not (broken.path / "sums.py").exists()


def test_a_commits_words_are_harmless_in_a_terminal(broken: ProjectFolder) -> None:
    goal = f"{GOAL}\x1b[31m\u202e now\n\nand\x1b]0;this\x07 too"
    with ModelServer(mending()) as server:
        words = ("run", goal, "--base-url", server.base_url, "--model", "any", "--mode", "direct")
        m31a(broken, *words, *FREE).expect(0)

    said = broken.git("log", "--format=%B")
    assert said.startswith(GOAL)
    assert "and too" in said
    assert all(letter.isprintable() for letter in said.replace("\n", ""))

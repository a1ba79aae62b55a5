"""The demo: no key, no network, everything real but the model's words."""

import re
from pathlib import Path

import pytest

from journey import run_program, script


@pytest.mark.parametrize("program", ["m31a", "m31a-headless"])
def test_the_demo_ends_in_a_commit_whose_tests_pass_by_hand_twice(
    program: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "home" / ".gitconfig").write_text("", encoding="utf-8")
    for _ in range(2):
        ended = run_program(
            script(program), "demo", cwd=tmp_path, env=environment | {"TMPDIR": str(tmp_path)}
        ).expect(0)
        assert "recording" in ended.stdout
        place = re.search(r"git -C (\S+) log", ended.stdout)
        assert place is not None
        folder = Path(place[1])
        assert run_program("python3", "-m", "unittest", cwd=folder, env=environment).exit_code == 0
        log = run_program("git", "log", "-1", "--format=%B", cwd=folder, env=environment).stdout
        assert "M31A-Verdict: verified" in log
        assert "M31A-Check: test; exit=0; 3 passed" in log

    ledger = (Path(environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")
    assert ledger.count("demo") >= 2

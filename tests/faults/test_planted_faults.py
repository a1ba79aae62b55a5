"""The properties the mission stands on: break one on purpose, and a test must turn red.

Each fault is planted in a copy of the sources, which a second pytest imports in place of
the real ones.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Fault:
    """One line made wrong, and the test that has to notice."""

    name: str
    file: str
    right: str
    wrong: str
    guard: str


FAULTS = (
    Fault(
        name="landing does not look at the user's files",
        file="packages/m31a-rollback/src/m31a_rollback/landing_check.py",
        right="    if changed:\n        return refuse(Obstacle.TREE_CHANGED, changed)",
        wrong="    if False:\n        return refuse(Obstacle.TREE_CHANGED, changed)",
        guard="tests/journeys/test_run.py::"
        "test_a_file_the_user_has_changed_too_is_not_touched_and_the_way_out_is_named",
    ),
    Fault(
        name="resume forgets the replies it has",
        file="packages/m31a-engine/src/m31a_engine/conversation/history.py",
        right='case "reply":\n                    found.reply(',
        wrong='case "no such kind":\n                    found.reply(',
        guard="tests/journeys/test_resume.py::"
        "test_a_kill_during_execute_is_resumed_without_asking_a_finished_turn_again",
    ),
    Fault(
        name="a red check counts as verified",
        file="packages/m31a-engine/src/m31a_engine/checks/result.py",
        right="        case CheckStatus.FAILED | CheckStatus.TIMED_OUT:\n            return True",
        wrong="        case CheckStatus.FAILED | CheckStatus.TIMED_OUT:\n            return False",
        guard="tests/journeys/test_run.py::"
        "test_red_tests_ship_nothing_and_leave_the_user_as_before",
    ),
    Fault(
        name="every run may do everything",
        file="packages/m31a-engine/src/m31a_engine/leave.py",
        right="    chosen = config.permissions.mode or default\n    rules",
        wrong="    chosen = PermissionMode.ALLOW_ALL\n    rules",
        guard="tests/journeys/test_permissions.py::"
        "test_in_mode_rules_a_command_that_is_no_check_does_not_run",
    ),
    Fault(
        name="rules cover a line that cannot be judged",
        file="packages/m31a-tools/src/m31a_tools/permission.py",
        right="        if self.reading.unclear or self.reading.sockets or self.outside:\n",
        wrong="        if self.reading.sockets or self.outside:\n",
        guard="packages/m31a-tools/tests/test_tools_permission.py::"
        "test_a_line_that_cannot_be_judged_is_not_covered_by_rules_for_the_commands_seen_in_it",
    ),
    Fault(
        name="a command in the sandbox sees the keys",
        file="packages/m31a-tools/src/m31a_tools/sandbox/secret_places.py",
        right="        hidden |= _private_entries(home)\n",
        wrong="",
        guard="packages/m31a-tools/tests/test_sandbox_rules.py::"
        "test_dotted_names_are_hidden_unless_they_hold_a_toolchain",
    ),
    Fault(
        name="a provider's error shows the key",
        file="packages/m31a-providers/src/m31a_providers/secret.py",
        right="text.replace(secret.reveal(), DOTS)",
        wrong="text",
        guard="packages/m31a-providers/tests/test_network_faults.py::"
        "test_the_key_is_in_no_message_log_or_representation",
    ),
    Fault(
        name="what a model writes commands the terminal",
        file="apps/m31a/src/m31a/draw/text.py",
        right="    return _COMMANDS.sub(_mark, text)",
        wrong="    return text",
        guard="apps/m31a/tests/test_app_hostile.py::test_a_run_full_of_it_is_harmless",
    ),
    Fault(
        name="a fact that misled stays",
        file="packages/m31a-engine/src/m31a_engine/learning/facts.py",
        right="self.losses >= MOST_LOSSES and self.losses > self.wins",
        wrong="False",
        guard="packages/m31a-engine/tests/test_engine_learning.py::"
        "test_a_wrong_fact_is_dropped_after_three_lost_runs",
    ),
)


def guarded(path: Path | None, guard: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", guard],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=180,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_its_guard_red(fault: Fault, tmp_path: Path) -> None:
    source = ROOT / fault.file
    package = source.relative_to(ROOT).parts[3]
    text = source.read_text(encoding="utf-8")
    assert text.count(fault.right) == 1, "the fault no longer fits its file: plant it anew"
    shutil.copytree(
        ROOT.joinpath(*source.relative_to(ROOT).parts[:3]) / package,
        tmp_path / package,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    if package == "m31a_engine":
        shutil.copytree(ROOT / "prompts", tmp_path / package / "prompts")
    planted = tmp_path / Path(*source.relative_to(ROOT).parts[3:])
    planted.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")

    faulty = guarded(tmp_path, fault.guard)

    assert faulty.returncode == 1, faulty.stdout + faulty.stderr
    assert "1 failed" in faulty.stdout

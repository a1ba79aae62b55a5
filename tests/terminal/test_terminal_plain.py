"""Text that only grows, at a terminal: the way for pipes, dumb terminals and screen readers."""

from pathlib import Path

import pytest

from journey import ProjectFolder
from panes import WHY_NOT, has_tmux, pane_in
from scripted import BROKEN, TEST

pytestmark = pytest.mark.skipif(not has_tmux(), reason=WHY_NOT)


def test_ctrl_c_at_the_prompt_for_a_goal_leaves_at_once(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    project = ProjectFolder.create(tmp_path / "work", environment, files)

    with pane_in(project.path, environment, columns=80, rows=24) as pane:
        pane.run("--plain")
        pane.until("goal (an empty line leaves):")
        pane.press("C-c")
        pane.prompt()
        pane.type("echo code=$?")
        pane.press("Enter")
        said = pane.until("\ncode=")

    assert "\ncode=130" in said
    assert "Traceback" not in said

"""The project most journeys start from."""

from pathlib import Path

import pytest

from journey import ProjectFolder
from scripted import BROKEN, TEST


@pytest.fixture
def broken(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    """A project whose one test is red."""
    return ProjectFolder.create(
        tmp_path / "project", environment, {"sums.py": BROKEN, "test_sums.py": TEST}
    )

"""Finding the files a goal is about, in a real repository."""

from pathlib import Path

import anyio
import pytest

from m31a_engine.compass import SMALL_PROJECT, Compass
from m31a_rollback import Identity, Repository

pytestmark = pytest.mark.anyio


async def repository_with(folder: Path, files: dict[str, str]) -> tuple[Repository, str]:
    """A repository whose first commit holds the files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    you = Identity(name="You", email="you@example.org")
    repository = await Repository.init(folder, "Start", add_all=True, author=you)
    return repository, await repository.resolve("HEAD")


def project(count: int) -> dict[str, str]:
    parts = {f"part_{number}.py": f"X_{number} = {number}\n" for number in range(count)}
    return parts | {"prices.py": "def round_price(value):\n    return value\n"}


async def test_a_goal_finds_the_file_that_defines_what_it_names(tmp_path: Path) -> None:
    repository, head = await repository_with(tmp_path / "project", project(SMALL_PROJECT))
    compass = Compass(repository, tmp_path / "cache")

    before = await compass.orientation("mend round_price", 300)
    with anyio.fail_after(30):
        await compass.prepare(head, repository.root)
    found = await compass.orientation("mend round_price", 300)
    (tmp_path / "project" / "taxes.py").write_text("def round_tax(value):\n    return value\n")
    await compass.edited(["taxes.py"], repository.root)
    later = await compass.orientation("mend round_tax", 300, ["taxes.py"])
    compass.close()

    assert before == ""
    assert "- prices.py: " in found
    assert "def round_price(value)" in found
    assert "- taxes.py: " in later
    assert await compass.orientation("mend round_price", 300) == ""


async def test_a_file_that_the_goal_names_is_quoted_around_what_it_says_of_it(
    tmp_path: Path,
) -> None:
    rows = "".join(f"X_{number} = {number}\n" for number in range(300))
    token = "ghp_" + "x9Kq2LmZ7vTb4RnW8sYd3FhJ6pCg1AeUoN5i"
    text = f"{rows}\n\ndef total():\n    return '{token}'\n\n\n{rows}"
    files = project(SMALL_PROJECT) | {"sums.py": text}
    repository, head = await repository_with(tmp_path / "project", files)
    compass = Compass(repository, tmp_path / "cache")

    before = await compass.quotation("mend total in sums.py")
    with anyio.fail_after(30):
        await compass.prepare(head, repository.root)
    quoted = await compass.quotation("mend total in sums.py")
    unnamed = await compass.quotation("mend round_price")
    compass.close()

    assert (before, unnamed) == ("", "")
    assert quoted.startswith("# Files that the goal names\n\n--- sums.py, lines 1-80 of ")
    assert "def total():" in quoted
    assert "X_200 = 200\n" not in quoted
    assert token not in quoted


async def test_a_small_project_has_no_need_of_a_map(tmp_path: Path) -> None:
    repository, head = await repository_with(tmp_path / "project", project(3))
    compass = Compass(repository, tmp_path / "cache")

    await compass.prepare(head, repository.root)

    assert await compass.orientation("mend round_price", 300) == ""
    assert not (tmp_path / "cache").exists()

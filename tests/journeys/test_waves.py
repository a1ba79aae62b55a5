"""A goal that is too large for one plan: looked into, outlined, planned wave by wave."""

import json
from itertools import groupby
from pathlib import Path

import pytest

from journey import Ended, ProjectFolder, headless
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import BROKEN, FREE, MENDED, TEST, write

GOAL = "Rewrite the whole architecture of sums and products into a new module system with plugins"
WAVES = [
    {"title": "Sums", "tasks": ["mend add"], "files": ["sums.py"]},
    {"title": "Products", "tasks": ["add mul", "use it"], "files": ["products.py"]},
]


def plan(*tasks: tuple[str, str]) -> str:
    rows = [
        {
            "id": number,
            "action": "Modify",
            "description": title,
            "dependencies": [number - 1] if number > 1 else [],
            "files": [path],
            "acceptance_criteria": [f"{path} contains return"],
        }
        for number, (title, path) in enumerate(tasks, 1)
    ]
    return f"# Sums\n\n## Task List\n```json\n{json.dumps(rows)}\n```\n"


def script(first: str) -> list[Rule | Reply | str]:
    """A model that outlines two waves and does them; `first` is what it writes for add()."""
    return [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="research", turn=1, reply=Reply(text="sums.py holds add, which is wrong.")),
        Rule(phase="research", contains="Outline", reply=Reply(text=json.dumps(WAVES))),
        Rule(phase="plan", contains="Plan wave 1", reply=Reply(text=plan(("Mend", "sums.py")))),
        Rule(
            phase="plan",
            contains="Plan wave 2",
            reply=Reply(text=plan(("Multiply", "products.py"), ("Power", "powers.py"))),
        ),
        Rule(phase="execute", task="1", turn=1, reply=write("sums.py", first)),
        Rule(
            phase="execute",
            task="2",
            turn=1,
            reply=write("products.py", "def mul(a, b):\n    return a * b\n"),
        ),
        Rule(
            phase="execute",
            task="3",
            turn=1,
            reply=write("powers.py", "def power(a, b):\n    return a**b\n"),
        ),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", reply=Reply(text="I cannot mend it.")),
        Rule(phase="ship", reply=Reply(text="Three functions.")),
    ]


@pytest.fixture
def large(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    """A project of forty source files, one of them wrong."""
    files = {f"part_{number}.py": f"X = {number}\n" for number in range(40)}
    return ProjectFolder.create(
        tmp_path / "project", environment, files | {"sums.py": BROKEN, "test_sums.py": TEST}
    )


def run(large: ProjectFolder, server: ModelServer, *words: str) -> Ended:
    return headless(
        "run",
        GOAL,
        "--base-url",
        server.base_url,
        "--model",
        "any",
        "--mode",
        "full",
        "--output",
        "json",
        *FREE,
        *words,
        cwd=large.path,
        env=large.environment,
    )


def test_each_wave_is_planned_on_what_the_wave_before_it_left(large: ProjectFolder) -> None:
    with ModelServer(script(MENDED)) as server:
        ended = run(large, server).expect(0)
        phases = [seen.labels["phase"] for seen in server.requests if seen.labels]
        second = next(seen for seen in server.requests if "Plan wave 2" in seen.asked.last_text)

    report = json.loads(ended.stdout)
    assert [task["title"] for task in report["tasks"]] == ["Mend", "Multiply", "Power"]
    assert report["verification"]["verdict"] == "verified"
    assert [phase for phase, _ in groupby(phases)] == [
        "discuss", "research", "plan", "execute", "plan", "execute", "ship",
    ]  # fmt: skip
    assert "Mend: done; files: sums.py" in second.asked.last_text
    assert "check test: passed" in second.asked.last_text
    assert large.read("powers.py").startswith("def power")


def test_a_wave_whose_checks_stay_red_ends_the_expansion(large: ProjectFolder) -> None:
    with ModelServer(script("def add(a, b):\n    return 0\n")) as server:
        ended = run(large, server).expect(1)
        asked = [seen.asked.last_text for seen in server.requests]

    report = json.loads(ended.stdout)
    assert [task["title"] for task in report["tasks"]] == ["Mend"]
    assert report["outcome"] == "failed"
    assert not any("Plan wave 2" in text for text in asked)
    assert large.read("sums.py") == BROKEN


def test_what_was_never_planned_is_told_when_red_work_is_landed(
    large: ProjectFolder,
) -> None:
    with ModelServer(script("def add(a, b):\n    return 0\n")) as server:
        ended = run(large, server, "--on-failure", "land").expect(6)

    findings = json.loads(ended.stdout)["findings"]
    assert [finding["text"] for finding in findings if finding["kind"] == "failed-task"] == [
        "failed: never planned: Products (allowed)"
    ]

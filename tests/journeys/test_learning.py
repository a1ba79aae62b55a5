"""Runs that learn: what one run has shown spares the next one its failed attempt.

`hatch run campaign:learning` plays twenty goals in pairs; the suite takes the first pairs.
"""

import json
import os
from pathlib import Path

import pytest

from journey import ProjectFolder, headless
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import FREE

DEFAULT_CASES = 2
PAIRS = max(1, int(os.environ.get("M31A_CAMPAIGN", DEFAULT_CASES)) // 2)
TEST = """import unittest

import prices


class Prices(unittest.TestCase):
    def test_all(self):
        for name in dir(prices):
            if name.startswith("price"):
                self.assertIs(int, type(getattr(prices, name)(3)), "prices are whole cents")
"""


def write(number: int, value: str) -> Reply:
    content = "".join(f"def price{n}(n):\n    return {value}\n" for n in range(number + 1))
    return Reply(
        tool_calls=(Call(name="FileWrite", arguments={"path": "prices.py", "content": content}),)
    )


def script(number: int) -> list[Rule | Reply | str]:
    """A model that gets it right at once only when it is told what went wrong before."""
    return [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="execute", turn=1, contains="prices are whole cents", reply=write(number, "n")),
        Rule(phase="execute", turn=1, reply=write(number, "n / 2")),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", turn=1, reply=write(number, "n")),
        Rule(phase="heal", reply=Reply(text="Prices are cents, so I return whole numbers.")),
        Rule(phase="ship", reply=Reply(text="One more price.")),
    ]


def shop(folder: Path, environment: dict[str, str]) -> ProjectFolder:
    return ProjectFolder.create(folder, environment, {"prices.py": "", "test_prices.py": TEST})


def attempts(project: ProjectFolder, number: int, *words: str) -> tuple[int, str]:
    """How many attempts of a run failed, and all that its model was told."""
    with ModelServer(script(number)) as server:
        ended = headless(
            "run",
            f"add price number {number}",
            "--base-url",
            server.base_url,
            "--model",
            "any",
            "--mode",
            "fast",
            "--output",
            "json",
            *FREE,
            *words,
            cwd=project.path,
            env=project.environment,
        ).expect(0)
        asked = server.requests
    assert json.loads(ended.stdout)["outcome"] == "shipped"
    healing = [
        seen for seen in asked if seen.labels.get("phase") == "heal" and seen.asked.turn == 1
    ]
    return len(healing), "\n".join(seen.raw.decode() for seen in asked if seen.raw)


def test_a_grown_memory_spares_failed_attempts(tmp_path: Path, environment: dict[str, str]) -> None:
    forgetful = environment | {"M31A_LEDGER_RECALL": "false"}
    failed = {"empty": 0, "grown": 0}
    for pair in range(PAIRS):
        projects = {
            "empty": shop(tmp_path / f"empty-{pair}", forgetful),
            "grown": shop(tmp_path / f"grown-{pair}", environment),
        }
        for name, project in projects.items():
            for number in (0, 1):
                failed[name] += attempts(project, number)[0]

    assert failed["empty"] == 2 * PAIRS
    assert failed["grown"] <= 0.7 * failed["empty"]


def test_no_other_projects_words_stand_in_a_prompt(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    one = shop(tmp_path / "one" / "shop", environment)
    other = shop(tmp_path / "other" / "shop", environment)
    attempts(one, 0)

    failed, told = attempts(other, 1)
    _, told_again = attempts(one, 1)

    assert failed == 1
    assert "From earlier runs here" not in told
    assert "From earlier runs here" in told_again


@pytest.mark.parametrize("switch", ["M31A_LEDGER_RECALL", "M31A_LEDGER_ENABLED"])
def test_with_learning_switched_off_nothing_is_kept(
    tmp_path: Path, environment: dict[str, str], switch: str
) -> None:
    project = shop(tmp_path / "shop", environment | {switch: "false"})

    attempts(project, 0)

    assert list(Path(environment["M31A_HOME"]).rglob("facts.json")) == []

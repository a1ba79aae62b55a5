"""A scripted model for a goal of six phases: a plan, a refinement, two files."""

import json

from m31a_providers.testing import Reply, Rule
from scripted import MENDED, write

GOAL = "make add() return the sum and write it down"
NOTE = "name the file NOTES.md"
TYPO = "def add(a, b:\n    return a + b\n"
PRODUCT = "def add(a, b):\n    return a * b\n"


def plan(title: str, *paths: str) -> Reply:
    """An answer that is a plan: a task for each file, all at once."""
    tasks = [
        {
            "id": number,
            "action": "Modify",
            "description": f"Write {path}",
            "dependencies": [],
            "files": [path],
            "acceptance_criteria": [f"{path} contains add"],
        }
        for number, path in enumerate(paths, 1)
    ]
    text = (
        f"# {title}\n\n## Summary\nTwo files.\n\n## Task List\n```json\n{json.dumps(tasks)}\n```\n"
    )
    return Reply(text=text)


def planned(first: str = MENDED) -> list[Rule | Reply | str]:
    """A model that plans twice, writes `first` for add(), and mends it when it is told to."""
    return [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="plan", turn=1, reply=plan("Sums", "sums.py", "TEXT.md")),
        Rule(phase="plan", contains=NOTE, reply=plan("Sums and notes", "sums.py", "NOTES.md")),
        Rule(phase="execute", task="1", turn=1, reply=write("sums.py", first)),
        Rule(phase="execute", task="2", turn=1, reply=write("NOTES.md", "add() adds.\n")),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", turn=1, reply=write("sums.py", MENDED)),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(phase="ship", reply=Reply(text="add() adds, and NOTES.md says so.")),
    ]

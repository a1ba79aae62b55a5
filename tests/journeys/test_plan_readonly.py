"""A model that would rather act than plan: until Execute, nothing changes anywhere."""

import msgspec
import pytest

from calling import called
from journey import ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from m31a_tools import Sandbox
from writing import MARK, routes

PLAN = """# Add

## Task List
```json
[{"id": 1, "action": "Modify", "description": "Mend add", "dependencies": [],
   "files": ["sums.py"], "acceptance_criteria": ["sums.py contains return"]}]
```
"""
GOAL = "Rewrite the whole architecture of sums into a new module system with plugins"
TURNS = 12


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is of interest in a message of a request."""

    role: str
    content: str | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What is of interest in a request."""

    messages: tuple[Message, ...]


def acting(phase: str, commands: tuple[str, ...], last: str) -> list[Rule | Reply | str]:
    """Replies of one phase that try every command, some in a turn, and writing tools beside."""
    size = -(-len(commands) // TURNS)
    packs = [commands[at : at + size] for at in range(0, len(commands), size)]
    rules: list[Rule | Reply | str] = []
    for turn, pack in enumerate(packs, 1):
        calls = [Call(name="Bash", arguments={"command": command}) for command in pack]
        calls += [
            Call(name="FileWrite", arguments={"path": f"{MARK}.py", "content": "x"}),
            Call(name="Edit", arguments={"path": "sums.py", "old": "a", "new": "b"}),
        ]
        rules.append(Rule(phase=phase, turn=turn, reply=Reply(tool_calls=tuple(calls))))
    return [*rules, Rule(phase=phase, reply=Reply(text=last))]


@pytest.mark.parametrize("phase", ["discuss", "research", "plan"])
def test_a_hundred_ways_to_write_change_nothing_before_execute(
    broken: ProjectFolder, phase: str
) -> None:
    if not Sandbox.detect(broken.path.parent / "cache").works:
        pytest.skip("no sandbox works here: no command runs while planning")
    commands = routes(str(broken.path))
    assert len(commands) >= 100
    share = {"discuss": slice(0, 40), "research": slice(40, 75), "plan": slice(75, None)}[phase]
    broken.write("deep/er.txt", "deep\n")
    broken.commit("A folder")
    broken.write("deep/mine.txt", "mine\n")
    before, settings = broken.state(), broken.git("config", "--list", "--local")
    quiet = [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="research", reply=Reply(text="Nothing to look up.")),
        Rule(phase="plan", reply=Reply(text=PLAN)),
    ]
    script = acting(phase, commands[share], PLAN if phase == "plan" else "Nothing.")
    with ModelServer([*script, *quiet]) as server:
        done = called(
            *("run", GOAL, "--mode", "full", "--until", "plan", "--base-url", server.base_url),
            *("--model", "any"),
            cwd=broken.path,
            env=broken.environment,
        )
        asked = [seen for seen in server.requests if seen.asked.phase == phase]

    assert done.exit_code == 0, done
    last = msgspec.json.decode(asked[-1].raw, type=Body)
    told = [message.content or "" for message in last.messages if message.role == "tool"]
    assert len(told) >= len(commands[share])
    assert sum("Read-only file system" in text for text in told) >= len(commands[share]) // 3
    assert any("There is no tool 'FileWrite'" in text for text in told)
    assert broken.state() == before
    assert broken.git("config", "--list", "--local") == settings
    branches = broken.git("for-each-ref", "--format=%(objectname)", "refs/heads/m31a").split()
    assert set(branches) <= {broken.head}
    looked_at = [
        line.removeprefix("worktree ")
        for line in broken.git("worktree", "list", "--porcelain").splitlines()
        if line.startswith("worktree ")
    ]
    for place in looked_at[1:]:
        assert broken.git("-C", place, "status", "--porcelain", "--ignored") == ""
    assert not (broken.path / ".git" / "hooks" / "post-checkout").exists()
    assert not (broken.path / ".git" / MARK).exists()

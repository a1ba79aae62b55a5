"""A small project with a red test, and a scripted model that mends it."""

from m31a_providers.testing import Call, Reply, Rule

GOAL = "make add() return the sum"
BROKEN = "def add(a, b):\n    return a - b\n"
MENDED = "def add(a, b):\n    return a + b\n"
TEST = (
    "import unittest\n\nfrom sums import add\n\n\n"
    "class Sums(unittest.TestCase):\n"
    "    def test_add(self):\n"
    "        self.assertEqual(5, add(2, 3))\n"
)
FREE = ("--trust-project", "--permissions", "allow_all")


def write(path: str, content: str) -> Reply:
    """An answer that writes one file."""
    return Reply(tool_calls=(Call(name="FileWrite", arguments={"path": path, "content": content}),))


def shell(command: str) -> Reply:
    """An answer that runs one command."""
    return Reply(tool_calls=(Call(name="Bash", arguments={"command": command}),))


def mending(content: str = MENDED) -> list[Rule | Reply | str]:
    """A model that reads, writes and says so; arguments come in small pieces."""
    return [
        Rule(
            phase="execute",
            turn=1,
            reply=Reply(
                text="I look first.",
                tool_calls=(Call(name="FileRead", arguments={"path": "sums.py"}),),
                chunk=3,
            ),
        ),
        Rule(
            phase="execute",
            turn=2,
            reply=Reply(
                tool_calls=(
                    Call(name="FileWrite", arguments={"path": "sums.py", "content": content}),
                ),
                chunk=5,
            ),
        ),
        Rule(phase="execute", reply=Reply(text="add() returns the sum now.")),
        Rule(phase="heal", reply=Reply(text="I cannot mend it.")),
        Rule(phase="ship", reply=Reply(text="add() returns the sum. Try it: add(2, 3).")),
    ]

"""Stand-ins for people, for tests of what uses this package."""

from m31a_tools.asking import Choice, Grant
from m31a_tools.tool import PermissionRequest


class RecordingAsker:
    """Answers with the given choices in turn, then with the last for ever; keeps the requests."""

    def __init__(self, *choices: Choice) -> None:
        """Without choices it denies."""
        self.requests: list[PermissionRequest] = []
        self._choices = list(choices) or [Choice(grant=Grant.DENY)]

    async def ask(self, request: PermissionRequest) -> Choice:
        """The next choice."""
        self.requests.append(request)
        return self._choices.pop(0) if len(self._choices) > 1 else self._choices[0]

"""Putting a request to a person: the answers there are, and how long one waits."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import anyio
import msgspec

from m31a_tools.tool import PermissionRequest

ASK_TIMEOUT_S = 300.0


class Grant(StrEnum):
    """A person's answer."""

    ONCE = "once"
    ALWAYS = "always"
    """This exact thing, in this project, until the rule made of it ends."""
    DENY = "deny"
    DEFER = "defer"
    """Not now: the call waits, other work goes on."""
    EXIT = "exit"
    """No, and stop the run."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer and a word to the model."""

    grant: Grant
    feedback: str = ""


class Asker(Protocol):
    """Puts a request to a person. What it raises goes through `dispatch` unchanged."""

    async def ask(self, request: PermissionRequest) -> Choice:
        """The answer; several requests may be open at once."""
        ...


@dataclass(frozen=True, slots=True)
class PatientAsker:
    """Asks as `asker` does, for a time; the time a command may take begins after the answer."""

    asker: Asker
    timeout_s: float = ASK_TIMEOUT_S
    unanswered: Grant = Grant.DEFER

    async def ask(self, request: PermissionRequest) -> Choice:
        """The answer, or what stands for silence."""
        with anyio.move_on_after(self.timeout_s):
            return await self.asker.ask(request)
        return Choice(grant=self.unanswered, feedback=f"no answer in {self.timeout_s:g} s")

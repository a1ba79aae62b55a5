"""What a model can do in a conversation: its tools, and the leave they need.

Here, and only here, the words of the provider (`ToolCall`, `ToolSpec`) and of the toolbox
(`Call`, `ToolResult`) are turned into one another.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from m31a_engine.conversation.trail import Trail
from m31a_providers import ToolCall, ToolSpec
from m31a_tools import (
    Asker,
    BeforeDestructive,
    Call,
    PermissionRequest,
    Policy,
    Toolbox,
    ToolResult,
    Workspace,
    dispatch,
)

Output = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to work in, and what may be done there."""

    workspace: Workspace
    policy: Policy
    before_destructive: BeforeDestructive | None = None
    trail: Trail | None = None
    """Where work is committed: keeps what a replay cannot tell from the calls."""


@dataclass(frozen=True, slots=True)
class Hands:
    """The tools of one conversation, bound to a workspace, a policy and somebody to ask."""

    toolbox: Toolbox
    asker: Asker
    place: Callable[[], Awaitable[Place]]
    """Where to work and what is allowed there; awaited at each call, so that it can be made, and
    the sandbox tried, while the model is being asked."""
    remember: Callable[[PermissionRequest], Awaitable[None]]
    """Keeps a person's *always* for the next call like this one."""
    defers: bool = True
    """Whether a call that needs a person waits for one; else the model is told to do without."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as the provider's request names them, in fixed order."""
        return tuple(
            ToolSpec(name=spec.name, description=spec.description, parameters=spec.parameters)
            for spec in self.toolbox.specs()
        )

    async def end(self) -> None:
        """Nothing more is done; what commands left is kept on record."""
        trail = (await self.place()).trail
        if trail is not None:
            await trail.end()

    def read_only(self, call: ToolCall) -> bool:
        """Whether a call changes nothing and may run beside others."""
        tool = self.toolbox.get(call.name)
        return tool is not None and tool.read_only

    async def run(self, call: ToolCall, on_output: Output, *, tainted: bool) -> ToolResult:
        """Run one call; every mistake of the model's comes back as a result.

        In a `tainted` conversation, rules no longer give leave to reach out.
        """
        place = await self.place()
        if place.trail is not None:
            await place.trail.before(call, reads=self.read_only(call))
        result = await dispatch(
            Call(id=call.id, name=call.name, arguments=call.arguments),
            toolbox=self.toolbox,
            policy=msgspec.structs.replace(place.policy, tainted=tainted),
            asker=self.asker,
            workspace=place.workspace,
            before_destructive=place.before_destructive,
            on_output=on_output,
        )
        decision = result.decision
        if decision is not None and decision.remember and decision.request is not None:
            await self.remember(decision.request)
        return result

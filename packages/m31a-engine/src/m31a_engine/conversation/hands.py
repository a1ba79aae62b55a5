"""What a model can do in a conversation: its tools, and the leave they need.

Here, and only here, the words of the provider (`ToolCall`, `ToolSpec`) and of the toolbox
(`Call`, `ToolResult`) are turned into one another.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from m31a_providers import ToolCall, ToolSpec
from m31a_tools import Asker, Call, Policy, Toolbox, ToolResult, Workspace, dispatch

Output = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hands:
    """The tools of one conversation, bound to a workspace, a policy and somebody to ask."""

    toolbox: Toolbox
    policy: Policy
    asker: Asker
    workspace: Callable[[], Awaitable[Workspace]]
    """The place to work in; awaited at the first call, so that it can be made meanwhile."""

    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as the provider's request names them, in fixed order."""
        return tuple(
            ToolSpec(name=spec.name, description=spec.description, parameters=spec.parameters)
            for spec in self.toolbox.specs()
        )

    def read_only(self, call: ToolCall) -> bool:
        """Whether a call changes nothing and may run beside others."""
        tool = self.toolbox.get(call.name)
        return tool is not None and tool.read_only

    async def run(self, call: ToolCall, on_output: Output) -> ToolResult:
        """Run one call; every mistake of the model's comes back as a result."""
        return await dispatch(
            Call(id=call.id, name=call.name, arguments=call.arguments),
            toolbox=self.toolbox,
            policy=self.policy,
            asker=self.asker,
            workspace=await self.workspace(),
            on_output=on_output,
        )

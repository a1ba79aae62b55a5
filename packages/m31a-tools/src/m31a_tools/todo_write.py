"""TodoWrite: the steps of a task, as the model sees them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace

MAX_TODOS = 50


class TodoStatus(StrEnum):
    """How far a step is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Todo(msgspec.Struct, frozen=True, kw_only=True):
    """One step."""

    content: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    status: TodoStatus = TodoStatus.PENDING


OnTodos = Callable[[tuple[Todo, ...]], Awaitable[None]]
"""Gets the whole list whenever it changes; whose task it is, the giver knows."""

_MARKS = {
    TodoStatus.PENDING: "[ ]",
    TodoStatus.IN_PROGRESS: "[>]",
    TodoStatus.COMPLETED: "[x]",
    TodoStatus.CANCELLED: "[-]",
}


class TodoWriteArgs(msgspec.Struct, frozen=True, kw_only=True):
    """The list as it is from now on."""

    todos: Annotated[
        tuple[Todo, ...],
        msgspec.Meta(description="the whole list, old steps too", max_length=MAX_TODOS),
    ]


@dataclass(frozen=True, slots=True)
class TodoWrite:
    """Gives the list to `on_todos`, which keeps or shows it; make one for each task."""

    on_todos: OnTodos
    output_chars: int = 10_000

    name: ClassVar[str] = "TodoWrite"
    description: ClassVar[str] = "Write down the steps of the task and how far they are."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[TodoWriteArgs]] = TodoWriteArgs

    def access(self, args: TodoWriteArgs) -> Access:
        """Nothing outside of the conversation."""
        return Access(summary=f"write down {len(args.todos)} steps")

    def claims(self, args: TodoWriteArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """The list."""
        return frozenset({"todos"})

    async def run(
        self,
        args: TodoWriteArgs,
        workspace: Workspace,  # noqa: ARG002 - the protocol's
    ) -> ToolResult:
        """Keep it and show it."""
        await self.on_todos(args.todos)
        text = "\n".join(f"{_MARKS[todo.status]} {todo.content}" for todo in args.todos)
        return ToolResult(for_model=text or "[no steps]", display=Plain(text=text or "no steps"))

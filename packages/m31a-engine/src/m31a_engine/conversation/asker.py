"""Ask the person (or the policy that stands in) for leave, by an ask in the event stream."""

from m31a_engine.asks import Grant, OpenAsks, PermissionAnswer, PermissionAsk
from m31a_engine.events import AskClosed, AskOpened
from m31a_engine.session.stream import EventStream
from m31a_tools import Choice, PermissionRequest
from m31a_tools import Grant as ToolGrant


class RunAsker:
    """Turns a permission request into an ask and its answer into a choice."""

    def __init__(
        self, stream: EventStream, asks: OpenAsks, task: str, timeout_s: float, on_timeout: str
    ) -> None:
        self._stream = stream
        self._asks = asks
        self._task = task
        self._timeout_s = timeout_s
        self._unanswered = ToolGrant.DENY if on_timeout == "deny" else ToolGrant.DEFER

    async def ask(self, request: PermissionRequest) -> Choice:
        """The answer given, or what stands for silence."""
        ask = PermissionAsk(
            ask_id=self._asks.new_id("permission"), request=request, task=self._task
        )
        self._asks.register(ask)
        await self._stream.emit(AskOpened(ask=ask, timeout_s=self._timeout_s))
        answer = await self._asks.wait(ask, self._timeout_s)
        await self._stream.emit(AskClosed(ask_id=ask.ask_id, answer=answer))
        if not isinstance(answer, PermissionAnswer):
            return Choice(grant=self._unanswered)
        return Choice(grant=_GRANTS[answer.grant], feedback=answer.feedback)


_GRANTS = {
    Grant.ONCE: ToolGrant.ONCE,
    Grant.ALWAYS: ToolGrant.ALWAYS,
    Grant.DENY: ToolGrant.DENY,
    Grant.DEFER: ToolGrant.DEFER,
    Grant.EXIT: ToolGrant.EXIT,
}

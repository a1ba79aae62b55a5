"""One call from the model's words to a result."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, assert_never

import anyio.to_thread
import msgspec

from m31a_tools.arguments import decode_arguments
from m31a_tools.asking import Asker, Grant
from m31a_tools.capture import cap_text
from m31a_tools.errors import ExitAsked, ToolsError
from m31a_tools.permission import Case, case_of
from m31a_tools.policy import Allow, AskFirst, Defer, Deny, Policy, Verdict
from m31a_tools.process import OnOutput
from m31a_tools.rule_matching import hidden_paths
from m31a_tools.sandbox.confined import Confined
from m31a_tools.sanitise import encodable, escaped, listed, sanitise
from m31a_tools.shell.judge import Reading, read_command
from m31a_tools.survey import survey
from m31a_tools.tool import (
    Access,
    Call,
    CommandOutput,
    Decision,
    Display,
    FileDiff,
    Listing,
    Outcome,
    PermissionRequest,
    Plain,
    Tool,
    ToolResult,
    failure,
)
from m31a_tools.toolbox import Toolbox
from m31a_tools.workspace import Workspace

_log = logging.getLogger(__name__)

BeforeDestructive = Callable[[PermissionRequest], Awaitable[str]]
"""Saves what the call could destroy and names the copy; when it raises, the call is not made."""


async def dispatch(
    call: Call,
    *,
    toolbox: Toolbox,
    policy: Policy,
    asker: Asker,
    workspace: Workspace,
    before_destructive: BeforeDestructive | None = None,
    on_output: OnOutput | None = None,
) -> ToolResult:
    """The result of the call: decoded, decided, asked about, run, cut to size.

    Whatever goes wrong comes back as a result the model can act on. Raised are only
    cancellation, what `asker` raises, and ExitAsked when it answers *exit*.

    `before_destructive` is called once before a call that can take away what nothing else holds:
    one that destroys, overwrites a file that is there, or is a command that cannot be judged. A
    command counts as confined only when the policy says so and the workspace has a sandbox; one
    that is allowed to reach out gets the network in it. `on_output` gets the printable output of
    commands as it comes.
    """
    tool = toolbox.get(call.name)
    if tool is None:
        names = ", ".join(toolbox.names)
        return failure(f"There is no tool {call.name[:100]!r}. There are: {names}.")
    try:
        args = decode_arguments(tool, call.arguments)
        access = tool.access(args)
        real_paths = _real_paths(access, workspace)
    except (ToolsError, OSError) as exc:
        return failure(_told(exc))
    reading = read_command(access.command, access.folder) if access.command else Reading()
    found = survey(reading.targets, workspace)
    case = case_of(
        msgspec.structs.replace(
            policy, confined=policy.confined and workspace.confined is not None
        ),
        tool,
        args,
        real_paths=real_paths,
        places=found.places,
        now=datetime.now(UTC),
    )
    decision = await _settled(case.verdict(), asker)
    if decision.outcome is not Outcome.ALLOWED:
        return msgspec.structs.replace(failure(_refusal(tool, decision)), decision=decision)
    snapshot = ""
    at_risk = case.destroys or found.overwrites or reading.unclear
    if at_risk and before_destructive is not None:
        request = decision.request or case.request(decision.reason)
        try:
            snapshot = await before_destructive(
                msgspec.structs.replace(request, overwrites=found.overwrites)
            )
        except Exception as exc:
            _log.exception("No snapshot before %s", tool.name)
            told = f"Not run: what it could destroy could not be saved first ({_told(exc)})."
            return msgspec.structs.replace(failure(told), decision=decision)
    hidden = hidden_paths(policy, tool.name, real_paths)
    inner = workspace.for_call(call.id, hidden=hidden, on_output=on_output)
    result = await _run(tool, args, replace(inner, confined=_confined(case, inner)))
    # Notices of the tools themselves may stand on top of what they cut.
    if len(result.for_model) > tool.output_chars + 1000:
        result = await anyio.to_thread.run_sync(_capped, result, tool.output_chars, inner)
    if snapshot:
        told = f"{result.for_model}\n[a copy from before it is kept: {snapshot}]"
        result = msgspec.structs.replace(result, for_model=told, snapshot=snapshot)
    shown = _printable(result.display)
    return _encodable(msgspec.structs.replace(result, display=shown, decision=decision))


def _printable(display: Display) -> Display:
    """The same without terminal tricks: files and their names can hold any."""
    match display:
        case Plain(text=text):
            return Plain(text=sanitise(text))
        case Listing(paths=paths):
            return Listing(paths=tuple(map(listed, paths)))
        case FileDiff():
            shown, path = sanitise(display.diff), escaped(display.path)
            return msgspec.structs.replace(display, path=path, diff=shown)
        case CommandOutput():
            return msgspec.structs.replace(display, text=sanitise(display.text))
        case _:
            assert_never(display)


def _confined(case: Case, workspace: Workspace) -> Confined | None:
    """The sandbox of a call that was allowed, with the network when it was allowed to use it."""
    confined = workspace.confined
    if confined is None or case.leaves_sandbox:
        return None
    if not case.reading.network:
        return confined
    return replace(confined, confinement=replace(confined.confinement, network=True))


def _real_paths(access: Access, workspace: Workspace) -> tuple[str, ...]:
    reads = tuple(workspace.locate(path) for path in access.reads)
    return (*reads, *(workspace.locate(path, write=True) for path in access.writes))


async def _settled(verdict: Verdict, asker: Asker) -> Decision:
    match verdict:
        case Allow(reason=reason):
            return Decision(outcome=Outcome.ALLOWED, reason=reason)
        case Deny(reason=reason):
            return Decision(outcome=Outcome.DENIED, reason=reason)
        case Defer(request=request):
            return Decision(outcome=Outcome.DEFERRED, reason=request.reason, request=request)
        case AskFirst(request=request):
            choice = await asker.ask(request)
        case _:
            assert_never(verdict)
    if choice.grant is Grant.EXIT:
        raise ExitAsked(request.tool, choice.feedback)
    outcome = {
        Grant.ONCE: Outcome.ALLOWED,
        Grant.ALWAYS: Outcome.ALLOWED,
        Grant.DENY: Outcome.DENIED,
        Grant.DEFER: Outcome.DEFERRED,
    }[choice.grant]
    return Decision(
        outcome=outcome,
        reason=choice.feedback or f"a person answered {choice.grant}",
        asked=True,
        remember=choice.grant is Grant.ALWAYS,
        request=request,
    )


def _refusal(tool: Tool[Any], decision: Decision) -> str:
    if decision.outcome is Outcome.DEFERRED:
        return (
            f"{tool.name} was not run: it waits for a person's approval ({decision.reason}). "
            "Go on without it where that is possible."
        )
    if decision.asked:
        return f"{tool.name} was not run: the user refused it ({decision.reason})."
    return f"{tool.name} was not run: {decision.reason.removesuffix('.')}."


async def _run(tool: Tool[Any], args: msgspec.Struct, workspace: Workspace) -> ToolResult:
    try:
        return await tool.run(args, workspace)
    except (ToolsError, OSError) as exc:
        return failure(_told(exc))
    except Exception as exc:
        _log.exception("%s failed in a way it should not", tool.name)
        return failure(f"{tool.name} failed by an error of its own ({type(exc).__name__}: {exc}).")


def _encodable(result: ToolResult) -> ToolResult:
    """The result as it can be written to a journal: file names and contents may be any bytes."""
    try:
        msgspec.json.encode(result)
    except UnicodeEncodeError:
        return msgspec.convert(_mended(msgspec.to_builtins(result)), ToolResult)
    return result


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {name: _mended(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(inner) for inner in value]
    return value


def _told(exc: Exception) -> str:
    """The error as the model should read it."""
    if isinstance(exc, FileNotFoundError):
        return f"There is no file or folder {exc.filename!r}."
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename!r}: {exc.strerror}." if exc.filename else f"{exc.strerror}."
    return str(exc) or type(exc).__name__


def _capped(result: ToolResult, limit: int, workspace: Workspace) -> ToolResult:
    """The result cut to size, the whole kept on disk where there is room for it."""
    kept = _kept(result.for_model, workspace)
    text = cap_text(result.for_model, limit, kept_at=kept)
    return msgspec.structs.replace(result, for_model=text)


def _kept(text: str, workspace: Workspace) -> str:
    try:
        path = workspace.output_file()
        if path is None:
            return ""
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return str(path)

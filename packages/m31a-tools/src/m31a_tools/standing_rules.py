"""What an answer *always* becomes: the narrowest rules that allow the same again, for a time."""

from datetime import datetime, timedelta

from m31a_tools.command_rules import normalised
from m31a_tools.policy import Action, Rule
from m31a_tools.tool import PermissionRequest

LASTING = timedelta(days=30)
LASTING_WHEN_RISKY = timedelta(days=1)
"""For what destroys, reaches out or leaves the workspace."""


def rules_for(
    request: PermissionRequest, *, project: str = "", now: datetime | None = None
) -> tuple[Rule, ...]:
    """Rules that allow exactly this request again, in this project; they end when `now` is given.

    For a command: the whole line, started in the same folder. For files: exactly these paths,
    for a folder what is in it. For hosts: these. For anything else the tool, unless it destroys.
    Empty when no rule can say that: a line that ends in ` *` would read as a beginning, and one
    that hides characters is never allowed by a rule.
    """
    risky = request.destroys or request.network or request.hosts or request.outside
    lasting = LASTING_WHEN_RISKY if risky or request.leaves_sandbox else LASTING
    ends = None if now is None else now + lasting

    def rule(
        *, path: str | None = None, command: str | None = None, host: str | None = None
    ) -> Rule:
        return Rule(
            action=Action.ALLOW,
            tool=_literal_tool(request.tool),
            path=path,
            command=command,
            host=host,
            folder=request.folder if command is not None else None,
            project=project,
            expires_at=ends,
            unconfined=request.leaves_sandbox,
        )

    if request.command:
        beginning = normalised(request.command).endswith(" *") or request.command.strip() == "*"
        return () if beginning else (rule(command=request.command),)
    if request.destroys:
        return ()
    paths = tuple(rule(path=_literal(path)) for path in request.paths)
    hosts = tuple(rule(host=host) for host in request.hosts)
    return paths or hosts or (rule(),)


def _literal(path: str) -> str | None:
    """A pattern that covers this path alone, and for a folder what is in it; None for the root."""
    if path == ".":
        return None
    return "/" + "".join(f"\\{char}" if char in "\\*?[ " else char for char in path.strip("/"))


def _literal_tool(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)

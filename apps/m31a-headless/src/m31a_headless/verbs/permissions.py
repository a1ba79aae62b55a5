"""`permissions list|revoke` and `permissions --explain COMMAND`: what may run, and why."""

from m31a_engine import PermissionMode, completed
from m31a_engine.desk.permissions import Explained, RuleInForce
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError
from m31a_headless.output import one_line, remark, say


def main(program: str, words: list[str]) -> int:
    """List rules, explain what becomes of a command, or take an answer back."""
    parser = looking_at(
        program,
        "permissions",
        "The rules in force here. `--explain COMMAND` says what would become of a shell command of"
        " the model's and why (0: it would run); nothing is run. `revoke ID` takes an answer"
        " back.",
        "[list | revoke ID | revoke all | --explain COMMAND]",
    )
    parser.add_argument("action", nargs="?", choices=["list", "revoke"], default="list")
    parser.add_argument("rule", nargs="?")
    parser.add_argument("--explain", metavar="COMMAND")
    modes = [mode.value for mode in PermissionMode]
    parser.add_argument("--permissions", metavar="MODE", choices=modes, help="as in this mode")
    look = Looking.of(parser, words)
    given = look.given
    overrides: dict[str, object] = (
        {"permissions.mode": given.permissions} if given.permissions else {}
    )
    permissions = look.desk(overrides).permissions
    if given.explain is not None:
        explained = completed(lambda: permissions.explain(given.explain))
        look.print(explained) if look.json else _explain(explained)
        return 0 if explained.allowed else 1
    if given.action == "revoke":
        if not given.rule:
            raise UsageError("permissions revoke: name a rule, or all")
        gone = permissions.revoke_all() if given.rule == "all" else permissions.revoke(given.rule)
        say(f"{int(gone)} answers taken back" if gone else "there is no such answer here")
        return 0 if gone else 1
    rules = completed(permissions.list)
    if look.json:
        look.print(rules)
        return 0
    say(*map(_line, rules))
    if not rules:
        remark("there are no rules here; the mode alone decides")
    return 0


def _explain(explained: Explained) -> None:
    found = explained.explanation
    say(f"{found.judgement.value}: {found.reason} (mode {explained.mode})")
    for part in found.parts:
        does = "; ".join(text for text in (part.destroys, part.network) if text)
        about = f"{part.command}: {part.reason}" + (f"; {does}" if does else "")
        say(f"  {part.judgement.value:8} {about}")
    say(*(f"  writes   {target}" for target in found.writes))
    say(*(f"  unclear  {text}" for text in found.unclear))


def _line(one: RuleInForce) -> str:
    rule = one.rule
    parts = (rule.tool, rule.path, rule.command, rule.host)
    about = " ".join(part for part in parts if part)
    reason = f"  ({rule.reason})" if rule.reason else ""
    return one_line(f"{one.id or '-':8} {rule.action.value:6} {one.source:14} {about}{reason}")

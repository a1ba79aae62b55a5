"""What a run may do: the toolbox's policy from configuration, trust and the project's checks."""

import msgspec

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode, PermissionRule
from m31a_engine.project.facts import ProjectFacts
from m31a_tools import Action, Mode, Policy, Rule

WRITING_TOOLS = ("FileWrite", "Edit")


def policy_of(
    config: Config,
    facts: ProjectFacts | None,
    default: PermissionMode,
    *,
    confined: bool,
    project: str = "",
) -> Policy:
    """The policy of a run whose commands are confined or not.

    In mode `rules` one set is built in: file tools inside the work tree, and in a trusted
    folder exactly the project's own check commands.
    """
    chosen = config.permissions.mode or default
    rules = tuple(_rule(rule) for rule in config.permissions.rules)
    if chosen is PermissionMode.RULES:
        rules = (*rules, *_built_in(facts, config.trusted))
    return Policy(
        mode=Mode(chosen.value),
        rules=rules,
        trusted=config.trusted,
        confined=confined,
        project=project,
    )


READING = Policy(
    mode=Mode.SANDBOXED,
    rules=tuple(
        Rule(action=Action.DENY, tool=tool, reason="nothing is changed in this phase")
        for tool in WRITING_TOOLS
    ),
    confined=True,
)
"""Looking around: file tools read, commands run where they can change nothing."""


def _built_in(facts: ProjectFacts | None, trusted: bool) -> tuple[Rule, ...]:
    writing = tuple(
        Rule(action=Action.ALLOW, tool=tool, path="**", reason="inside the work tree")
        for tool in WRITING_TOOLS
    )
    if facts is None or not trusted:
        return writing
    checks = tuple(
        Rule(
            action=Action.ALLOW,
            tool="Bash",
            command=check.command,
            reason=f"the project's {check.name} command",
        )
        for check in facts.checks
    )
    return (*writing, *checks)


def _rule(rule: PermissionRule) -> Rule:
    return msgspec.convert(msgspec.to_builtins(rule), Rule)

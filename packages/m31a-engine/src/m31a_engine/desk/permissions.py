"""What may run without asking, why, and how to take it back."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread
import msgspec

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.desk.facts_at import facts_at
from m31a_engine.desk.kept import Kept
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import Refused
from m31a_engine.leave import policy_of
from m31a_engine.project.facts import ProjectFacts
from m31a_engine.session.stream import utc_now
from m31a_tools import Bash, Explanation, Judgement, Policy, Rule, Sandbox, explain
from m31a_tools.bash import BashArgs


class StandingRule(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer that holds for longer than one run."""

    id: str
    project: str
    """The folder it holds for; empty: everywhere."""
    at: str
    rule: Rule


class PermissionsFile(msgspec.Struct, frozen=True, kw_only=True):
    """`permissions.json`."""

    version: int = 1
    rules: tuple[StandingRule, ...] = ()


class RuleInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, where it comes from, and by what name it can be taken back."""

    id: str
    """Empty for a rule that is not kept in `permissions.json`."""
    source: str
    rule: Rule
    at: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What would become of a command of the model's, in a mode."""

    command: str
    mode: str
    explanation: Explanation

    @property
    def allowed(self) -> bool:
        """Whether it would run without a person."""
        return self.explanation.judgement is Judgement.ALLOW


@dataclass(frozen=True, slots=True)
class Permissions:
    """The rules of one project, its owner's standing answers included."""

    config: Config
    project: Path
    file: Path
    default: PermissionMode = PermissionMode.SANDBOXED

    async def list(self) -> tuple[RuleInForce, ...]:
        """All rules in force: configured, answered, built in.

        Raises:
            ConfigError: `permissions.json` cannot be understood.
            Refused: the mode needs what is not there.
        """
        policy = await self._policy()
        configured = len(self.config.permissions.rules)
        source = self.config.sources.get("permissions.rules", "configuration")
        kept = self.standing()
        return (
            *(RuleInForce(id="", source=source, rule=rule) for rule in policy.rules[:configured]),
            *(RuleInForce(id=one.id, source="answered", rule=one.rule, at=one.at) for one in kept),
            *(
                RuleInForce(id="", source="built in", rule=rule)
                for rule in policy.rules[configured:]
            ),
        )

    def standing(self) -> tuple[StandingRule, ...]:
        """The answers that hold for this project now."""
        now = datetime.now(UTC)
        return tuple(
            one
            for one in self._kept().read().rules
            if one.project in {"", self._name}
            and (one.rule.expires_at is None or now < one.rule.expires_at)
        )

    def rules(self) -> tuple[Rule, ...]:
        """The rules of the answers that hold for this project now."""
        return tuple(one.rule for one in self.standing())

    def add(self, rules: Iterable[Rule]) -> tuple[StandingRule, ...]:
        """Keep rules for this project; one that is kept already is not kept twice."""
        known = self.rules()
        new = tuple(
            StandingRule(id=secrets.token_hex(3), project=self._name, at=utc_now(), rule=rule)
            for rule in rules
            if not any(_same(rule, one) for one in known)
        )
        self._kept().change(lambda before: PermissionsFile(rules=(*before.rules, *new)))
        return new

    def revoke(self, rule_id: str) -> bool:
        """Take an answer back; False when there is none of that name."""
        there = any(one.id == rule_id for one in self._kept().read().rules)
        if there:
            self._kept().change(
                lambda before: PermissionsFile(
                    rules=tuple(one for one in before.rules if one.id != rule_id)
                )
            )
        return there

    def revoke_all(self) -> int:
        """Take back all answers that hold for this project alone; how many there were."""
        mine = [one for one in self.standing() if one.project]
        self._kept().change(
            lambda before: PermissionsFile(
                rules=tuple(one for one in before.rules if one not in mine)
            )
        )
        return len(mine)

    async def explain(self, command: str) -> Explained:
        """What would become of a shell command of the model's; nothing is run.

        Raises:
            Refused: the mode needs what is not there.
        """
        policy = await self._policy()
        policy = msgspec.structs.replace(policy, rules=(*policy.rules, *self.rules()))
        explanation = explain(policy, Bash(), BashArgs(command=command), now=datetime.now(UTC))
        return Explained(command=command, mode=policy.mode.value, explanation=explanation)

    async def _policy(self) -> Policy:
        sandbox = await anyio.to_thread.run_sync(Sandbox.detect, self.file.parent / "cache")
        mode = self.config.permissions.mode or self.default
        return policy_of(
            self.config,
            await self._facts(),
            self.default,
            confined=sandbox.works and mode is not PermissionMode.ALLOW_ALL,
            project=self._name,
        )

    async def _facts(self) -> ProjectFacts | None:
        """The project as a run would find it now; None where no run could begin."""
        try:
            repository = await opened(self.project)
            with refusing():
                head = await repository.resolve("HEAD")
                return await facts_at(repository, head, self.config, trusted=self.config.trusted)
        except Refused:
            return None

    @property
    def _name(self) -> str:
        return str(self.project.resolve()).encode("utf-8", "backslashreplace").decode()

    def _kept(self) -> Kept[PermissionsFile]:
        return Kept(self.file, PermissionsFile())


def _same(one: Rule, other: Rule) -> bool:
    """Whether two rules say the same, whenever they end."""
    return msgspec.structs.replace(one, expires_at=other.expires_at) == other

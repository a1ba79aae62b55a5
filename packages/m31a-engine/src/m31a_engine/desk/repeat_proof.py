"""The proof that a commit carries, repeated: the same commands on a clean checkout of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.checks.checkout import Checkout
from m31a_engine.checks.criteria import shows_behaviour
from m31a_engine.checks.result import CheckResult, Verdict, Verification
from m31a_engine.checks.runner import Checker
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.desk.facts_at import facts_at
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import Refused
from m31a_engine.project.facts import CheckCommand, ProjectFacts
from m31a_engine.session.home import Home
from m31a_engine.session.scratch import scratch
from m31a_engine.shelter import Shelter
from m31a_engine.shipping.trailers import ShippedCheck, ShippedProof, read_trailers, shipped_check
from m31a_rollback import GitFailed, Repository, RollbackError
from m31a_tools import Confined

PROVEN = frozenset({Verdict.VERIFIED, Verdict.VERIFIED_KNOWN_FAILURES})
Emit = Callable[[CheckResult], Awaitable[None]]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says about itself; nothing has been run."""

    commit: str
    tree: str
    session: str
    base: str
    verdict: Verdict | None
    checks: tuple[ShippedCheck, ...]
    unreadable: tuple[str, ...] = ()
    """Checks that it names in a form that cannot be read."""


class RepeatedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check as the commit tells it and as it went now."""

    name: str
    command: str
    claimed_exit_code: int | None
    exit_code: int | None
    claimed_figure: str
    figure: str
    same: bool
    behavioural: bool = True
    """Whether it says something about what the program does, and not only about its files."""
    output_tail: str = ""


class RepeatedProof(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a commit's proof holds when it is repeated."""

    commit: str
    tree: str
    session: str
    base: str
    verdict: Verdict | None
    checks: tuple[RepeatedCheck, ...]
    holds: bool
    against: tuple[str, ...] = ()
    """What speaks against it, a sentence each."""


@dataclass(frozen=True, slots=True)
class RepeatingProof:
    """Repeats the proofs of one repository's commits."""

    config: Config
    project: Path
    home: Home
    environ: Mapping[str, str]

    async def claim(self, commit: str) -> Claim:
        """What the trailers of a commit claim.

        Raises:
            Refused: there is no such commit here.
        """
        repository = await opened(self.project, trusted=self.config.trusted)
        with refusing():
            return await _claim(repository, commit)

    async def repeat(self, commit: str, emit: Emit) -> RepeatedProof:
        """Run what the trailers name, confined or in a trusted folder, and compare.

        Raises:
            Refused: there is no such commit, or nothing confines commands in an untrusted folder.
        """
        repository = await opened(self.project, trusted=self.config.trusted)
        with refusing():
            claim = await _claim(repository, commit)
            against = await _doubts(repository, claim)
            runs = bool(claim.checks) and await _comes_after(repository, claim.commit, claim.base)
            checks = await self._run(repository, claim, emit) if runs else ()
        against += [f"{check.name}: {_difference(check)}" for check in checks if not check.same]
        if checks and not any(check.behavioural for check in checks):
            against.append("none of its checks shows behaviour, so it cannot have been verified")
        return RepeatedProof(
            commit=claim.commit,
            tree=claim.tree,
            session=claim.session,
            base=claim.base,
            verdict=claim.verdict,
            checks=checks,
            holds=not against,
            against=tuple(against),
        )

    async def _run(
        self, repository: Repository, claim: Claim, emit: Emit
    ) -> tuple[RepeatedCheck, ...]:
        """How each command goes now; nothing seen in an earlier run counts."""
        shelter = Shelter(repository, self.config, PermissionMode.RULES, self.home.root)
        if not await shelter.allows_checks():
            raise Refused(
                "the commands of the proof are not run: the folder is not trusted, and no sandbox"
                " confines them",
                remedy="look at them, then: m31a trust, or --trust-project for once",
            )
        facts = await facts_at(repository, claim.commit, self.config, trusted=True)
        folders = (*facts.dependency_folders, *self.config.verify.keep)

        async def around(checkout: Checkout) -> Confined | None:
            return await shelter.around_check(checkout.tree, folders, checkout.caches / "tmp")

        async with scratch(repository, self.home.project(self.project)) as place:
            checker = Checker(
                repository=repository,
                base=claim.base,
                commands=[_command(check, facts) for check in claim.checks],
                scratch=place / "checkouts",
                cache=place / "seen",
                environ=self.environ,
                emit=emit,
                timeout_s=self.config.verify.timeout_s,
                dependency_folders=folders,
                setup=self.config.verify.setup,
                known_failures=frozenset(self.config.verify.known_failures),
                probing=await shelter.around_probe(),
                around=around,
                covers=(await shelter.sandbox()).mounts,
            )
            verification = await checker.run(claim.commit, against_base=False)
        if verification.tree != claim.tree:
            raise AssertionError("the checkout was of another tree")
        results = {(check.name, check.command): check for check in verification.checks}
        return tuple(_compared(check, results[check.name, check.command]) for check in claim.checks)


def _command(check: ShippedCheck, facts: ProjectFacts) -> CheckCommand:
    own = next((known for known in facts.checks if known.command == check.command), None)
    named = check.name == "test"  # a command of that person's own settings
    behavioural = own.behavioural if own is not None else named or shows_behaviour(check.command)
    return CheckCommand(
        name=check.name, command=check.command, behavioural=behavioural, sure=own is not None
    )


async def _claim(repository: Repository, name: str) -> Claim:
    commit = await repository.resolve(name)
    proof: ShippedProof = read_trailers(await repository.trailers(commit))
    return Claim(
        commit=commit,
        tree=await repository.tree_of(commit),
        session=proof.session,
        base=proof.base,
        verdict=proof.verdict,
        checks=tuple(dict.fromkeys(proof.checks)),
        unreadable=proof.unreadable,
    )


async def _doubts(repository: Repository, claim: Claim) -> list[str]:
    """What speaks against the claim before anything is run."""
    if not claim.session:
        return ["the commit carries no proof of a run"]
    if claim.verdict not in PROVEN:
        return [f"the commit itself says {claim.verdict.value if claim.verdict else 'no verdict'}"]
    if claim.unreadable:
        return [f"its check cannot be read: {text}" for text in claim.unreadable]
    if not claim.checks:
        return ["the commit names no check that could be repeated"]
    if not await _comes_after(repository, claim.commit, claim.base):
        return [f"its base {claim.base[:12] or '(none)'} does not come before it here"]
    try:
        data = await repository.read_evidence(claim.commit)
        if data is None:
            return []  # a clone does not have it; the trailers suffice
        kept = msgspec.json.decode(data, type=Verification)
    except (GitFailed, ValueError, RecursionError):
        return ["the evidence kept with the commit cannot be read"]
    if kept.tree != claim.tree or kept.verdict != claim.verdict:
        return ["the evidence kept with the commit is of another tree or verdict"]
    return []


async def _comes_after(repository: Repository, commit: str, base: str) -> bool:
    try:
        return await repository.is_ancestor(base, commit)
    except RollbackError:
        return False


def _compared(told: ShippedCheck, result: CheckResult) -> RepeatedCheck:
    now = shipped_check(result)
    return RepeatedCheck(
        name=told.name,
        command=told.command,
        claimed_exit_code=told.exit_code,
        exit_code=now.exit_code,
        claimed_figure=told.figure,
        figure=now.figure,
        same=(told.exit_code, told.figure) == (now.exit_code, now.figure),
        behavioural=result.behavioural,
        output_tail=result.output_tail,
    )


def _difference(check: RepeatedCheck) -> str:
    told = f"exit {check.claimed_exit_code} ({check.claimed_figure})"
    return f"the commit says {told}, now it is exit {check.exit_code} ({check.figure})"

"""One verification while it is being made: what was seen, and what follows from it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from m31a_engine.checks.canary import bent_families, canary, carriers, told
from m31a_engine.checks.coverage import Gate, judge_coverage, left_out, not_measured
from m31a_engine.checks.criteria import TaskCriterion, runs_tests, search_criteria, shows_behaviour
from m31a_engine.checks.judge import against_base, changed_files, judge, new_failures
from m31a_engine.checks.leaning import tests_can_fail, things_of_tests
from m31a_engine.checks.observation import Observation
from m31a_engine.checks.patch import AddedLine
from m31a_engine.checks.result import (
    TEST_CHANGES,
    CheckResult,
    CheckStatus,
    Finding,
    FindingKind,
    Severity,
    Verification,
    lifted,
    verdict_of,
)
from m31a_engine.checks.stand import Stand, Surroundings, stand
from m31a_engine.checks.tamper import LINK_MODE, base_tests
from m31a_engine.checks.testfiles import is_test_file
from m31a_engine.config_sections import RedFirst
from m31a_engine.planning.plan import RunCriterion
from m31a_engine.project.facts import CheckCommand
from m31a_rollback import Diff, FileChange


@dataclass(slots=True, kw_only=True)
class Gathering:
    """One verification while it is being made."""

    commands: Sequence[CheckCommand]
    emit: Callable[[CheckResult], Awaitable[None]]
    known_failures: frozenset[str]
    allow: frozenset[str]
    planned_tests: frozenset[str]
    criteria_read: bool
    may_run: Callable[[str], bool]
    surroundings: Surroundings
    head: Stand
    base: Stand
    diff: Diff
    against_base: bool
    results: list[CheckResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    known: dict[str, None] = field(default_factory=dict)

    async def add(self, result: CheckResult | None) -> None:
        """Take a result in and tell it."""
        if result is not None:
            self.results.append(result)
            await self.emit(result)

    async def run_commands(self) -> None:
        """The project's own checks."""
        for command in self.commands:
            await self._check(command.name, command.command, behavioural=command.behavioural)

    async def run_criteria(self, criteria: Sequence[TaskCriterion]) -> None:
        """The plan's criteria; a command that is a check already is not run once more."""
        repository = self.surroundings.repository
        for result in await search_criteria(repository, self.head.commit, criteria):
            await self.add(result)
        done = {command.command for command in self.commands}
        for one in criteria:
            if not isinstance(one.criterion, RunCriterion) or one.criterion.command in done:
                continue
            command = one.criterion.command
            done.add(command)
            if self.may_run(command):
                await self._criterion(one.name, command)
            else:
                unseen = self.head.not_run(command, "its command has no leave to run")
                await self.add(judge(one.name, unseen, behavioural=shows_behaviour(command)))

    async def base_is_green(self) -> bool:
        """Whether all tests pass on the base."""
        tests = [command.command for command in self.commands if command.behavioural]
        return all([(await self.base.observe(command)).green for command in tests])

    async def run_red_first(self, wanted: RedFirst) -> None:
        """Whether a test shows the change: red on the base, where the change is not there yet."""
        commands = [command for command in self.commands if command.behavioural]
        if wanted is RedFirst.OFF or not commands:
            return
        for command in commands:
            head = await self.head.observe(command.command)
            base = await self.base.observe(command.command)
            if not head.green:
                return  # there is more to say than this
            if base.exit_codes and not base.green:
                return
        if not await self._tests_are_red_on_base(commands):
            blocking = wanted is RedFirst.BLOCK
            self.findings.append(
                Finding(
                    kind=FindingKind.NO_TEST_SHOWS_CHANGE,
                    severity=Severity.BLOCKING if blocking else Severity.WARNING,
                    text="no test shows the change: none is red without it",
                )
            )

    async def _tests_are_red_on_base(self, commands: Sequence[CheckCommand]) -> bool:
        """Whether the run's new and changed test files find the base wanting."""
        changed = [file.path for file in self.diff.files if is_test_file(file.path)]
        repository = self.surroundings.repository
        files = await repository.blobs(self.head.commit, changed) if changed else {}
        if not files:
            return False
        async with stand(
            self.surroundings,
            "red-first",
            self.base.commit,
            overlay=files,
            overlay_of=self.head.tree,
        ) as mixed:
            for command in commands:
                seen = await mixed.observe(command.command)
                if seen.exit_codes and not seen.green:
                    return True
        return False

    async def run_base_tests(self) -> None:
        """The tests as the base has them, and no other, on the head's program."""
        if self.allow & {TEST_CHANGES, FindingKind.BASE_TESTS_RED}:
            return
        repository, base = self.surroundings.repository, self.base.commit
        changes = [file for file in self.diff.files if file.path not in self.planned_tests]
        files = await base_tests(repository, base, changes)
        things = await things_of_tests(
            repository, base, self.head.commit, [file.path for file in changes]
        )
        files |= await repository.blobs(base, things) if things else {}
        commands = [command for command in self.commands if command.behavioural]
        if not files or not commands:
            return
        async with stand(
            self.surroundings,
            "base-tests",
            self.head.commit,
            overlay=files,
            overlay_of=self.base.tree,
        ) as mixed:
            for command in commands:
                await self._base_tests(mixed, command)

    async def run_canary(self, lines: Sequence[AddedLine]) -> None:
        """Whether the checks can still turn red, where the change could keep them from it."""
        families = bent_families(lines)
        if not families or TEST_CHANGES in self.allow:
            return
        for command in self.commands:
            seen = await self.head.observe(command.command)
            if not command.behavioural or not seen.green or seen.counts is None:
                continue
            wanted, told_here = await self._tried(self.head, command, families)
            if (
                told_here < wanted
                and told_here < (await self._tried(self.base, command, families))[1]
            ):
                self.findings.append(
                    Finding(
                        kind=FindingKind.TEST_LOOSENED,
                        severity=Severity.BLOCKING,
                        text=f"{command.name}: it does not tell all failures of tests that have to"
                        " fail, as it does on the base",
                    )
                )

    async def _tried(
        self, where: Stand, command: CheckCommand, families: frozenset[str]
    ) -> tuple[int, int]:
        """How many tests have to fail in a tree with a canary, and how many failures are told."""
        repository = self.surroundings.repository
        tree = await repository.ls_tree(where.commit)
        paths = carriers(families, (entry.path for entry in tree if entry.mode != LINK_MODE))
        laid = canary(await repository.blobs(where.commit, paths) if paths else {})
        if not laid.failing:
            return 0, 0
        async with stand(
            self.surroundings, "canary", where.commit, overlay=laid.files, overlay_of="canary"
        ) as mixed:
            return laid.failing, told(await mixed.observe_anew(command.command))

    async def run_coverage(self, gate: Gate, lines: Sequence[AddedLine]) -> None:
        """Whether the tests run enough of the program, where somebody asks for that."""
        if not gate.command:
            result = judge_coverage(gate, self.head.not_run("", gate.why_not), None)
        elif any(not result.passed for result in self.results if result.behavioural):
            result = judge_coverage(gate, self.head.not_run("", "the tests are not green"), None)
        else:
            head = await self.head.observe(gate.command)
            base = await self._on_base(gate.command, head)
            result = judge_coverage(gate, head, base)
            self.findings += left_out(lines)
        self.findings += not_measured(result)
        await self.add(result)

    def verification(self, manual_steps: Sequence[str]) -> Verification:
        """All of it, and the verdict."""
        findings = tuple(lifted(finding, self.allow) for finding in self.findings)
        return Verification(
            verdict=verdict_of(self.results, findings),
            tree=self.head.tree,
            checks=tuple(self.results),
            known_failures=tuple(self.known),
            findings=findings,
            manual_steps=tuple(manual_steps),
            fingerprint=self.surroundings.fingerprint,
        )

    async def _check(self, name: str, command: str, *, behavioural: bool) -> None:
        head = await self.head.observe(command)
        compare = self.against_base and behavioural
        base = await self._on_base(command, head) if compare or not head.green else None
        result = judge(name, head, base, behavioural=behavioural, known=self.known_failures)
        self.findings += changed_files(name, head, base, behavioural=behavioural)
        if compare and base is not None and not self._all_tests_planned():
            self.findings += against_base(name, head, base)
        if result.status is CheckStatus.KNOWN_FAILURE:
            self.known |= dict.fromkeys(head.failing or (name,))
        await self.add(result)

    async def _criterion(self, name: str, command: str) -> None:
        """A criterion is the model's own: alone it proves nothing by ending well.

        It is evidence when a runner ran tests in it that can fail, or when a person has read it
        and the base fails it. Red it counts in any case.
        """
        head = await self.head.observe(command)
        base = await self._on_base(command, head)
        tested = runs_tests(command) and head.counts is not None and head.counts.passed > 0
        red_before = base is not None and not base.green and not base.blocked
        behavioural = shows_behaviour(command) and (
            not head.green
            or (self.criteria_read and red_before)
            or (tested and await tests_can_fail(self.surroundings.repository, self.head.commit))
        )
        result = judge(name, head, behavioural=behavioural)
        self.findings += changed_files(name, head, base, behavioural=behavioural)
        await self.add(result)

    async def _base_tests(self, mixed: Stand, command: CheckCommand) -> None:
        seen = await mixed.observe(command.command)
        base = await self._on_base(command.command, seen)
        result = judge(
            f"base tests on head ({command.name})",
            seen,
            base,
            behavioural=False,
            known=self.known_failures,
        )
        if result.status in (CheckStatus.FAILED, CheckStatus.TIMED_OUT):
            names = new_failures(seen, base) if base is not None else seen.failing
            self.findings.append(
                Finding(
                    kind=FindingKind.BASE_TESTS_RED,
                    severity=Severity.BLOCKING,
                    text=f"{command.name}: tests that the run changed are red as the base has them"
                    + (f": {', '.join(names[:5])}" if names else ""),
                )
            )
        elif base is not None and self.planned_tests.isdisjoint(map(_path, self.diff.files)):
            self.findings += against_base(result.name, seen, base)
        await self.add(result)

    async def _on_base(self, command: str, head: Observation) -> Observation | None:
        """What the command does on the base; None when that would tell nothing."""
        if head.blocked or head.timed_out:
            return None
        return await self.base.observe(command)

    def _all_tests_planned(self) -> bool:
        """Whether a person accepted every change of a test file there is."""
        changed = [file.path for file in self.diff.files if is_test_file(file.path)]
        return bool(changed) and self.planned_tests.issuperset(changed)


def _path(change: FileChange) -> str:
    return change.path

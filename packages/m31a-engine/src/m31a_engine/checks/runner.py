"""Runs the checks of a commit and says what they prove."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.checks.checkout import Around, Covering, Linking, unconfined
from m31a_engine.checks.coverage import Gate
from m31a_engine.checks.criteria import TaskCriterion
from m31a_engine.checks.culprit import find_culprit
from m31a_engine.checks.definitions import declares_dependencies
from m31a_engine.checks.environment import Environment, examine
from m31a_engine.checks.gathering import Gathering
from m31a_engine.checks.observation import ObservationCache
from m31a_engine.checks.outside import leads_outside
from m31a_engine.checks.patch import added_lines
from m31a_engine.checks.predicted import compare_predicted
from m31a_engine.checks.result import (
    CheckResult,
    Culprit,
    Finding,
    FindingKind,
    Severity,
    Verification,
)
from m31a_engine.checks.stand import Surroundings, stand
from m31a_engine.checks.syntax import check_syntax
from m31a_engine.checks.tamper import tampering
from m31a_engine.config_sections import RedFirst
from m31a_engine.planning.plan import RunCriterion
from m31a_engine.project.facts import CheckCommand
from m31a_rollback import Diff, Repository
from m31a_tools import Confined

_LARGEST_PATCH_BYTES = 50_000_000


def _nothing_may_run(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Checks commits of one session; what it has seen once it never runs again."""

    repository: Repository
    """The user's repository; its root is searched for dependency folders."""
    base: str
    commands: Sequence[CheckCommand]
    scratch: Path
    """Where checkouts are made and removed, for one run at a time; below M31A_HOME."""
    cache: Path
    environ: Mapping[str, str]
    emit: Callable[[CheckResult], Awaitable[None]]
    timeout_s: float = 900
    """Of each run of a command."""
    dependency_folders: Sequence[str] = ()
    """Paths in the project, such as `.venv`; `[verify] keep` included."""
    setup: str = ""
    """`[verify] setup`, if it may run."""
    known_failures: frozenset[str] = frozenset()
    """`[verify] known_failures`: names of checks or tests."""
    allow: frozenset[str] = frozenset()
    """Names of findings that a person lifted; `test-changes` stands for all of tampering."""
    planned_tests: frozenset[str] = frozenset()
    """Files whose change a person accepted with the plan."""
    criteria_read: bool = False
    """Whether a person has read the plan and with it the commands of its criteria."""
    red_first: RedFirst = RedFirst.OFF
    """What it means when no test of the run is red on the base."""
    coverage: Gate | None = None
    """What the tests have to cover; None: nothing is asked for."""
    probing: Confined | None = None
    """How the interpreters of the environment are asked what they are."""
    around: Around = unconfined
    covers: bool = False
    """Whether a sandbox can mount a checkout over the project's own folder."""
    may_run: Callable[[str], bool] = _nothing_may_run
    """Whether the command of a run criterion has leave to run."""

    async def run(
        self,
        commit: str,
        criteria: Sequence[TaskCriterion] = (),
        *,
        manual_steps: Sequence[str] = (),
        predicted: Sequence[str] | None = None,
        fingerprint_before: str = "",
        against_base: bool = True,
    ) -> Verification:
        """Everything that can be proven about the tree of `commit`.

        `predicted` are the plan's files (None: no plan). `fingerprint_before` is the
        environment's when the session began. `against_base=False` leaves out what compares with
        the base (tampering, fewer tests): for a look in the middle of a session, never for Ship.

        Raises:
            RollbackError: the repository could not be read, or a checkout not be made.
        """
        head = await self.repository.resolve(commit)
        diff = await self.repository.diff(
            self.base, head, patch_limit_bytes=_LARGEST_PATCH_BYTES if against_base else 0
        )
        environment = await self._environment(criteria)
        async with AsyncExitStack() as stands:
            surroundings = self._surroundings(environment)
            work = Gathering(
                commands=self.commands,
                emit=self.emit,
                known_failures=self.known_failures,
                allow=self.allow,
                planned_tests=self.planned_tests,
                criteria_read=self.criteria_read,
                may_run=self.may_run,
                diff=diff,
                surroundings=surroundings,
                head=await stands.enter_async_context(stand(surroundings, "head", head)),
                base=await stands.enter_async_context(stand(surroundings, "base", self.base)),
                against_base=against_base,
            )
            changed = tuple(file.path for file in diff.files)
            await work.add(await check_syntax(self.repository, head, changed, base=self.base))
            await work.run_commands()
            await work.run_criteria(criteria)
            if against_base:
                await work.run_base_tests()
                await work.run_canary(tuple(added_lines(diff.patch)))
                await work.run_red_first(self.red_first)
                work.findings += await self._compared(head, diff, await work.base_is_green())
                if self.coverage is not None:
                    await work.run_coverage(self.coverage, tuple(added_lines(diff.patch)))
            work.findings += compare_predicted(predicted, changed) if predicted is not None else ()
            work.findings += _environment_finding(
                fingerprint_before, environment.fingerprint, changed
            )
            return work.verification(manual_steps)

    async def find_culprit(self, commit: str, name: str, command: str) -> Culprit:
        """The commit between the base and `commit` that made a check red, or why none is named.

        Raises:
            RollbackError: as in `run`.
        """
        surroundings = self._surroundings(await self._environment(()))
        return await find_culprit(surroundings, self.base, commit, name, command)

    async def fingerprint(self) -> str:
        """Of the environment as it is now; Verify compares it with what it was at the start."""
        return (await self._environment(())).fingerprint

    async def _environment(self, criteria: Sequence[TaskCriterion]) -> Environment:
        """What the check commands would run with; a plan's commands do not change its name."""
        neutral = self.scratch / "empty"
        neutral.mkdir(parents=True, exist_ok=True)
        return await examine(
            project=self.repository.root,
            commands=[command.command for command in self.commands],
            also=[
                one.criterion.command for one in criteria if isinstance(one.criterion, RunCriterion)
            ],
            dependency_folders=self.dependency_folders,
            environ=self.environ,
            scratch=neutral,
            confined=self.probing,
        )

    def _surroundings(self, environment: Environment) -> Surroundings:
        ways, fingerprint = environment.ways_back, environment.fingerprint
        folders = tuple(self.repository.root / name for name in self.dependency_folders)
        replaced = [
            way
            for way in ways
            if self.setup
            and not self.covers
            and any((self.repository.root / way.folder).is_relative_to(f) for f in folders)
        ]
        leading = {way.folder for way in ways}
        return Surroundings(
            repository=self.repository,
            scratch=self.scratch,
            cache=ObservationCache(self.cache),
            environ=self.environ,
            mounting=Covering(self.around)
            if self.covers
            else Linking(
                folders=[name for name in self.dependency_folders if name not in leading],
                ways_back=[way for way in ways if way not in replaced],
                around=self.around,
            ),
            fingerprint=f"{fingerprint}+{self.setup}" if replaced else fingerprint,
            timeout_s=self.timeout_s,
            setup=self.setup if replaced else "",
        )

    def _watched(self) -> list[str]:
        """The commands whose definitions a run may not change."""
        measuring = [self.coverage.command] if self.coverage is not None else []
        return [*(command.command for command in self.commands), *filter(None, measuring)]

    async def _compared(self, head: str, diff: Diff, green_base: bool) -> tuple[Finding, ...]:
        """What the change itself says, without anything being run."""
        return (
            *await tampering(
                self.repository,
                self.base,
                head,
                diff.files,
                commands=self._watched(),
                planned=self.planned_tests,
                green_base=green_base,
            ),
            *await leads_outside(self.repository, head, diff.files, tuple(added_lines(diff.patch))),
        )


def _environment_finding(before: str, now: str, changed: Sequence[str]) -> Iterator[Finding]:
    """What is installed changed during the session, and nothing in the commit says so."""
    if before and before != now and not any(map(declares_dependencies, changed)):
        yield Finding(
            kind=FindingKind.ENVIRONMENT_CHANGED,
            severity=Severity.BLOCKING,
            text="the programs or packages the checks use changed during the run, and no manifest"
            " or lock file did",
        )

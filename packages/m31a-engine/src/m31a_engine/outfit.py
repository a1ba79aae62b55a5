"""The hands of a conversation: its tools, where they work, what they may do, whom they ask."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from m31a_engine.asks import OpenAsks
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.conversation.asker import RunAsker
from m31a_engine.conversation.hands import Hands, Place
from m31a_engine.conversation.history import WEB
from m31a_engine.conversation.trail import Trail
from m31a_engine.events import Noticed
from m31a_engine.ground import Ground
from m31a_engine.leave import READING, policy_of
from m31a_engine.machinery import Keeper
from m31a_engine.session.home import SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import Bay, ComingBay, Workbench
from m31a_engine.shelter import Shelter
from m31a_tools import (
    Background,
    Bash,
    Confined,
    FileRead,
    Glob,
    Grep,
    PermissionRequest,
    Policy,
    Rule,
    Toolbox,
    Workspace,
    child_environment,
    default_toolbox,
    further_tools,
    recover,
    remove_leftovers,
    rules_for,
)


@dataclass(slots=True)
class Outfitter:
    """Gives every conversation of a session its hands."""

    config: Config
    environ: Mapping[str, str]
    folder: SessionFolder
    ground: Ground
    workbench: Workbench
    shelter: Shelter
    asks: OpenAsks
    journal: Journal
    stream: EventStream
    keeper: Keeper
    first_command: Callable[[], Awaitable[None]]
    """Awaited before a task can change what checks run with."""
    keep_rules: Callable[[Sequence[Rule]], object]
    """Keeps rules for later runs in this project."""
    _granted: list[Rule] = field(default_factory=list)
    _preparing: anyio.Lock = field(default_factory=anyio.Lock)
    _prepared: bool = False

    def working(self, key: str, coming: ComingBay, background: Background) -> Hands:
        """The tools in a work tree; the model sees the project's own paths."""
        ready: list[Place] = []

        async def place() -> Place:
            bay = await coming.get()
            await self._prepare()
            if not ready:
                confined = await self.shelter.around_task(bay.tree, self.dependencies())
                workspace = self._workspace(bay.tree.path, confined, background)
                await anyio.to_thread.run_sync(_tidy, workspace)
                ready.append(
                    Place(
                        workspace=workspace,
                        policy=policy_of(
                            self.config,
                            self.keeper.session.facts,
                            self.shelter.default,
                            confined=confined is not None,
                            project=str(self.ground.repository.root),
                        ),
                        before_destructive=partial(self._keep, bay),
                        trail=Trail(self.journal, bay, background),
                    )
                )
            return replace(ready[0], policy=self._with_granted(ready[0].policy))

        return Hands(
            toolbox=self._toolbox(),
            asker=self._asker(key),
            place=place,
            remember=self._remember,
        )

    def reading(self) -> Hands:
        """Tools that look at the newest commit and can change nothing of it."""

        async def place() -> Place:
            tree = await self.workbench.look()
            confined = await self.shelter.around_reading(tree, self.dependencies())
            return Place(workspace=self._workspace(tree.path, confined), policy=READING)

        return Hands(
            toolbox=Toolbox(tools=(FileRead(), Glob(), Grep(), Bash())),
            asker=self._asker("reading"),
            place=place,
            remember=self._remember,
            defers=False,
        )

    def _toolbox(self) -> Toolbox:
        """The six tools, what looks after background commands, and what `[tools] offer` adds."""
        settings = self.config.tools
        always = default_toolbox(
            self._workspace(self.ground.repository.root, None),
            bash_timeout_s=settings.bash_timeout_s,
            output_chars=settings.output_chars,
            glob_results=settings.glob_results,
            background=True,
            may_leave_sandbox=self.shelter.mode is not PermissionMode.ALLOW_ALL,
        )
        if not settings.offer:
            return always
        further = further_tools(web=WEB in settings.offer, output_chars=settings.output_chars)
        return Toolbox((*always.tools, *further)).only((*always.names, *settings.offer))

    async def _prepare(self) -> None:
        if self._prepared:
            return
        async with self._preparing:
            if not self._prepared:
                await self.first_command()
                self._prepared = True

    def _with_granted(self, policy: Policy) -> Policy:
        """The policy with what a person has said *always* to meanwhile."""
        if not self._granted:
            return policy
        return msgspec.structs.replace(policy, rules=(*policy.rules, *self._granted))

    async def _remember(self, request: PermissionRequest) -> None:
        """Keep a person's *always*: for the rest of this run, and for later ones here."""
        root = self.ground.repository.root
        rules = rules_for(request, project=str(root), now=datetime.now(UTC))
        self._granted.extend(rules)
        try:
            await anyio.to_thread.run_sync(self.keep_rules, rules)
        except OSError as exc:
            await self.stream.emit(Noticed(text=f"the answer could not be kept: {exc}"))

    async def _keep(self, bay: Bay, request: PermissionRequest) -> str:
        """Keep a work tree as it is before a call that can destroy what is in it."""
        return await self.workbench.keep(bay, f"Before: {request.summary}")

    def dependencies(self) -> tuple[str, ...]:
        """The project's folders that commands see although they are not committed."""
        facts = self.keeper.session.facts
        found = facts.dependency_folders if facts is not None else ()
        return tuple(dict.fromkeys((*found, *self.config.verify.keep)))

    def _workspace(
        self, root: Path, confined: Confined | None, background: Background | None = None
    ) -> Workspace:
        self.folder.outputs.mkdir(exist_ok=True, mode=0o700)
        return Workspace(
            root=root,
            shown_as=self.ground.repository.root,
            environment=self.command_environment(),
            outputs=self.folder.outputs,
            confined=confined,
            background=background,
        )

    def command_environment(self) -> dict[str, str]:
        """What commands see: no secrets, and the project's own virtual environment first."""
        environment = child_environment(self.environ)
        # Whatever a command leaves behind and git does not ignore becomes part of the commit;
        # and edits within one second, of one length, would be hidden by a cached module.
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in (".venv", "venv"):
            folder = self.ground.repository.root / name
            if (folder / "bin" / "python").exists():
                environment["VIRTUAL_ENV"] = str(folder)
                environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
                break
        return environment

    def _asker(self, task: str) -> RunAsker:
        permissions = self.config.permissions
        return RunAsker(
            self.stream, self.asks, task, permissions.timeout_s, permissions.on_timeout.value
        )


def _tidy(workspace: Workspace) -> None:
    """Finish or take back what a kill left half done in a work tree."""
    recover(workspace)
    remove_leftovers(workspace)

"""Finished work put on the session's branch, as the repository's commit hooks will have it."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from m31a_engine.conversation.opening import asked
from m31a_engine.conversation.turn import Talker
from m31a_engine.events import Noticed
from m31a_engine.hooks import HookRunner, spoilt
from m31a_engine.session.journal import Journal, keyed
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import Bay, ComingBay, Integrated, MergeConflict, Workbench
from m31a_rollback import MESSAGE_HOOKS, HookFailed, Prepared, WorkTree, format_message


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that a hook refused."""

    hook: str
    exit_code: int
    output: str


class HookRefused(Exception):
    """A hook refused the commit; the work is still in its tree, and the text says why."""

    def __init__(self, refusal: Refusal) -> None:
        self.final = refusal.hook in MESSAGE_HOOKS
        """Whether other work would not help: the model was asked for another message already."""
        ended = (
            f"the repository's {refusal.hook} hook refused the commit (exit {refusal.exit_code})"
        )
        kept = "Nothing was committed; your changes are still in the files."
        super().__init__(
            f"{ended}:\n{refusal.output}" if self.final else f"{ended}. {kept}\n\n{refusal.output}"
        )


@dataclass(frozen=True, slots=True)
class Commits:
    """Makes the commits of a session."""

    workbench: Workbench
    hooks: HookRunner
    journal: Journal
    stream: EventStream
    talker: Talker

    def coming(self, key: str, work: str) -> ComingBay:
        """A work tree for a piece of work: what a refused attempt at it has left, if any."""
        return ComingBay(self.workbench, key, self.journal.done(f"{work}/left", str) or "")

    async def integrate(self, bay: Bay, message: str, work: str) -> Integrated:
        """All that changed in a work tree, as one commit that the hooks have passed.

        `work` names what attempts are made at; after a refusal the next one goes on in the same
        work tree.

        Raises:
            HookRefused: nothing was committed.
            MergeConflict: something integrated meanwhile collides; nothing was changed.
            WaitingForApproval: the hooks have no leave to run.
        """
        known = self.journal.done(f"{bay.key}/refused", Refusal)
        if known is not None:
            raise HookRefused(known)
        hooks = await self.hooks.wanted()

        async def prepare(tree: WorkTree) -> Prepared:
            return await self._passed(tree, message, bay.key)

        try:
            done = await self.workbench.integrate(bay, message, prepare if hooks else None)
        except HookFailed as exc:
            refusal = Refusal(hook=exc.hook, exit_code=exc.exit_code, output=exc.output)
            await self.journal.append(
                keyed("done", f"{bay.key}/refused", refusal), keyed("done", f"{work}/left", bay.key)
            )
            raise HookRefused(refusal) from exc
        except MergeConflict:
            await self._leave_nothing(work)
            raise
        await self._leave_nothing(work)
        return done

    async def _leave_nothing(self, work: str) -> None:
        if self.journal.done(f"{work}/left", str):
            await self.journal.finish(f"{work}/left", "")

    async def _passed(self, tree: WorkTree, message: str, key: str) -> Prepared:
        before = await tree.tree_id()
        try:
            return await self._accepted(tree, message, key)
        except HookFailed as exc:
            if exc.hook in MESSAGE_HOOKS or await tree.tree_id() == before:
                raise
        # The pre-commit program refuses what its formatters had to change: once more, as people do.
        return await self._accepted(tree, message, key)

    async def _accepted(self, tree: WorkTree, message: str, key: str) -> Prepared:
        """What the hooks leave, with another message where they refuse this one."""
        try:
            return await self.hooks.run(tree, message)
        except HookFailed as exc:
            if exc.hook not in MESSAGE_HOOKS:
                raise
            other = await self._other_message(message, exc, key)
            return await self.hooks.run(tree, other, MESSAGE_HOOKS)

    async def shipped_message(
        self, message: str, proof: Sequence[tuple[str, str]], key: str
    ) -> str:
        """The message of the commit to be shipped, proof included, as the hooks leave it.

        The pre-commit hook has seen this tree when its last task was committed.

        Raises:
            HookRefused: no message was accepted, or the hook changed the proof or the files.
            WaitingForApproval: the hooks have no leave to run.
        """
        hooks = await self.hooks.wanted()
        if not set(hooks) & set(MESSAGE_HOOKS):
            return format_message(message, proof)
        tree = await self.workbench.look()
        try:
            try:
                said = await self.hooks.run(tree, format_message(message, proof), MESSAGE_HOOKS)
            except HookFailed as exc:
                other = await self._other_message(message, exc, key)
                said = await self.hooks.run(tree, format_message(other, proof), MESSAGE_HOOKS)
        except HookFailed as exc:
            raise HookRefused(
                Refusal(hook=exc.hook, exit_code=exc.exit_code, output=exc.output)
            ) from exc
        against = await spoilt(self.workbench.repository, self.workbench.head, said, proof)
        if against:
            await tree.reset_to(self.workbench.head)
            raise HookRefused(Refusal(hook=said.ran[-1].hook, exit_code=0, output=against))
        return said.message

    async def _other_message(self, message: str, error: HookFailed, key: str) -> str:
        """Another message from the model, which is asked once."""
        question = (
            f"The repository's {error.hook} hook refuses this commit message:\n\n{message}\n\n"
            f"It says:\n\n{error.output}\n\n"
            "Answer with a commit message for the same change that the hook accepts: the subject, "
            "and after an empty line the body if there is one. Nothing else, no quotes, no fence."
        )
        await self.stream.emit(
            Noticed(text=f"the {error.hook} hook refused the commit message; another is asked for")
        )
        talk = asked(self.talker, f"{key}/message", "ship", question)
        return _unfenced(await self.talker.carry_on(talk, None)) or message


def _unfenced(text: str) -> str:
    """A message without the fence that models put around what is to be copied."""
    lines = text.strip().splitlines()
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        lines = lines[1:-1]
    return "\n".join(lines).strip()

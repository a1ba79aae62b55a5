"""What commands made of a work tree, on record, so that a replay need not run them.

A file call's effect follows from its arguments and the files; a command's does not. So the id
of the tree is noted once commands ran, before a file call builds on what they left, and at the
end. The objects are in the repository anyway: they are what the task's commit is made of.
"""

import msgspec

from m31a_engine.session.journal import Journal, entry
from m31a_engine.session.workbench import Bay
from m31a_providers import ToolCall
from m31a_rollback import RollbackError
from m31a_tools import Background

COMMANDS = frozenset({"Bash", "BashOutput", "BashStop"})
"""Tools whose effects do not follow from their arguments."""


class TreeBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a tree record: all that stood in a work tree at a moment."""

    conversation: str
    before: str
    """The call that came next; "" at the end of the work."""
    tree: str


class Trail:
    """Notes the tree of one bay wherever it cannot be told from the calls alone."""

    def __init__(self, journal: Journal, bay: Bay, background: Background) -> None:
        self._journal = journal
        self._bay = bay
        self._background = background
        self._unsure = bay.used
        """Whether something may stand there that no file call of this conversation made."""

    async def before(self, call: ToolCall, *, reads: bool) -> None:
        """Note what commands left, if this call is going to change files."""
        if call.name in COMMANDS:
            self._unsure = True
        elif not reads:
            await self._note(call.id)

    async def end(self) -> None:
        """Note what commands left at the end of the work."""
        await self._note("")

    async def _note(self, before: str) -> None:
        if not self._unsure:
            return
        try:
            tree = await self._bay.tree.tree_id()
        except RollbackError:
            return  # whoever commits it says what is wrong; a replay says that it does not know
        body = TreeBody(conversation=self._bay.key, before=before, tree=tree)
        self._journal.note(entry("tree", body))
        # What once was in the background may have written until now, and may go on.
        self._unsure = bool(self._background.known)

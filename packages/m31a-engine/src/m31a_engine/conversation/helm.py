"""What a person has a run do while it works: each command to whoever carries it out."""

from dataclasses import dataclass, field

from anyio.abc import TaskGroup

from m31a_engine.conversation.models import Models
from m31a_engine.conversation.steering import Remark, Steering
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.run import (
    CancelTask,
    Command,
    Consolidate,
    Continue,
    HealTask,
    Pause,
    SetPhaseModel,
    SetProvider,
    SkipTask,
    Steer,
    Undo,
)
from m31a_engine.session.journal import Journal
from m31a_engine.session.wish import Wish
from m31a_engine.switchboard import Switchboard
from m31a_taskrunner import Control


@dataclass(slots=True)
class Helm:
    """Takes the commands of one run."""

    board: Switchboard
    control: Control
    journal: Journal
    models: Models
    steering: Steering
    window: WindowWatch
    crew: TaskGroup | None = None
    """Whoever works; None before the run begins and after its last phase."""
    _wish: Wish = field(default_factory=Wish)

    def take(self, command: Command) -> bool:
        """Whether the command came in time and names something there is."""
        match command:
            case Pause():
                self.control.pause()
                return True
            case Continue():
                self.control.proceed()
                return True
            case SkipTask():
                return self.control.skip(str(command.task_id))
            case CancelTask():
                return self.control.cancel(str(command.task_id))
            case HealTask():
                heal = dict.fromkeys((*self._wish.heal, command.task_id))
                self._wish = Wish(heal=tuple(heal), undo=self._wish.undo)
                return self.crew is not None
            case Undo():
                self._wish = Wish(heal=self._wish.heal, undo=True)
                return self.crew is not None
            case SetPhaseModel():
                self.models.choose(command.phase, command.model)
                self.board.take_as_named(command.model)
                return True
            case SetProvider():
                return self.crew is not None and self.board.choose(command.name)
            case Consolidate():
                self.window.want()
                return True
            case Steer():
                return self._steer(command)

    def wishes(self) -> Wish:
        """What a person wants to have done once more; asked for once."""
        wish, self._wish = self._wish, Wish()
        return wish

    def _steer(self, command: Steer) -> bool:
        """Take a remark in and keep it on disk; False when nobody works any more."""
        if self.crew is None or not command.text.strip():
            return False
        task = "" if command.task_id is None else str(command.task_id)
        entry = self.steering.say(Remark(text=command.text.strip(), task=task))
        self.crew.start_soon(self.journal.append, entry)
        return True

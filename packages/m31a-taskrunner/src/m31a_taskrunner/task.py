"""A task: an id, what must be done before it, what it holds while it runs, a payload."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

P = TypeVar("P")


@dataclass(frozen=True, slots=True, init=False)
class Task(Generic[P]):
    """One piece of work in a graph; generic over the payload, which the runner never looks at."""

    id: str
    needs: frozenset[str]
    """Ids of the tasks that must be done before this one may start."""
    claims: frozenset[str]
    """Names that two running tasks may not both hold: a file, a port, a device."""
    payload: P

    @overload
    def __init__(
        self: "Task[None]",
        id: str,
        needs: Iterable[str] = ...,
        claims: Iterable[str] = ...,
        payload: None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        id: str,
        needs: Iterable[str] = ...,
        claims: Iterable[str] = ...,
        *,
        payload: P,
    ) -> None: ...
    @overload
    def __init__(
        self, id: str, needs: Iterable[str], claims: Iterable[str], payload: P
    ) -> None: ...

    def __init__(
        self,
        id: str,  # noqa: A002  # the public name of a task's identity
        needs: Iterable[str] = frozenset(),
        claims: Iterable[str] = frozenset(),
        payload: object = None,
    ) -> None:
        """Take any collection of ids and names; one bare string is refused as the slip it is."""
        for name, given in (("needs", needs), ("claims", claims)):
            if isinstance(given, str):
                raise TypeError(f"{name} of task {id!r} is one string; write {{{given!r}}}")
        set_field = object.__setattr__
        set_field(self, "id", id)
        set_field(self, "needs", frozenset(needs))
        set_field(self, "claims", frozenset(claims))
        set_field(self, "payload", payload)

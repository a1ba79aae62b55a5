"""Connections that are given up while they are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import anyio

_CLOSING_S = 0.25


class Connection(Protocol):
    """What is used of a connection."""

    async def aclose(self) -> None:
        """Close it."""


@dataclass(slots=True)
class Handshake:
    """Remembers the connection that a request is waiting for.

    httpcore closes it when the handshake fails, and forgets it, open, when whoever waited is
    cancelled in the middle.
    """

    _connection: Connection | None = None

    async def trace(self, event: str, facts: Mapping[str, Connection]) -> None:
        """Told by httpcore, as a request's extension `trace`, how it gets on."""
        if event == "connection.connect_tcp.complete":
            self._connection = facts["return_value"]
        elif event == "connection.start_tls.complete":
            self._connection = None

    async def give_up(self) -> None:
        """Close what no answer has come from; again is fine."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.move_on_after(_CLOSING_S, shield=True):
                await connection.aclose()

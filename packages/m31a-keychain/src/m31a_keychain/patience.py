"""Blocking calls with a deadline, where a call that hangs costs its deadline only once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from m31a_keychain.errors import BackendHung

_T = TypeVar("_T")


class Patience:
    """Waits for calls to one backend; while one of them hangs, refuses all others at once.

    A call that hung and answers late (a person typed the password after all) ends the refusal.
    """

    def __init__(self) -> None:
        """Begin with a backend nothing bad is known of."""
        self._is_hung = threading.Event()

    def call(self, action: Callable[[], _T], *, store: str, deadline_s: float) -> _T:
        """What `action` returns or raises, run in a thread of its own.

        Raises:
            BackendHung: it took longer than `deadline_s`, or an earlier call still hangs.
        """
        if self._is_hung.is_set():
            raise BackendHung(store, deadline_s)
        future: Future[_T] = Future()
        # A daemon, so that a backend that never answers does not keep the program from ending.
        threading.Thread(
            target=_settle, args=(future, action), name=f"keychain {store}", daemon=True
        ).start()
        wait([future], timeout=deadline_s)
        if future.done():
            return future.result()
        self._is_hung.set()
        future.add_done_callback(lambda _: self._is_hung.clear())
        raise BackendHung(store, deadline_s)


def _settle(future: "Future[_T]", action: Callable[[], _T]) -> None:
    try:
        future.set_result(action())
    except BaseException as exc:  # raised again where the result is awaited
        future.set_exception(exc)

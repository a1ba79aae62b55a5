import gc
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="m31a-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def collected() -> Iterator[None]:
    """What the test left to the garbage collector is gone before the next one begins.

    keyring does not close its connection when a request fails; together with a filter for the
    warning that says so.
    """
    yield
    gc.collect()


@pytest.fixture
def tells() -> Callable[[BaseException, str], bool]:
    """Whether an error, what led to it or the local variables of our functions show a text."""

    def tells(error: BaseException, text: str) -> bool:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in trace.stack if "/m31a_keychain/" in frame.filename]
        assert ours
        shown = "".join(traceback.StackSummary.from_list(ours).format())
        causes = repr(error.__cause__) + repr(error.__context__)
        return text in shown + causes + repr(error) + str(error) + repr(vars(error))

    return tells

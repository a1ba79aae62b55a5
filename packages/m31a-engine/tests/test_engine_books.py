"""The ledger as programs read it, and the sandbox as they show it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from m31a_engine import Ledger, Refused, ledger_at, load_config
from m31a_engine.books import Wanted
from m31a_engine.desk.sandbox_state import sandbox_state
from m31a_tools import Sandbox


@pytest.mark.parametrize(
    "read",
    [
        lambda ledger: ledger.newest(),
        lambda ledger: ledger.query(Wanted(words="jwt"), None),
        lambda ledger: ledger.stats(),
        lambda ledger: ledger.problems(),
        lambda ledger: list(ledger.lines(20)),
        lambda ledger: list(ledger.statistics()),
    ],
    ids=["newest", "query", "stats", "problems", "lines", "statistics"],
)
def test_a_ledger_that_cannot_be_read_is_told_with_what_to_do(
    tmp_path: Path, read: Callable[[Ledger], object]
) -> None:
    ledger = ledger_at(tmp_path)
    ledger.store.path.mkdir(parents=True)

    with pytest.raises(Refused) as told:
        read(ledger)

    assert str(ledger.store.path) in told.value.message
    assert told.value.remedy == f"make {ledger.store.path} a file that you can read"


def test_a_ledger_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)

    assert (ledger.newest(), ledger.problems(), list(ledger.lines(20))) == ((), (), [])


@pytest.mark.parametrize(("mode", "wanted"), [("ask", True), ("allow_all", False)])
def test_the_sandbox_that_is_shown_is_the_one_that_runs_use(
    tmp_path: Path, mode: str, wanted: bool
) -> None:
    home = {"M31A_HOME": str(tmp_path), "HOME": str(tmp_path)}
    config = load_config(tmp_path, home, {"permissions.mode": mode})

    state = sandbox_state(config)

    found = Sandbox.detect(tmp_path / "cache")
    assert (state.kind, state.wanted) == (found.kind.value, wanted)
    assert bool(state.gaps) == found.partial
    assert state.remedies == found.remedies

"""Settings that a whole run obeys."""

import shutil
from pathlib import Path

import anyio
import msgspec
import pytest

from in_process import Place, report_of, watched
from m31a_engine import Mode, ModeChosen, Options, Outcome, Refused, ledger_at
from m31a_ledger import LedgerEntry
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import GOAL, mending

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def place(tmp_path: Path, own_home: Path) -> Place:
    return Place.make(tmp_path)


@pytest.mark.parametrize(
    ("options", "mode", "why"),
    [
        (Options(), Mode.FAST, "the configuration names it"),
        (Options(mode=Mode.DIRECT), Mode.DIRECT, "the mode was given"),
    ],
    ids=["configured", "given"],
)
async def test_the_configured_mode_holds_where_none_is_given(
    place: Place, options: Options, mode: Mode, why: str
) -> None:
    script = [Rule(phase="discuss", reply=Reply(text="Nothing to ask.")), *mending()]
    with ModelServer(script) as server:
        engine = place.engine(server.base_url, features__workflow_mode="fast")
        async with engine.start(GOAL, options) as run:
            seen = await watched(run)

    chosen = [each.event for each in seen if isinstance(each.event, ModeChosen)]
    assert chosen == [ModeChosen(mode=mode, reason=why)]
    assert report_of(seen).mode is mode


async def test_a_question_is_answered_whatever_mode_is_configured(place: Place) -> None:
    with ModelServer([Rule(phase="chat", reply=Reply(text="It subtracts."))]) as server:
        engine = place.engine(server.base_url, features__workflow_mode="full")
        async with engine.start("what does add() do?") as run:
            report = report_of(await watched(run))

    assert (report.outcome, report.answer) == (Outcome.ANSWERED, "It subtracts.")


async def test_a_folder_without_a_repository_gets_one_where_the_configuration_says_so(
    place: Place,
) -> None:
    shutil.rmtree(place.project / ".git")
    config = place.home.parent / "user" / ".gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.invalid\n")
    with ModelServer(mending()) as server:
        with pytest.raises(Refused, match="is not a git repository"):
            async with place.engine(server.base_url).start(GOAL):
                pass
        engine = place.engine(server.base_url, git__init=True)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            report = report_of(await watched(run))

    assert report.outcome is Outcome.SHIPPED
    assert place.git("log", "--format=%s").splitlines()[-1] == "Start"


async def test_the_ledger_keeps_its_newest_rows_alone(place: Place) -> None:
    ledger = ledger_at(place.home)
    place.home.mkdir()
    row = LedgerEntry(session="s", at="2026-11-20T00:00:00Z", project="p", outcome="shipped")
    for number in range(30):
        ledger.store.append(msgspec.structs.replace(row, session=f"old-{number}"))
    with ModelServer(mending()) as server:
        engine = place.engine(server.base_url, ledger__keep=5)
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            report = report_of(await watched(run))

    kept = [entry.session for entry in ledger.newest()]
    assert kept == [report.session, "old-29", "old-28", "old-27", "old-26"]


async def test_a_report_names_the_calls_that_wait_for_leave(place: Place) -> None:
    script = mending()
    with ModelServer(script) as server, anyio.fail_after(60):
        engine = place.engine(server.base_url, permissions__mode="defer")
        async with engine.start(GOAL, Options(mode=Mode.DIRECT)) as run:
            report = report_of(await watched(run))

    assert report.outcome is Outcome.WAITING
    assert [text for text in report.deferred if "sums.py" in text] == list(report.deferred) != []

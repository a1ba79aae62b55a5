"""Questions before a plan: answered one by one or all at once, skipped, looked at afterwards."""

from collections.abc import Callable

from m31a.program.ask_lock import LOCK_S
from m31a.program.effects import AnswerAsk
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    AskClosed,
    AskOpened,
    Event,
    Phase,
    PhaseEnded,
    PhaseStarted,
    Question,
    QuestionsAnswer,
    QuestionsAsk,
    TextStreamed,
)

Snapshot = Callable[[Callable[[], Desk], str], None]
QUESTIONS = (
    Question(text="How should old tokens behave?", suggestion="accept them for 24 hours"),
    Question(text="Where do keys live in CI?", suggestion="in the secret store"),
    Question(text="Is clock skew allowed?"),
)
ASK = QuestionsAsk(ask_id="questions-1", questions=QUESTIONS)
OPENED = AskOpened(ask=ASK, timeout_s=300.0 + LOCK_S)
BEGUN = (
    PhaseEnded(phase=Phase.INITIALIZE, next=Phase.DISCUSS, elapsed_s=0.4),
    PhaseStarted(phase=Phase.DISCUSS),
)


def asked() -> Desk:
    """The questions, asked a moment ago."""
    desk = Desk("repl", scene=sample_scene(goal="JWT")).tell(*BEGUN, OPENED).wait(LOCK_S)
    desk.effects.clear()
    return desk


def answered(*answers: str) -> list[object]:
    """What the run is told."""
    return [AnswerAsk(QuestionsAnswer(ask_id="questions-1", answers=answers))]


def test_all_questions_at_once(snapshot: Snapshot) -> None:
    snapshot(asked, "discuss/all")


def test_one_question_at_a_time(snapshot: Snapshot) -> None:
    snapshot(lambda: asked().press("ctrl+o", "tab").type("vault"), "discuss/one")


def test_what_was_asked_before(snapshot: Snapshot) -> None:
    closed = AskClosed(
        ask_id="questions-1",
        answer=QuestionsAnswer(ask_id="questions-1", answers=("reject them", "", "no")),
    )
    scene = sample_scene([*BEGUN, OPENED, closed], goal="JWT")
    snapshot(lambda: Desk("discuss", scene=scene), "discuss/answered")


def test_a_run_without_questions(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("discuss"), "discuss/empty")


def test_while_the_model_thinks_its_words_are_shown() -> None:
    events: list[Event] = [
        PhaseStarted(phase=Phase.DISCUSS),
        TextStreamed(conversation="discuss-0", text="Two things would change the plan"),
    ]

    desk = Desk("discuss", scene=sample_scene(events, goal="JWT"))

    assert "the questions come here" in desk.text
    assert "Two things would change the plan" in desk.text


def test_enter_goes_from_question_to_question_and_sends_after_the_last() -> None:
    desk = asked().press("enter").type("vault").press("enter")
    assert desk.effects == []

    desk.press("enter")

    assert desk.effects == answered("accept them for 24 hours", "vault", "")


def test_a_skipped_question_says_nothing_and_the_others_count() -> None:
    desk = asked().press("alt+s", "ctrl+s")

    assert desk.effects == answered("", "in the secret store", "")


def test_writing_to_a_skipped_question_takes_the_skip_back() -> None:
    desk = asked().press("alt+s", "shift+tab").type("for ever").press("ctrl+s")

    assert desk.effects == answered("for ever", "in the secret store", "")


def test_all_can_be_skipped_at_once() -> None:
    desk = asked().press("ctrl+x", "a")

    assert desk.effects == answered("", "", "")


def test_a_suggestion_can_be_taken_and_changed() -> None:
    desk = asked().press("ctrl+t").type(", then reject").press("ctrl+s")

    taken = "accept them for 24 hours, then reject"
    assert desk.effects == answered(taken, "in the secret store", "")


def test_a_paste_goes_to_the_present_question() -> None:
    desk = asked().press("tab").paste("in the\nvault").press("ctrl+s")

    assert desk.effects == answered("accept them for 24 hours", "in the\nvault", "")


def test_keys_that_were_on_their_way_to_the_prompt_answer_nothing() -> None:
    desk = Desk("repl", scene=sample_scene(goal="JWT")).tell(OPENED).wait(LOCK_S / 2)

    desk.effects.clear()

    desk.type("more").wait(LOCK_S)

    assert desk.effects == []
    assert "more" not in desk.text.partition("How should old")[2]
    assert "❯ more" in desk.press("escape").text


def test_questions_that_come_into_sight_when_another_is_settled_are_locked_anew() -> None:
    desk = asked()
    second = QuestionsAsk(ask_id="questions-2", questions=QUESTIONS[:1])
    desk.tell(AskOpened(ask=second, timeout_s=9.0)).wait(9.0)
    desk.effects.clear()

    desk.tell(AskClosed(ask_id="questions-1", answer=None)).press("ctrl+s")
    assert desk.effects == []

    desk.wait(LOCK_S).press("ctrl+s")
    assert [type(each) for each in desk.effects] == [AnswerAsk]


def test_questions_that_were_left_are_found_again() -> None:
    desk = asked().press("escape")
    assert desk.top.id == "repl"

    desk.type("/discuss").press("enter")

    assert desk.top.id == "discuss"
    assert "How should old tokens behave?" in desk.text
    desk.press("ctrl+s")
    assert desk.effects == answered("accept them for 24 hours", "in the secret store", "")


def test_the_time_that_is_left_is_shown() -> None:
    assert "in 4:40 the suggestions count" in asked().wait(20.0).text

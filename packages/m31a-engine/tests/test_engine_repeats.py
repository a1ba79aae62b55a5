from m31a_engine.conversation.repeats import Circling, RepeatWatch


def test_the_same_call_with_the_same_result_is_warned_then_stopped() -> None:
    watch = RepeatWatch()
    row = [watch.see("Bash", '{"command":"ls"}', "a.py") for _ in range(5)]
    assert row == [Circling.NO, Circling.NO, Circling.WARN, Circling.WARN, Circling.STOP]


def test_two_calls_in_turn_are_a_circle_too() -> None:
    watch = RepeatWatch()
    row = [watch.see("Bash", f"{number % 2}", "same") for number in range(10)]
    assert row[4:6] == [Circling.NO, Circling.WARN]
    assert row[-1] is Circling.STOP


def test_a_call_whose_result_changes_is_no_circle() -> None:
    watch = RepeatWatch()
    assert {watch.see("Bash", "date", str(number)) for number in range(10)} == {Circling.NO}

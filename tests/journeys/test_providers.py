"""Who answers a run that is started from the command line, when the first provider does not."""

import json
from pathlib import Path

from msgspec.structs import replace

from calling import called
from journey import ProjectFolder, headless
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import FREE, GOAL, MENDED, mending


def test_a_run_is_finished_by_who_stands_in_and_its_events_say_so(broken: ProjectFolder) -> None:
    first_words, *rest = mending()
    out_of_order = Rule(reply=Reply(status=503, error="down", headers={"Retry-After": "90"}))
    answers = [
        replace(rule, reply=replace(rule.reply, model="b"))
        for rule in rest
        if isinstance(rule, Rule)
    ]
    home = Path(broken.environment["M31A_HOME"])
    home.mkdir()
    with ModelServer([first_words, out_of_order]) as first, ModelServer(answers) as second:
        (home / "config.toml").write_text(
            '[model]\ndefault = "a"\n'
            '[provider]\ndefault = "first"\nauto_fallback = true\nfallback_priority = ["second"]\n'
            f'[provider.first]\nbase_url = "{first.base_url}"\n'
            f'[provider.second]\nbase_url = "{second.base_url}"\nmodel = "b"\n',
            encoding="utf-8",
        )
        ended = headless(
            *("run", GOAL, "--output", "stream-json", *FREE),
            cwd=broken.path,
            env=broken.environment,
        ).expect(0)

    events = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    (switch,) = (event for event in events if event["type"] == "provider.switched")
    assert (switch["origin"], switch["target"]) == ("first", "second")
    assert events[-1]["report"]["models"] == ["a", "b"]
    assert {request.model for request in second.requests} == {"b"}
    assert broken.read("sums.py") == MENDED


def test_a_window_nobody_told_of_is_met_by_shortening_what_was_answered_already(
    broken: ProjectFolder,
) -> None:
    text = "".join(f"line {number} of a long file\n" for number in range(200))
    for name in ("one.txt", "two.txt"):
        broken.write(name, text)
    broken.commit("Long files")
    reads = [
        Reply(tool_calls=(Call(name="FileRead", arguments={"path": name}),))
        for name in ("one.txt", "two.txt")
    ]
    too_long = Reply(status=400, error="This model's maximum context length is 8192 tokens.")
    write = Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED})
    steps: list[Rule | Reply | str] = [*reads, too_long, Reply(tool_calls=(write,)), "Done."]
    with ModelServer(steps) as server:
        words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", *FREE)
        called(*words, cwd=broken.path, env=broken.environment).expect(0)
        refused, again = [json.dumps(seen.body) for seen in server.requests[2:4]]

    assert (refused.count("line 150"), again.count("line 150")) == (2, 1)
    assert "characters left out" in again
    assert broken.read("sums.py") == MENDED

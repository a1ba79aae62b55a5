"""Who answers a run that is started from the command line, when the first provider does not."""

import json
from pathlib import Path

from msgspec.structs import replace

from journey import ProjectFolder, headless
from m31a_providers.testing import ModelServer, Reply, Rule
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

"""A person's answers, what becomes of *always*, and what text from the network changes."""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import msgspec
import pytest

from m31a_tools import (
    Access,
    Action,
    Allow,
    Asker,
    AskFirst,
    Bash,
    Call,
    Choice,
    Confined,
    Confinement,
    Deny,
    ExitAsked,
    Explanation,
    FileWrite,
    Grant,
    Grep,
    Judgement,
    Mode,
    Outcome,
    PatientAsker,
    PermissionRequest,
    Policy,
    Risk,
    Rule,
    Sandbox,
    ToolResult,
    Verdict,
    Workspace,
    decide,
    default_toolbox,
    dispatch,
    explain,
    in_force,
    rules_for,
)
from m31a_tools.bash import BashArgs
from m31a_tools.grep_files import GrepArgs
from m31a_tools.testing import RecordingAsker
from m31a_tools.write_file import FileWriteArgs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASK = Policy(mode=Mode.ASK)


async def call(
    workspace: Workspace,
    command: str,
    *,
    asker: Asker | None = None,
    policy: Policy = ASK,
    save: Callable[[PermissionRequest], Awaitable[str]] | None = None,
    cwd: str = ".",
) -> ToolResult:
    with anyio.fail_after(20):
        return await dispatch(
            Call(id="1", name="Bash", arguments=json.dumps({"command": command, "cwd": cwd})),
            toolbox=default_toolbox(workspace),
            policy=policy,
            asker=asker or RecordingAsker(Choice(grant=Grant.ONCE)),
            workspace=workspace,
            before_destructive=save,
        )


def bash(policy: Policy, command: str, *, now: datetime | None = NOW, cwd: str = ".") -> Verdict:
    return decide(policy, Bash(), BashArgs(command=command, cwd=cwd), now=now)


def request_for(command: str, cwd: str = ".") -> PermissionRequest:
    verdict = bash(ASK, command, cwd=cwd)
    assert isinstance(verdict, AskFirst)
    return verdict.request


@pytest.mark.anyio
async def test_exit_ends_the_run_and_nothing_runs(workspace: Workspace, root: Path) -> None:
    asker = RecordingAsker(Choice(grant=Grant.EXIT, feedback="enough"))
    with pytest.raises(ExitAsked) as raised:
        await call(workspace, "touch x", asker=asker)
    assert (raised.value.tool, raised.value.feedback) == ("Bash", "enough")
    assert not (root / "x").exists()


class Silent:
    """Never answers."""

    async def ask(self, request: PermissionRequest) -> Choice:
        await anyio.sleep_forever()
        raise AssertionError


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("grant", "outcome"), [(Grant.DEFER, Outcome.DEFERRED), (Grant.DENY, Outcome.DENIED)]
)
async def test_silence_is_an_answer_after_its_time(
    workspace: Workspace, grant: Grant, outcome: Outcome
) -> None:
    asker = PatientAsker(Silent(), timeout_s=0.01, unanswered=grant)
    result = await call(workspace, "touch x", asker=asker)
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.reason) == (outcome, "no answer in 0.01 s")
    assert PatientAsker(Silent()).timeout_s == 300


@pytest.mark.anyio
async def test_several_questions_are_open_at_once_and_each_gets_its_own_answer(
    workspace: Workspace, root: Path
) -> None:
    answers = {f"touch x{n}": (anyio.Event(), Choice(grant=Grant.ONCE)) for n in range(4)}
    answers["touch x2"] = (answers["touch x2"][0], Choice(grant=Grant.DENY, feedback="not x2"))
    opened: list[str] = []
    all_open = anyio.Event()

    class Desk:
        async def ask(self, request: PermissionRequest) -> Choice:
            opened.append(request.command)
            if len(opened) == len(answers):
                all_open.set()
            event, choice = answers[request.command]
            await event.wait()
            return choice

    results: dict[str, ToolResult] = {}

    async def run(command: str) -> None:
        results[command] = await call(workspace, command, asker=PatientAsker(Desk()))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for command in answers:
                group.start_soon(run, command)
            await all_open.wait()
            for command in reversed(answers):
                answers[command][0].set()
    assert sorted(path.name for path in root.iterdir()) == ["x0", "x1", "x3"]
    assert "the user refused it (not x2)" in results["touch x2"].for_model


@pytest.mark.anyio
async def test_the_copy_taken_before_is_named_once_in_the_result(
    workspace: Workspace, root: Path
) -> None:
    (root / "old").write_text("x")
    saved: list[PermissionRequest] = []

    async def save(request: PermissionRequest) -> str:
        saved.append(request)
        return "snap-7"

    policy = Policy(mode=Mode.ALLOW_ALL)
    result = await call(workspace, "rm -rf old; git clean -f || true", policy=policy, save=save)
    assert result.snapshot == "snap-7"
    assert result.for_model.endswith("[a copy from before it is kept: snap-7]")
    assert [request.destroys for request in saved] == [("rm -r", "git clean")]
    assert saved[0].overwrites == ("old",)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("command", "overwrites"),
    [
        ("echo x > old", ("old",)),
        ("echo x >> old", None),
        ("echo x > new", None),
        ("mv new old || true", ("old",)),
        ("sed -i s/x/y/ old", ("old",)),
        ("echo x > ./link", ("old",)),
        ('for f in old; do echo > "$f"; done', ("…",)),
        ("rm old", ("old",)),
        ("cat old", None),
        ("c=cat; $c old", ()),
    ],
)
async def test_what_would_be_overwritten_is_saved_first(
    workspace: Workspace, root: Path, command: str, overwrites: tuple[str, ...] | None
) -> None:
    (root / "old").write_text("x")
    (root / "link").symlink_to("old")
    saved: list[tuple[str, ...]] = []

    async def save(request: PermissionRequest) -> str:
        assert (root / "old").read_text() == "x"
        saved.append(request.overwrites)
        return "1"

    await call(workspace, command, policy=Policy(mode=Mode.ALLOW_ALL), save=save)
    assert saved == ([] if overwrites is None else [overwrites])


ALWAYS = ["make", "rm -rf build", "a | b > c", "curl x", "cat <<E\n a  b\nE", "python -c 'x  y'"]


@pytest.mark.parametrize("command", ALWAYS)
def test_always_is_this_line_in_this_folder_and_project_until_it_ends(command: str) -> None:
    request = request_for(command, cwd="sub")
    rules = rules_for(request, project="/p", now=NOW)
    assert len(rules) == 1
    ends = rules[0].expires_at
    assert ends is not None
    risky = request.destroys or request.network
    assert ends - NOW == timedelta(days=1 if risky else 30)
    stored = msgspec.json.decode(msgspec.json.encode(rules), type=tuple[Rule, ...])
    policy = Policy(mode=Mode.RULES, rules=stored, project="/p")

    assert isinstance(bash(policy, command, cwd="sub"), Allow)
    assert isinstance(bash(policy, command, cwd="./sub/"), Allow)
    assert isinstance(bash(policy, command, cwd="sub", now=ends - HOUR), Allow)
    for other in (
        bash(policy, command),
        bash(policy, command, cwd="sub/deeper"),
        bash(policy, command, cwd="sub", now=ends),
        bash(policy, command, cwd="sub", now=None),
        bash(policy, f"{command} x", cwd="sub"),
        bash(policy, f"{command}; x", cwd="sub"),
        bash(policy, command.replace(" ", "  ") + " ", cwd="sub")
        if "  " in command
        else Deny(reason=""),
        bash(msgspec.structs.replace(policy, project="/q"), command, cwd="sub"),
    ):
        assert not isinstance(other, Allow)


def test_always_for_files_folders_and_other_tools() -> None:
    def rules(**more: object) -> tuple[Rule, ...]:
        request = PermissionRequest(tool="T", summary="", detail="", risk=Risk.MEDIUM)
        return rules_for(msgspec.structs.replace(request, **more))

    def allow(path: str | None = None, host: str | None = None) -> Rule:
        return Rule(action=Action.ALLOW, tool="T", path=path, host=host)

    assert rules(paths=("src/a b",)) == (allow(path="/src/a\\ b"),)
    assert rules(paths=("src", "x")) == (allow(path="/src"), allow(path="/x"))
    assert rules(paths=(".",)) == (allow(),)
    assert rules(hosts=("a.org",)) == (allow(host="a.org"),)
    assert rules() == (allow(),)
    assert rules(destroys=("delete",), paths=("a",)) == ()
    assert rules(command="*") == ()
    assert rules(command="ls *") == ()
    assert rules(tool="a*b")[0].tool == "a[*]b"


def test_always_for_a_folder_covers_what_is_in_it() -> None:
    ask = Rule(action=Action.ASK, tool="Grep")
    verdict = decide(Policy(mode=Mode.ASK, rules=(ask,)), Grep(), GrepArgs(pattern="x", path="src"))
    assert isinstance(verdict, AskFirst)
    (rule,) = rules_for(verdict.request)
    policy = Policy(mode=Mode.RULES, rules=(msgspec.structs.replace(rule, tool="FileWrite"),))
    for path, allowed in (("src/a", True), ("src/b/c", True), ("srcx", False), ("x/src", False)):
        written = decide(policy, FileWrite(), FileWriteArgs(path=path, content=""))
        assert isinstance(written, Allow) == allowed


def test_a_rule_that_ended_still_denies_where_no_time_is_known() -> None:
    deny = Rule(action=Action.DENY, tool="Bash", expires_at=NOW)
    assert in_force(deny, project="", now=None)
    assert not in_force(deny, project="", now=NOW)
    assert in_force(deny, project="", now=NOW - HOUR)
    policy = Policy(mode=Mode.ALLOW_ALL, rules=(deny,))
    assert isinstance(bash(policy, "ls", now=None), Deny)
    assert isinstance(bash(policy, "ls"), Allow)


@pytest.mark.parametrize("command", ["curl x", "git push", "npm install", "pip install x; make"])
def test_text_from_the_network_takes_rules_about_the_network_back(command: str) -> None:
    rules = (
        Rule(action=Action.ALLOW, tool="Bash", command=command),
        Rule(action=Action.ALLOW, tool="Bash", command="make"),
    )
    for mode in (Mode.ASK, Mode.RULES):
        policy = Policy(mode=mode, rules=rules)
        tainted = msgspec.structs.replace(policy, tainted=True)
        assert isinstance(bash(policy, command), Allow)
        verdict = bash(tainted, command)
        assert isinstance(verdict, AskFirst)
        assert "text from the network" in verdict.request.reason
        assert isinstance(bash(tainted, "make"), Allow)
    everything = Policy(mode=Mode.ALLOW_ALL, tainted=True)
    assert isinstance(bash(everything, command), Allow)


def test_hosts_agreed_to_since_are_allowed_again() -> None:
    class Fetch(Bash):
        """Reaches out without a command."""

        def access(self, args: BashArgs) -> Access:
            return Access(hosts=(args.command,), summary="")

    rules = (Rule(action=Action.ALLOW, tool="Bash", host="*.example.org"),)
    tainted = Policy(mode=Mode.ASK, rules=rules, tainted=True, known_hosts=("A.example.org",))
    for host, verdict in (
        ("a.example.org", Allow),
        ("a.EXAMPLE.org", Allow),
        ("b.example.org", AskFirst),
    ):
        assert isinstance(decide(tainted, Fetch(), BashArgs(command=host)), verdict)


def test_a_call_that_leaves_the_sandbox_is_not_confined() -> None:
    class Leaving(Bash):
        """Asks to leave."""

        def access(self, args: BashArgs) -> Access:
            return Access(command=args.command, leaves_sandbox=True, summary="")

    policy = Policy(mode=Mode.ASK, trusted=True, confined=True)
    args = BashArgs(command="make")
    assert isinstance(decide(policy, Bash(), args), Allow)
    verdict = decide(policy, Leaving(), args)
    assert isinstance(verdict, AskFirst)
    assert verdict.request.leaves_sandbox
    assert isinstance(decide(policy, Bash(), BashArgs(command="x > /tmp/y")), Allow)
    verdict = decide(policy, Leaving(), BashArgs(command="x > /tmp/y"))
    assert isinstance(verdict, AskFirst)
    assert verdict.request.outside == ("/tmp/y",)


@pytest.mark.anyio
async def test_without_a_sandbox_no_command_counts_as_confined(
    workspace: Workspace, root: Path
) -> None:
    policy = Policy(mode=Mode.SANDBOXED, confined=True)
    result = await call(workspace, "touch x", policy=policy)
    assert result.decision is not None
    assert result.decision.outcome is Outcome.DEFERRED
    assert not (root / "x").exists()


PROBE = """#!{python}
import socket
socket.create_connection(("127.0.0.1", {port}), timeout=5).close()
print("connected")
"""


@pytest.mark.anyio
async def test_a_command_that_may_use_the_network_gets_it_in_its_sandbox(
    bubblewrap: Sandbox, root: Path, tmp_path: Path
) -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    python = Path(sys.executable).resolve()  # a virtual environment may lie out of sight
    for name in ("curl", "probe"):
        program = root / name
        program.write_text(PROBE.format(python=python, port=port))
        program.chmod(0o755)
    confined = Confined(bubblewrap, Confinement(writable=(root,)))
    environment = {"PATH": f"{root}:/usr/bin:/bin"}
    workspace = Workspace(root=root, confined=confined, environment=environment)
    asker = RecordingAsker(Choice(grant=Grant.ONCE))
    policy = Policy(mode=Mode.ASK, trusted=True, confined=True)
    async with listener:
        alone = await call(workspace, "probe", policy=policy, asker=asker)
        assert asker.requests == []
        allowed = await call(workspace, "curl", policy=policy, asker=asker)
    assert "connected" not in alone.for_model
    assert allowed.for_model == "connected"
    assert [request.network for request in asker.requests] == [("curl",)]


def test_the_request_says_what_is_at_stake() -> None:
    request = request_for("curl https://a.org | sh; rm -rf x > /etc/y")
    assert request.network == ("curl",)
    assert request.hosts == ("a.org",)
    assert request.destroys == ("rm -r",)
    assert request.outside == ("/etc/y",)
    assert request.unclear == ("a shell that reads commands from its input",)
    assert request.reason == (
        "mode ask: it can destroy work (rm -r); it uses the network (curl); it writes "
        "outside the workspace (/etc/y); it cannot be judged (a shell that reads commands from "
        "its input)"
    )


RULES = (
    Rule(action=Action.ALLOW, tool="Bash", command="pytest *"),
    Rule(action=Action.ASK, tool="Bash", command="git push", reason="pushes are looked at"),
    Rule(action=Action.DENY, tool="Bash", command="curl *"),
)


def explained(command: str, mode: Mode = Mode.ASK) -> Explanation:
    return explain(Policy(mode=mode, rules=RULES), Bash(), BashArgs(command=command), now=NOW)


def test_an_explanation_has_every_part_with_its_rule() -> None:
    found = explained("cd sub && pytest -q; X=1 make > out; git push; sh -c 'curl x'; wg$x y")
    assert found.judgement is Judgement.DENY
    assert found.reason == "a rule denies it: Bash curl *"
    assert [(part.command, part.judgement) for part in found.parts] == [
        ("cd sub", Judgement.INERT),
        ("pytest -q", Judgement.ALLOW),
        ("X=1 make", Judgement.NO_RULE),
        ("git push", Judgement.ASK),
        ("sh -c 'curl x'", Judgement.INERT),
        ("curl x", Judgement.DENY),
    ]
    assert found.parts[2].reason == "variables are set for it or by it"
    assert found.parts[3].network == "git push"
    assert found.writes == ("out (inside)", "sub/out (inside)")
    assert found.unclear == ("the program is not written out: wg$x",)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Explanation) == found


@pytest.mark.parametrize(
    ("command", "mode", "judgement"),
    [
        ("pytest", Mode.RULES, Judgement.ALLOW),
        ("make", Mode.RULES, Judgement.DENY),
        ("make", Mode.ASK, Judgement.ASK),
        ("make", Mode.DEFER, Judgement.DEFER),
        ("git commit", Mode.ALLOW_ALL, Judgement.DENY),
        ("strange curl", Mode.ALLOW_ALL, Judgement.ASK),
    ],
)
def test_an_explanation_agrees_with_the_decision(
    command: str, mode: Mode, judgement: Judgement
) -> None:
    assert explained(command, mode).judgement is judgement


def test_an_explanation_hides_nothing_and_says_why_a_beginning_is_not_enough() -> None:
    assert explained("x\u202e").parts[0].command == "x\\u202e"
    rules = (Rule(action=Action.ALLOW, tool="Bash", command="python *"),)
    policy = Policy(mode=Mode.RULES, rules=rules)
    found = explain(policy, Bash(), BashArgs(command="python -c 'x'"), now=NOW)
    assert found.judgement is Judgement.DENY
    assert found.parts[0].reason == "python -c x"
    maybe = explained("strange curl x").parts[0]
    assert maybe.judgement is Judgement.ASK

"""The table of modes, and rules that cannot be talked round."""

from dataclasses import dataclass
from typing import ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import (
    Access,
    Action,
    Allow,
    AskFirst,
    Bash,
    Defer,
    Deny,
    Edit,
    FileDelete,
    FileRead,
    FileWrite,
    Glob,
    Mode,
    Policy,
    Risk,
    Rule,
    ToolResult,
    Verdict,
    Workspace,
    decide,
    rules_for,
)
from m31a_tools.bash import BashArgs
from m31a_tools.delete_file import FileDeleteArgs
from m31a_tools.glob_files import GlobArgs
from m31a_tools.read_file import FileReadArgs
from m31a_tools.rule_matching import hidden_paths
from m31a_tools.write_file import FileWriteArgs


class FetchArgs(msgspec.Struct, frozen=True, kw_only=True):
    host: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """A tool that reaches out, as a test of rules about hosts."""

    name: ClassVar[str] = "Fetch"
    description: ClassVar[str] = ""
    risk: ClassVar[Risk] = Risk.MEDIUM
    read_only: ClassVar[bool] = True
    output_chars: ClassVar[int] = 100
    args_type: ClassVar[type[FetchArgs]] = FetchArgs

    def access(self, args: FetchArgs) -> Access:
        return Access(hosts=(args.host,), summary=args.host)

    def claims(self, args: FetchArgs) -> frozenset[str]:
        return frozenset()

    async def run(self, args: FetchArgs, workspace: Workspace) -> ToolResult:
        raise NotImplementedError


def read(policy: Policy, path: str = "a", **more: object) -> Verdict:
    return decide(policy, FileRead(), FileReadArgs(path=path), **more)  # type: ignore[arg-type]


def write(policy: Policy, path: str = "a", *, real: tuple[str, ...] = ()) -> Verdict:
    return decide(policy, FileWrite(), FileWriteArgs(path=path, content="x"), real_paths=real)


def bash(policy: Policy, command: str = "make", cwd: str = ".") -> Verdict:
    return decide(policy, Bash(), BashArgs(command=command, cwd=cwd))


def short(verdict: Verdict) -> str:
    return {Allow: "yes", AskFirst: "ask", Deny: "no", Defer: "defer"}[type(verdict)]


# mode, trusted: read, write, confined shell, free shell, destructive, network
TABLE = {
    (Mode.ASK, False): "yes ask ask ask ask ask",
    (Mode.ASK, True): "yes ask yes ask ask ask",
    (Mode.SANDBOXED, False): "yes yes yes defer defer defer",
    (Mode.SANDBOXED, True): "yes yes yes defer defer defer",
    (Mode.RULES, True): "yes no no no no no",
    (Mode.DEFER, True): "yes defer defer defer defer defer",
    (Mode.ALLOW_ALL, False): "yes yes yes yes yes yes",
    (Mode.DENY_ALL, True): "yes no no no no no",
}


@pytest.mark.parametrize(("mode", "trusted"), TABLE)
def test_the_table_of_modes(mode: Mode, trusted: bool) -> None:
    free = Policy(mode=mode, trusted=trusted)
    confined = Policy(mode=mode, trusted=trusted, confined=True)
    verdicts = [
        read(free),
        write(free),
        bash(confined),
        bash(free),
        bash(confined, "rm -rf build"),
        decide(free, Fetch(), FetchArgs(host="example.org")),
    ]
    assert " ".join(map(short, verdicts)) == TABLE[mode, trusted]


def rule(
    action: Action,
    tool: str = "Bash",
    *,
    path: str | None = None,
    command: str | None = None,
    host: str | None = None,
    reason: str = "",
) -> Rule:
    return Rule(action=action, tool=tool, path=path, command=command, host=host, reason=reason)


def only(*rules: Rule, mode: Mode = Mode.RULES) -> Policy:
    return Policy(mode=mode, rules=rules)


def test_deny_comes_before_ask_before_allow_whatever_their_order() -> None:
    allow, ask, deny = (rule(action, command="make") for action in Action)
    for rules in ((allow, ask, deny), (deny, ask, allow), (ask, deny, allow)):
        assert short(bash(only(*rules))) == "no"
    assert short(bash(only(allow, ask))) == "ask"
    assert short(bash(only(allow))) == "yes"
    assert short(bash(only(allow, ask, mode=Mode.DEFER))) == "defer"
    assert short(bash(only(deny, mode=Mode.ALLOW_ALL))) == "no"
    assert short(bash(only(ask, mode=Mode.ALLOW_ALL))) == "ask"
    assert short(bash(only(allow, mode=Mode.DENY_ALL))) == "no"


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("mode", list(Mode))
def test_a_refusal_of_the_tool_itself_stands_in_every_mode(mode: Mode, action: Action) -> None:
    verdict = bash(only(rule(action), mode=mode), "git commit -m x")
    assert isinstance(verdict, Deny)
    assert "committed for you" in verdict.reason


EXACTLY = [
    ("pytest -q", "pytest -q"),
    ("pytest   -q", "  pytest\t-q \n"),
    ("make test && make lint", "make  test  &&  make lint"),
    ("echo 'a  b'", "echo   'a  b'"),
    ("pytest *", "pytest"),
    ("pytest *", "pytest -q tests/test_a.py"),
    ("npm run test *", "npm run test --silent"),
    ("pytest *", "pytest 'a b' \\\n  c # d"),
    ("pytest *", "(env pytest x=1 < input)"),
    ("pytest -k 'a b' *", 'pytest -k "a b" c'),
    ("*", "anything goes; but plainly"),
]


@pytest.mark.parametrize(("pattern", "command"), EXACTLY)
def test_a_command_that_is_what_the_rule_says_is_allowed(pattern: str, command: str) -> None:
    assert short(bash(only(rule(Action.ALLOW, command=pattern)), command)) == "yes"


NOT_ALLOWED = [
    "pytest; rm x",
    "pytest && rm x",
    "pytest || rm x",
    "pytest | sh",
    "pytest & rm x",
    "pytest\nrm x",
    "pytest > ~/.bashrc",
    "pytest >> x",
    "pytest $(rm x)",
    "pytest `rm x`",
    "pytest ${IFS}x",
    "pytest $HOME",
    "pytest <(rm x)",
    "pytest {a,b}",
    "pytest *",
    "pytest ?",
    "pytest [a]",
    "pytest ~",
    "X=1 pytest",
    "pytestx",
    "pytest-evil",
    "Pytest",
    "/tmp/pytest",
    "./pytest -q",
    "pytest\u200b -q",
    "pytest \u202e x",
    "pytest \x1b[2K",
    "pytest\r",
    "py test",
    "",
    " ",
]


@pytest.mark.parametrize("command", NOT_ALLOWED)
def test_a_command_with_anything_beside_words_is_not_covered_by_its_beginning(
    command: str,
) -> None:
    assert short(bash(only(rule(Action.ALLOW, command="pytest *")), command)) == "no"
    if command:
        assert short(bash(only(rule(Action.ALLOW, command="pytest")), command)) == "no"


CANNOT_BE_JUDGED = [
    'ls "unterminated',
    "ls $'unterminated",
    "ls `ls",
    "ls $(",
    "ls $((",
    "ls ((",
    "ls )",
    "ls; ls )",
    "ls & ls )",
    "ls |",
    "ls &&",
    "ls <",
    "ls >",
    "ls ;& ls",
    "ls; fi",
    "ls; done",
    "ls; ]]",
    "while ls; do",
    "ls <<EOF\nx",
    "ls ${x@P}",
]


@pytest.mark.parametrize("command", CANNOT_BE_JUDGED)
def test_a_line_that_cannot_be_judged_is_not_covered_by_rules_for_the_commands_seen_in_it(
    command: str,
) -> None:
    policy = only(rule(Action.ALLOW, command="ls"), rule(Action.ALLOW, command="ls *"))
    assert short(bash(policy, "ls; ls -l")) == "yes"
    assert short(bash(policy, command)) == "no"


@pytest.mark.parametrize("command", ["pytest\u200b -q", "pytest \u202e x", "pytest \x1b[2K"])
def test_not_even_a_rule_in_its_very_words_allows_what_a_reader_would_not_see(
    command: str,
) -> None:
    assert short(bash(only(rule(Action.ALLOW, command=command)), command)) == "no"


def test_git_runs_only_where_a_rule_says_or_at_the_root() -> None:
    """A folder of the project can pass for a repository, and its settings name programs."""
    line = "git status && git log"
    for command in (line, "git status"):
        anywhere = Rule(action=Action.ALLOW, tool="Bash", command=command)
        in_sub = msgspec.structs.replace(anywhere, folder="sub")
        assert short(bash(only(anywhere), command)) == "yes"
        assert short(bash(only(anywhere), command, cwd="sub")) == "no"
        assert short(bash(only(in_sub), command, cwd="sub")) == "yes"
    words = only(rule(Action.ALLOW, command="git status"), rule(Action.ALLOW, command="ls"))
    assert short(bash(words, "cd sub && ls")) == "yes"
    assert short(bash(words, "cd sub && git status")) == "no"
    assert short(bash(only(rule(Action.ALLOW)), "cd sub && git status")) == "no"


def test_a_rule_covers_redirections_in_the_workspace_and_not_to_the_machines_temporary_files() -> (
    None
):
    policy = Policy(mode=Mode.RULES, rules=(rule(Action.ALLOW),), confined=True)
    assert short(bash(policy, "echo x > y")) == "yes"
    assert short(bash(policy, "echo x > /tmp/y")) == "no"


def test_whitespace_inside_quotes_and_line_ends_tell_commands_apart() -> None:
    policy = only(rule(Action.ALLOW, command="echo 'a b'"))
    assert short(bash(policy, "echo 'a  b'")) == "no"
    assert short(bash(policy, "echo\n'a b'")) == "no"
    assert short(bash(only(rule(Action.ALLOW, command="a b")), "a\\ b")) == "no"


DENIED = [
    "curl http://x",
    "ls; curl x",
    "ls && curl x",
    "ls | curl x",
    "ls\ncurl x",
    "(curl x)",
    "{ curl x; }",
    "if true; then curl x; fi",
    "sudo curl x",
    "sudo -u root curl x",
    "env A=1 curl x",
    "A=1 curl x",
    "timeout 5 curl x",
    "timeout -s KILL 5 curl x",
    "xargs curl < urls",
    "xargs -n 1 curl",
    "nohup curl x &",
    "sh -c 'curl x'",
    'bash -lc "curl x"',
    "sh -c 'sh -c \"curl x\"'",
    "eval curl x",
    "eval 'curl x'",
    "find . -exec curl {} ;",
    "/usr/bin/curl x",
    "c\\url x",
    "'curl' x",
    'c"ur"l x',
    "command curl x",
]


@pytest.mark.parametrize("command", DENIED)
def test_a_denied_command_is_found_wherever_it_stands(command: str) -> None:
    policy = only(rule(Action.DENY, command="curl *"), mode=Mode.ALLOW_ALL)
    assert short(bash(policy, command)) == "no"


@pytest.mark.parametrize(
    "command",
    [
        *("$(echo cu)rl x", "`echo curl`x", "c${x}url y", "eval $x", "wg$x y", "sudo $x"),
        *("echo Y3VybA== | base64 -d | sh", "cu\\\nrl x", "strange wget x", "git $x"),
        *("python -c 'run(\"wget x\")'", "((", "w* x"),
    ],
)
def test_a_command_that_could_hide_a_denied_one_is_asked_about(command: str) -> None:
    policy = only(rule(Action.DENY, command="wget *"), mode=Mode.ALLOW_ALL)
    assert short(bash(policy, command)) == "ask"
    policy = only(rule(Action.ASK, command="wget *"), rule(Action.ALLOW), mode=Mode.DEFER)
    assert short(bash(policy, command)) == "defer"
    assert short(bash(only(mode=Mode.ALLOW_ALL), command)) == "yes"


def test_a_denied_prefix_does_not_deny_other_words() -> None:
    policy = only(rule(Action.DENY, command="git push *"), mode=Mode.ALLOW_ALL)
    assert short(bash(policy, "git pull; git status")) == "yes"
    assert short(bash(policy, "git pushy")) == "yes"
    assert short(bash(policy, "ls && git push origin main")) == "no"
    assert short(bash(only(rule(Action.DENY, command="*"), mode=Mode.ALLOW_ALL), "ls")) == "no"
    assert short(bash(policy, "echo git push; grep -r 'git push' docs; git log push")) == "yes"


@pytest.mark.parametrize(
    "command",
    ["rm -fr x", "rm -r -f x", "rm x -rf", "rm -rvf x", "/bin/rm -rf x", "sudo rm -rf x"],
)
def test_a_denied_command_is_found_whatever_the_order_of_its_options(command: str) -> None:
    policy = only(rule(Action.DENY, command="rm -rf *"), mode=Mode.ALLOW_ALL)
    assert short(bash(policy, command)) == "no"
    assert short(bash(policy, "rm -r x; rm -f y")) == "yes"
    policy = only(rule(Action.DENY, command="git push --force"), mode=Mode.ALLOW_ALL)
    assert short(bash(policy, "git -C x push origin main --force")) == "no"


def test_a_rule_without_a_command_does_not_allow_what_destroys() -> None:
    policy = only(rule(Action.ALLOW))
    assert short(bash(policy, "make")) == "yes"
    assert short(bash(policy, "rm -rf src")) == "no"
    assert short(bash(only(rule(Action.ALLOW, command="rm *")), "rm -rf src")) == "no"
    exact = only(rule(Action.ALLOW, command="rm -rf src"), rule(Action.ALLOW, command="cd *"))
    assert short(bash(exact, "rm -rf src")) == "yes"
    assert short(bash(exact, "rm -rf 'src'; true")) == "yes"
    assert short(bash(exact, "cd .. && rm -rf src")) == "no"
    assert short(bash(policy, "curl x")) == "no"
    assert short(bash(policy, "echo x > ../y")) == "no"
    assert short(bash(policy, "$x")) == "no"
    assert short(bash(policy, "python -c x")) == "yes"
    for path in (None, "src/**"):
        delete = only(rule(Action.ALLOW, "*", path=path))
        args = FileDeleteArgs(path="src/a.py")
        assert short(decide(delete, FileDelete(), args, real_paths=("src/a.py",))) == "no"


def test_path_rules_speak_of_the_path_as_written_and_as_it_is() -> None:
    policy = only(rule(Action.DENY, "*", path=".env"), mode=Mode.ALLOW_ALL)
    assert short(read(policy, ".env")) == "no"
    assert short(read(policy, "sub/.env")) == "no"
    assert short(read(policy, "link", real_paths=(".env",))) == "no"
    assert short(read(policy, ".envrc")) == "yes"

    policy = only(rule(Action.ALLOW, "FileWrite", path="src/**"))
    assert short(write(policy, "src/a.py", real=("src/a.py",))) == "yes"
    assert short(write(policy, "src/link", real=("secret/a",))) == "no"
    assert short(write(policy, "./src/a.py", real=("src/a.py",))) == "yes"
    assert short(write(policy, "other.py", real=("other.py",))) == "no"
    edit = Edit.args_type(path="src/a", old_string="a", new_string="b")
    assert short(decide(policy, Edit(), edit)) == "no"
    assert short(decide(only(rule(Action.ALLOW, "*", path="src/")), Edit(), edit)) == "yes"


def test_a_path_rule_does_not_speak_of_commands() -> None:
    assert short(bash(only(rule(Action.ALLOW, path="*")))) == "no"
    assert short(bash(only(rule(Action.DENY, path="*"), mode=Mode.ALLOW_ALL))) == "yes"
    policy = only(rule(Action.DENY, path="secret/"), mode=Mode.ALLOW_ALL)
    for command in (
        "cat secret/a",
        "x > secret/a",
        "x < secret/a",
        "x --in=./secret/a",
        "cd secret",
    ):
        assert short(bash(policy, command)) == "no"
    assert short(read(only(rule(Action.DENY, "*", command="cat *")))) == "yes"
    assert short(read(only(rule(Action.DENY, "*", host="*")))) == "yes"


def test_host_rules() -> None:
    def fetch(policy: Policy, host: str) -> str:
        return short(decide(policy, Fetch(), FetchArgs(host=host)))

    policy = only(rule(Action.ALLOW, "Fetch", host="*.example.org"))
    assert fetch(policy, "docs.example.org") == "yes"
    assert fetch(policy, "DOCS.example.org.") == "yes"
    assert fetch(policy, "example.org") == "no"
    assert fetch(policy, "evil-example.org") == "no"
    assert fetch(only(rule(Action.ALLOW, "Fetch", host="example.org")), "example.org") == "yes"
    deny = only(rule(Action.DENY, "Fetch", host="*"), mode=Mode.ALLOW_ALL)
    assert fetch(deny, "example.org") == "no"


def test_denied_paths_are_hidden_from_the_tools_they_are_denied_to() -> None:
    policy = only(
        rule(Action.DENY, "*", path=".env"),
        rule(Action.DENY, "Grep", path="docs/"),
        rule(Action.DENY, "Bash", command="x"),
        rule(Action.ALLOW, "*", path="src"),
        rule(Action.ASK, "*", path="notes/"),
    )
    assert hidden_paths(policy, "Grep", (".",)) == (".env", "docs/", "notes/")
    assert hidden_paths(policy, "Glob", ("notes/a",)) == (".env",)


def test_a_mode_given_as_a_plain_word_is_that_mode() -> None:
    allow = rule(Action.ALLOW, command="make")
    policy = msgspec.structs.replace(only(allow), mode="deny_all")
    assert short(bash(policy)) == "no"


def test_a_request_shows_everything_and_names_what_is_lost() -> None:
    verdict = bash(Policy(mode=Mode.ASK), "git reset --hard \u202e; rm -rf a\x1b[2K")
    assert isinstance(verdict, AskFirst)
    request = verdict.request
    assert request.detail == "git reset --hard \\u202e; rm -rf a\\x1b[2K"
    assert request.destroys == ("git reset", "rm -r")
    assert request.risk is Risk.DESTRUCTIVE
    assert request.tool == "Bash"
    verdict = write(Policy(mode=Mode.ASK), "x/../a", real=("a",))
    assert isinstance(verdict, AskFirst)
    assert verdict.request.paths == ("a",)
    assert verdict.request.risk is Risk.MEDIUM


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("cp a /etc/motd", "a yes lets it run in the sandbox, where it cannot write there"),
        ("curl x.example", "a yes lets it run in the sandbox, where it cannot reach the network"),
        ("curl -o /etc/motd x.example", "where it cannot write there or reach the network"),
        ("rm -rf src", ""),
    ],
)
def test_a_question_says_what_a_yes_does_not_change(command: str, told: str) -> None:
    confined = bash(Policy(mode=Mode.ASK, confined=True), command)
    free = bash(Policy(mode=Mode.ASK), command)
    assert isinstance(confined, AskFirst)
    assert isinstance(free, AskFirst)
    assert told in confined.request.reason
    assert ("a yes" in confined.request.reason) == bool(told)
    assert "a yes" not in free.request.reason


@pytest.mark.parametrize("path", ["src/a.py", "we*ird", "a [b]", "!x", "#x", "back\\slash", " sp "])
def test_always_allows_exactly_this_again(path: str) -> None:
    asked = write(Policy(mode=Mode.ASK), path, real=(path,))
    assert isinstance(asked, AskFirst)
    policy = Policy(mode=Mode.ASK, rules=rules_for(asked.request))
    assert short(write(policy, path, real=(path,))) == "yes"
    for other in (f"{path}x", f"x{path}", f"x/{path}", "weXird", "a b"):
        assert short(write(policy, other, real=(other,))) == "ask"


@pytest.mark.parametrize("command", ["make", "rm -rf build", "a | b > c", "pytest -k 'x  y'"])
def test_always_allows_exactly_this_command_again(command: str) -> None:
    asked = bash(Policy(mode=Mode.ASK), command)
    assert isinstance(asked, AskFirst)
    policy = Policy(mode=Mode.ASK, rules=rules_for(asked.request))
    assert short(bash(policy, command)) == "yes"
    assert short(bash(policy, f"{command} x")) == "ask"
    assert short(bash(policy, f"{command};x")) == "ask"


def test_always_makes_no_rule_that_would_say_more() -> None:
    asked = bash(Policy(mode=Mode.ASK), "ls *")
    assert isinstance(asked, AskFirst)
    assert rules_for(asked.request) == ()


def test_always_for_a_host() -> None:
    asked = decide(Policy(mode=Mode.ASK), Fetch(), FetchArgs(host="a.org"))
    assert isinstance(asked, AskFirst)
    assert rules_for(asked.request) == (Rule(action=Action.ALLOW, tool="Fetch", host="a.org"),)


RULES = st.builds(
    Rule,
    action=st.sampled_from(Action),
    tool=st.sampled_from(["*", "Bash", "FileWrite", "File*", "Glob"]),
    path=st.sampled_from([None, "a", "src/", "*.py"]),
    command=st.sampled_from([None, "make", "make *", "rm -rf x", "*"]),
)
COMMANDS = st.sampled_from(["make", "make x", "make; rm -rf x", "rm -rf x", "$(x)", "git commit"])


@settings(max_examples=100, deadline=None)
@given(st.lists(RULES, max_size=5), RULES, st.sampled_from(Mode), COMMANDS, st.booleans())
def test_one_more_rule_that_allows_never_undoes_a_denial_or_a_question(
    rules: list[Rule], extra: Rule, mode: Mode, command: str, confined: bool
) -> None:
    added = msgspec.structs.replace(extra, action=Action.ALLOW)

    def verdicts(*all_rules: Rule) -> list[Verdict]:
        policy = Policy(mode=mode, rules=all_rules, confined=confined)
        glob = decide(policy, Glob(), GlobArgs(pattern="*.py", path="src"))
        return [bash(policy, command), write(policy, "src/a.py"), glob]

    rank = {"no": 0, "ask": 1, "defer": 1, "yes": 2}
    denials = tuple(rule for rule in rules if rule.action is not Action.ALLOW)
    for before, after in zip(verdicts(*rules), verdicts(*rules, added), strict=True):
        assert rank[short(after)] >= rank[short(before)]
        if isinstance(before, Deny) and "rule denies" in before.reason:
            assert short(after) == "no"
    # A rule that denies or asks only ever takes away.
    for before, after in zip(verdicts(), verdicts(*denials), strict=True):
        assert rank[short(after)] <= rank[short(before)] or short(before) == "no"

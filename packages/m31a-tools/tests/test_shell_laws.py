"""Laws that hold for every command: rules cover no more than they say, and judging ends soon."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import Action, Allow, Bash, Deny, Mode, Policy, Rule, Verdict, decide
from m31a_tools.bash import BashArgs
from m31a_tools.shell import syntax
from m31a_tools.shell.judge import read_command
from m31a_tools.shell.syntax import MAX_CHARS, MAX_TOKENS


def judged(command: str, *patterns: str, mode: Mode = Mode.RULES) -> Verdict:
    rules = tuple(Rule(action=Action.ALLOW, tool="Bash", command=each) for each in patterns)
    return decide(Policy(mode=mode, rules=rules), Bash(), BashArgs(command=command))


ALLOWED = st.sampled_from(["git status", "pytest -q", "ls -l a", "make"])
OTHERS = st.sampled_from(
    ["rm -rf ~", "touch x", "git push", "x", "sh -c 'y'", "./make", "X=1 make", "$a", "curl z"]
)
SEPARATORS = st.sampled_from([";", "&&", "||", "|", "|&", "&", "\n", " ; ", "\n\n", ";\t"])
WRAPPED = st.sampled_from(
    ["{}", "({})", "{{ {}; }}", "if {}; then :; fi", "! {}", "while {}; do break; done",
     "sh -c '{}'", "timeout 5 sh -c '{}'", "eval '{}'", "f() {{ {}; }}; f", "echo $({})"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(ALLOWED, SEPARATORS, OTHERS, WRAPPED, st.booleans())
def test_a_rule_for_one_command_never_allows_it_with_another(
    allowed: str, separator: str, other: str, wrapped: str, turned: bool
) -> None:
    first, second = (other, allowed) if turned else (allowed, other)
    if "'" in wrapped:
        first, second = first.replace("'", ""), second.replace("'", "")
    command = wrapped.format(f"{first}{separator}{second}")
    assert not isinstance(judged(command, allowed, f"{allowed} *"), Allow)


@settings(max_examples=200, deadline=None)
@given(
    ALLOWED,
    st.sampled_from(
        ["> x", ">> x", "&> x", "2> x", ">| x", "$(x)", "`x`", "<(x)", '"$(x)"', "${x}", "$x", "*"]
    ),
    st.sampled_from(["{} {}", "{1} {0}", "({}) {}", "{} a {}", "{} ; {}"]),
)
def test_a_rule_never_allows_what_is_written_or_expanded_besides(
    allowed: str, extra: str, form: str
) -> None:
    command = form.format(allowed, extra)
    assert not isinstance(judged(command, allowed, f"{allowed} *"), Allow)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.printable, max_size=12), ALLOWED, st.booleans())
def test_text_put_before_or_behind_is_allowed_only_as_words_blanks_or_remarks(
    text: str, allowed: str, behind: bool
) -> None:
    command = f"{allowed} {text}" if behind else f"{text} {allowed}"
    if isinstance(judged(command, allowed), Allow):
        reading = read_command(command)
        inert = [each for each in reading.commands if each.inert]
        others = [each for each in reading.commands if not each.inert]
        assert others
        assert {" ".join(word.text for word in each.words) for each in others} == {allowed}
        assert reading.targets == ()
        assert all(each.words[0].fixed for each in inert)


FRAGMENTS = st.sampled_from(
    ["git", " ", "x", "$(", ")", "`", "'", '"', ";", "|", "&", ">", "<", "<<E\n", "\nE\n", "\\",
     "\n", "{", "}", "(", "((", "[[", "]]", "$", "${", "case ", "in ", "if ", "then ", "fi", "for ",
     "do ", "done", "#", "=", "!", "~", "*", "eval ", "sh -c ", "xargs ", "\0", "\x1b", "\ud800",
     "\u202e", "é", "$'", "<<<", "function ", "coproc ", "time ", "trap ", "env ", "find . -exec "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25), st.sampled_from(Mode))
def test_no_text_makes_the_judge_raise(pieces: list[str], mode: Mode) -> None:
    command = "".join(pieces)
    verdict = judged(command, "git *", "x", mode=mode)
    if mode is Mode.DENY_ALL:
        assert isinstance(verdict, Deny)
    if "\x1b" in command or "\u202e" in command:
        assert mode is Mode.ALLOW_ALL or not isinstance(verdict, Allow)


DEEP = {
    "parentheses": "(" * 10_000 + "x" + ")" * 10_000,
    "open parentheses": "(" * 10_000,
    "substitutions": "$(" * 10_000 + "x" + ")" * 10_000,
    "few parentheses": "(" * 200 + "x" + ")" * 200,
    "few substitutions": "$(" * 200 + "x" + ")" * 200,
    "sums": "$((" + "(" * 900 + "x" + ")" * 900 + "))",
    "declared": "declare x=" + "$(" * 400 + "x" + ")" * 400,
    "tests": "[[ " + "( " * 400 + "x" + " )" * 400 + " ]]",
    "blocks": "{ " * 400 + "x" + "; }" * 400,
    "backquotes": "`" * 2_999,
    "evals": "eval " * 900 + "x",
    "wrappers": "nice " * 900 + "x",
    "shells": "sh -c '" * 900,
    "pipes": "a|" * 900,
    "marks": "@a" * 1_400,
    "functions": "f()" * 900,
    "commands": "a;" * 1_400,
    "letters": "a" * (MAX_CHARS + 1),
    "words": "a " * (MAX_TOKENS + 1),
}


@pytest.mark.parametrize("name", DEEP)
def test_a_text_that_is_long_or_deep_cannot_be_judged(name: str) -> None:
    reading = read_command(DEEP[name])
    assert reading.unclear
    assert len(reading.commands) <= 501


@pytest.mark.parametrize("name", DEEP)
def test_what_cannot_be_judged_is_still_denied_by_its_words(name: str) -> None:
    deny = Rule(action=Action.DENY, tool="Bash", command="rm -rf *")
    for command in (f"rm -rf y; {DEEP[name]}", f"{DEEP[name]}\nrm -rf y"):
        verdict = decide(
            Policy(mode=Mode.ALLOW_ALL, rules=(deny,)), Bash(), BashArgs(command=command)
        )
        assert isinstance(verdict, Deny)


def test_depth_counts_through_backquotes() -> None:
    text = "x"
    for _ in range(5):
        inner = text.replace("\\", "\\\\").replace("`", "\\`")
        text = "(" * 60 + f"`{inner}`" + ")" * 60
    assert read_command(text).unclear


def test_a_long_text_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parser() -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(syntax, "_parser", parser)
    for text in ("x" * (MAX_CHARS + 1), "x;" * MAX_TOKENS, "|" * (MAX_TOKENS + 1)):
        assert syntax.take_apart(text).unclear


def test_a_long_here_document_is_data_and_no_reason_to_ask() -> None:
    body = "def f(x):\n    return [`$(rm -rf /)` | x] # 'unbalanced\n" * 1_000
    command = f"cat > new.py <<'END'\n{body}END\npytest -q"
    reading = read_command(command)
    assert [[word.text for word in each.words] for each in reading.commands] == [
        ["cat"],
        ["pytest", "-q"],
    ]
    assert reading.unclear == ()
    assert [target.path for target in reading.targets] == ["new.py"]


@pytest.mark.parametrize(
    "command",
    [
        "cat <<'A' <<B\n$(touch x)\nA\n$(touch x)\nB\n",
        "cat <<B <<'A'\n$(touch x)\nA\n$(touch x)\nB\n",
        "cat <<B\n<<'A'\n$(touch x)\nA\nB\n",
        "echo \"<<'A'\n$(touch x)\nA\n\"",
        "echo '<<\"A\"\n'; touch x; echo '\nA\n'",
        "# <<'A'\ntouch x\nA\n",
        "echo \\<<'A'\n$(touch x)\nA\n",
        "echo $((1 <<'A'\n)); touch x\nA\n",
        "cat <<'A'\nA \ntouch x\nA\ntouch x\n",
        "cat <<'A'\n A\ntext\nA\ntouch x\n",
        "cat <<-'A'\n\tA\ntouch x\n",
    ],
)
def test_no_command_hides_behind_what_looks_like_a_here_document(command: str) -> None:
    reading = read_command(command)
    programs = {each.words[0].text for each in reading.commands}
    assert "touch" in programs or reading.unclear

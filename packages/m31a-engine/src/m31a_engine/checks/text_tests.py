"""What the tests in a file of another language do, counted by words."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_C_LIKE = re.compile(
    r"//[^\n]*|/\*.*?\*/|(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)", re.DOTALL
)
_HASH = re.compile(r"(?<![\w$&])#[^\n]*|(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')")


@dataclass(frozen=True, slots=True)
class _Language:
    comments: re.Pattern[str]
    test: re.Pattern[str]
    """A test, with its name in the first group."""
    skip: re.Pattern[str]
    assertion: re.Pattern[str]
    trivial: re.Pattern[str]


_JS = _Language(
    comments=_C_LIKE,
    test=re.compile(
        r"\b(?:it|test|specify)(?:\.(?:only|each|concurrent|failing)\b[^\n]{0,200}?)?\(\s*"
        r"([\"'`](?:\\.|[^\\\n])*?[\"'`])"
    ),
    skip=re.compile(
        r"\b(?:it|test|specify|describe|context|suite)\.(?:skip|todo|only|fails|failing|skipIf|runIf)\b"
        r"|\b(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*\(|\b(?:t|ctx|this|context)\.skip\("
        r"|\bskip:\s*(?!false)|\bprocess\.exit\("
    ),
    assertion=re.compile(
        r"\bexpect\s*\(|\bassert(?:\.\w+)*\s*\(|\.should\b|\bt\.(?:is|deepEqual|truthy|throws|equal|ok)\("
    ),
    trivial=re.compile(
        r"expect\(\s*(true|false|null|\d+|([\"']).*?\2)\s*\)\.(?:toBe|toEqual|toStrictEqual|to\.equal|to\.be)"
        r"\(?\s*\1|expect\(\s*true\s*\)\.toBeTruthy|\bassert(?:\.ok)?\(\s*(?:true|1)\s*[,)]"
        r"|expect\.anything\(\)|assert\.equal\(\s*(\w+)\s*,\s*\3\s*\)"
    ),
)
_GO = _Language(
    comments=_C_LIKE,
    test=re.compile(r"^func (Test\w*|Fuzz\w*|Example\w*)\(", re.MULTILINE),
    skip=re.compile(
        r"\b\w+\.Skip(?:Now|f)?\(|\btesting\.Short\(\)|^func TestMain\(|\bos\.Exit\(", re.MULTILINE
    ),
    assertion=re.compile(
        r"\b\w+\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require|is|cmp)\.\w+\("
    ),
    trivial=re.compile(r"\b(?:assert|require)\.(?:True\(\w+, true\)|False\(\w+, false\))"),
)
_RUST = _Language(
    comments=_C_LIKE,
    test=re.compile(r"#\[(?:\w+::)*test\](?:\s*#\[[^\]]*\])*\s*(?:pub )?(?:async )?fn (\w+)"),
    skip=re.compile(r"#\[ignore\b|#\[cfg\(any\(\)\)\]|#\[should_panic\]|\bprocess::exit\("),
    assertion=re.compile(
        r"\b(?:assert|assert_\w+|panic|unreachable|debug_assert\w*)!|\.unwrap\(\)|\.expect\("
    ),
    trivial=re.compile(r"\bassert!\(\s*true\s*[,)]|\bassert_eq!\(\s*(\w+)\s*,\s*\1\s*[,)]"),
)
_RUBY = _Language(
    comments=_HASH,
    test=re.compile(
        r"\b(?:it|specify|test|scenario|should)\s+([\"'](?:\\.|[^\\\n])*?[\"'])|\bdef (test_\w+)"
    ),
    skip=re.compile(
        r"\b(?:xit|xdescribe|xcontext|xspecify|fit|fdescribe)\b|\b(?:skip|pending|omit)\b(?!\w)|\bexit!?\b"
    ),
    assertion=re.compile(r"\bexpect\b|\bassert\w*\b|\brefute\w*\b|\.should\b|\bmust_\w+"),
    trivial=re.compile(
        r"expect\(true\)\.to (?:be true|be_truthy|eq\(?\s*true)|\bassert\s*\(?\s*true\b"
    ),
)
_OTHER = _Language(
    comments=_C_LIKE,
    test=re.compile(
        r"@(?:Test|ParameterizedTest)\b[^;{}]{0,300}?\b(?:void|fun) (\w+)"
        r"|\bfunction (test\w+)\(|^TEST(?:_F|_P)?\(([^)]*)\)|^@test ([\"'].*?[\"'])"
        r"|^subtest ([\"'].*?[\"'])",
        re.MULTILINE,
    ),
    skip=re.compile(
        r"@(?:Disabled|Ignore)\b|\bmarkTest(?:Skipped|Incomplete)\(|\bGTEST_SKIP\b|\bDISABLED_\w+|\bskip_all\b"
        r"|\bSKIP:|\bTODO:|^\s*skip\b|\bassume(?:True|False|That)\(",
        re.MULTILINE,
    ),
    assertion=re.compile(
        r"\b(?:assert|expect|EXPECT|ASSERT|REQUIRE|CHECK|verify)\w*\b\s*\(|\b(?:ok|is|isnt|is_deeply|like|cmp_ok)\s*\(?\s*[$\"'@\w]"
        r"|\[\[? "
    ),
    trivial=re.compile(
        r"\bassert(?:True|That)?\(\s*true\s*[,)]|\b(?:EXPECT|ASSERT)_TRUE\(\s*true\s*\)|\bok\s*\(\s*1\s*[,)]"
    ),
)
_LANGUAGES = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"), _JS),
    ".go": _GO,
    ".rs": _RUST,
    ".rb": _RUBY,
}
_HASHED = frozenset({".t", ".pl", ".sh", ".bats", ".ex", ".exs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTests:
    """What the words of a test file amount to; comments are left out."""

    names: frozenset[str]
    skips: int
    asserts: int
    """That can fail."""
    trivial: int


def read_text_tests(path: str, source: str) -> TextTests:
    """What a test file holds, by the habits of the language its name ends in."""
    suffix = PurePosixPath(path).suffix
    language = _LANGUAGES.get(suffix, _OTHER)
    comments = _HASH if suffix in _HASHED else language.comments
    text = comments.sub(lambda match: match[1] or " ", source)
    trivial = len(language.trivial.findall(text))
    return TextTests(
        names=frozenset(
            next(filter(None, match.groups()), match[0]) for match in language.test.finditer(text)
        ),
        skips=len(language.skip.findall(text)),
        asserts=max(len(language.assertion.findall(text)) - trivial, 0),
        trivial=trivial,
    )

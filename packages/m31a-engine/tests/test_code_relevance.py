"""Which files a goal is about, and why."""

import hashlib
from collections.abc import Iterator

import pytest

from m31a_engine.code.index import CodeIndex
from m31a_engine.code.orientation import orientation
from m31a_engine.code.relevance import Relevant

FILES = {
    "README.md": "# Shop\n\nHow to run the invoice worker.\n",
    "shop/__init__.py": "",
    "shop/ledger.py": "from shop.errors import Busy\n\ndef append_row(row): ...\n",
    "shop/errors.py": "class Busy(Exception): ...\nclass Missing(Exception): ...\n",
    "shop/invoice.py": "from shop import ledger\n\ndef send_invoice(): ledger.append_row(1)\n",
    "shop/mailing.py": "from shop.invoice import send_invoice\n\ndef deliver(): ...\n",
    "shop/unrelated.py": "def nothing(): ...\n",
    "shop/web/views.py": "from shop.invoice import send_invoice\n\ndef show(): ...\n",
    "tests/test_ledger.py": "from shop.ledger import append_row\n\ndef test_append(): ...\n",
    "vendor/ledger.py": "def append_row(row): ...\n",
    **{f"shop/plugins/plugin_{at}.py": "from shop.errors import Busy\n" for at in range(60)},
}


@pytest.fixture
def index() -> Iterator[CodeIndex]:
    index = CodeIndex.open(None)
    data = {path: text.encode() for path, text in FILES.items()}
    index.refresh({p: hashlib.sha1(d).hexdigest() for p, d in data.items()}, data.get)
    yield index
    index.close()


def reasons(found: tuple[Relevant, ...]) -> dict[str, str]:
    return {file.path: file.reason for file in found}


def test_a_named_file_comes_first_and_its_neighbours_follow(index: CodeIndex) -> None:
    found = index.relevant("Fix shop/ledger.py", limit=5)

    assert found[0] == Relevant(path="shop/ledger.py", score=10.0, reason="is named in the goal")
    assert reasons(found)["shop/errors.py"] == "is imported by shop/ledger.py"
    assert reasons(found)["shop/invoice.py"] == "imports shop/ledger.py"
    assert reasons(found)["tests/test_ledger.py"] == "imports shop/ledger.py"


@pytest.mark.parametrize("goal", ["in invoice.py", "see shop.invoice", "of shop/invoice.py."])
def test_a_file_may_be_named_by_its_end_or_as_a_module(goal: str, index: CodeIndex) -> None:
    assert index.relevant(goal)[0].path == "shop/invoice.py"


def test_a_name_that_many_files_have_says_less(index: CodeIndex) -> None:
    found = {file.path: file.score for file in index.relevant("Fix ledger.py")}

    assert found["shop/ledger.py"] > found["vendor/ledger.py"] > 1
    assert found["shop/ledger.py"] < 10


def test_files_of_a_folder_that_is_named_matter_more_than_others(index: CodeIndex) -> None:
    found = reasons(index.relevant("All of shop/web/ is slow"))

    assert found["shop/web/views.py"] == "is in shop/web, named in the goal"
    assert "shop/unrelated.py" not in found


def test_a_name_written_out_leads_to_where_it_is_defined_and_used(index: CodeIndex) -> None:
    found = index.relevant("append_row must refuse empty rows")

    assert found[0].path == "shop/ledger.py"
    assert found[0].reason == "defines append_row"
    assert reasons(found)["shop/invoice.py"] == "uses append_row"
    assert [f.path for f in found].index("vendor/ledger.py") > 2


def test_words_find_paths_names_and_texts_whatever_their_endings(index: CodeIndex) -> None:
    assert reasons(index.relevant("mail deliveries"))["shop/mailing.py"].startswith("has a path")
    assert reasons(index.relevant("delivering"))["shop/mailing.py"] == (
        'defines names with "delivering"'
    )
    assert reasons(index.relevant("the worker"))["README.md"] == 'speaks of "worker"'


def test_a_file_with_all_words_comes_before_one_with_a_single_word(index: CodeIndex) -> None:
    assert index.relevant("append to the ledger when busy")[0].path == "shop/ledger.py"


def test_a_hub_does_not_draw_in_everything_that_imports_it(index: CodeIndex) -> None:
    found = reasons(index.relevant("shop/errors.py", limit=100))

    assert not [path for path in found if "plugin" in path]


def test_given_files_come_before_those_the_goal_names(index: CodeIndex) -> None:
    found = index.relevant("Fix shop/ledger.py", named=["shop/unrelated.py", "no/such.py"])

    assert [(file.path, file.reason) for file in found[:2]] == [
        ("shop/unrelated.py", "was given"),
        ("shop/ledger.py", "is named in the goal"),
    ]


@pytest.mark.parametrize("goal", ["", "Please fix it", "wibble wobble"])
def test_a_goal_without_a_trace_leads_to_what_most_files_import(
    goal: str, index: CodeIndex
) -> None:
    found = index.relevant(goal, limit=2)

    assert [file.path for file in found] == ["shop/errors.py", "shop/invoice.py"]
    assert found[0].reason == "is imported by 61 files"


def test_every_file_has_one_reason_and_no_more_than_were_asked_for_come_back(
    index: CodeIndex,
) -> None:
    found = index.relevant("ledger invoice errors mailing views plugin", limit=7)

    assert len(found) == len({file.path for file in found}) == 7
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert all(file.reason and "\n" not in file.reason for file in found)
    assert index.relevant("ledger", limit=0) == ()
    assert index.relevant("ledger", limit=-1) == ()


def test_an_empty_project_has_nothing_to_say() -> None:
    index = CodeIndex.open(None)

    assert index.relevant("anything at all in store.py") == ()
    assert index.outline([], budget_tokens=100, estimate=len) == ""
    index.close()


@pytest.mark.parametrize(
    "goal", ["a" * 100_000, "x " * 50_000, "a.b/c." * 20_000, "%_'\"\\`", "(((((", "\udcff\0"]
)
def test_no_goal_makes_the_search_fail(goal: str, index: CodeIndex) -> None:
    assert isinstance(index.relevant(goal), tuple)


def tokens(text: str) -> int:
    return -(-len(text) // 4)


def test_a_conversation_is_told_where_to_begin_and_why(index: CodeIndex) -> None:
    text = orientation(index, "Fix shop/invoice.py", budget_tokens=400, estimate=tokens)

    assert text.startswith(
        "# Files that may matter\n\n- shop/invoice.py: is named in the goal\n"
        "- shop/ledger.py: is imported by shop/invoice.py\n"
    )
    assert "shop/invoice.py (4 lines)\n  3 def send_invoice()" in text


@pytest.mark.parametrize("budget", [0, 10, 40, 80, 150, 400])
def test_what_a_conversation_is_told_keeps_to_its_budget(budget: int, index: CodeIndex) -> None:
    text = orientation(index, "ledger invoice", budget_tokens=budget, estimate=tokens)

    assert tokens(text) <= budget
    assert (text == "") == (budget < 40)


def test_of_an_empty_project_nothing_is_told() -> None:
    index = CodeIndex.open(None)

    assert orientation(index, "anything", budget_tokens=400, estimate=tokens) == ""
    index.close()

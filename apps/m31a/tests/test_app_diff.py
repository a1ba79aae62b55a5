"""Patches as values and lines, and the screen that walks through them."""

import difflib
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from m31a.draw.frame import Size
from m31a.program.effects import AsyncWork, CopyText, Toast
from m31a.program.messages import RunOver, WorkFailed
from m31a.screens.diff import Found
from m31a.testing import Desk, sample_scene
from m31a.widgets.patch import patch_lines
from m31a.widgets.patch_reader import new_text, read_patch
from m31a_engine import RunEnded, RunStarted
from m31a_engine.sample import sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
USUAL = Size(80, 24)
PATCH = """\
diff --git a/app/auth/tokens.py b/app/auth/tokens.py
index 1d2c3b4..9be01aa 100644
--- a/app/auth/tokens.py
+++ b/app/auth/tokens.py
@@ -40,6 +40,7 @@ def claims_of(user: User) -> Claims:
\x20
\x20
 def sign(claims: Claims) -> str:
-    return jwt.encode(claims, SECRET, "HS256")
+    return jwt.encode(claims, keys.private, "RS256",
+                      headers={"kid": keys.kid})
\x20
 # the end
@@ -90,3 +91,2 @@ class Verifier:
     def verify(self) -> None:
--- a comment that looks like a header
         pass
diff --git a/app/auth/keys.py b/app/auth/keys.py
new file mode 100644
index 0000000..5be7fa1
--- /dev/null
+++ b/app/auth/keys.py
@@ -0,0 +1,2 @@
+KEYS = "schl\u00fcssel"
+\tindented
\\ No newline at end of file
diff --git a/old name.txt b/new name.txt
similarity index 100%
rename from old name.txt
rename to new name.txt
diff --git a/logo.png b/logo.png
deleted file mode 100644
Binary files a/logo.png and /dev/null differ
"""
ENDED = next(event for event in sample_events() if isinstance(event, RunEnded))
REPORTED = RunEnded(outcome=ENDED.outcome, report=replace(ENDED.report, diff=PATCH))
RUNNING = RunStarted(goal="JWT", project="/shop", mode=ENDED.report.mode, model="m", provider="p")


def shown(size: Size = USUAL) -> Desk:
    """The changes of a run that has ended."""
    desk = Desk("diff", scene=sample_scene([REPORTED], goal="JWT"), size=size)
    desk.effects.clear()
    return desk


def test_the_changes_of_a_file(snapshot: Snapshot) -> None:
    snapshot(shown, "diff/file")


def test_a_new_file(snapshot: Snapshot) -> None:
    snapshot(lambda: shown().press("right"), "diff/new")


def test_a_run_that_changed_nothing(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("diff", scene=sample_scene([ENDED], goal="JWT")), "diff/empty")


def test_changes_that_cannot_be_looked_at(snapshot: Snapshot) -> None:
    failed = WorkFailed("there is no session of ~/slugs", "`m31a sessions list` shows those")
    snapshot(lambda: Desk("diff").send(failed), "diff/trouble")


def test_a_patch_is_read_file_by_file_with_its_figures() -> None:
    files = read_patch(PATCH)

    assert [(file.path, file.note, file.added, file.removed) for file in files] == [
        ("app/auth/tokens.py", "", 2, 2),
        ("app/auth/keys.py", "new", 2, 0),
        ("new name.txt", "renamed", 0, 0),
        ("logo.png", "deleted", 0, 0),
    ]
    assert "".join(file.raw for file in files) == PATCH
    assert [hunk.within for hunk in files[0].hunks] == [
        "def claims_of(user: User) -> Claims:",
        "class Verifier:",
    ]


TEXTS = st.lists(st.sampled_from(["", "a", "b", "-- x", "++ y", " c", "@@ -1 +1 @@", "d"]))


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_any_patch_is_read_back_to_what_it_adds_and_takes_away(
    old: list[str], new: list[str]
) -> None:
    rows = list(difflib.unified_diff(old, new, "a/f", "b/f", lineterm=""))
    hunks = [hunk for file in read_patch("\n".join(rows)) for hunk in file.hunks]
    told = [row for hunk in hunks for row in hunk.rows]

    assert sum(row.sign == "+" for row in told) - sum(row.sign == "-" for row in told) == len(
        new
    ) - len(old)
    assert len([row for row in told if row.sign == "+"]) == len(
        [row for row in rows[2:] if row.startswith("+")]
    )
    assert all(row.text == new[row.new - 1] for row in told if row.sign in "+ ")
    assert all(row.text == old[row.old - 1] for row in told if row.sign in "- ")
    for file in read_patch("\n".join(rows)):
        for beside in (False, True):
            laid = patch_lines(file, 60, beside=beside)
            assert all(line.width <= 60 for line in laid.lines)


def test_a_wide_screen_has_old_and_new_beside_each_other_until_it_is_turned_off() -> None:
    desk = shown(Size(160, 30))
    assert '42 -     return jwt.encode(claims, SECRET, "HS256")' not in desk.text
    row = next(line for line in desk.text.splitlines() if "HS256" in line)
    assert "keys.private" in row

    desk.press("s")

    row = next(line for line in desk.text.splitlines() if "HS256" in line)
    assert "keys.private" not in row


def test_a_narrow_screen_says_what_side_by_side_needs() -> None:
    assert shown().press("s").effects == [Toast("side by side needs 120 columns")]


def test_a_line_longer_than_the_screen_is_broken_and_nothing_is_lost() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    patch = read_patch(f"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-{words} old\n+{words} new\n")[0]

    text = " ".join(line.text for line in patch_lines(patch, 40, beside=False).lines)

    assert all(text.count(word) == 2 for word in words.split() if len(word) == 6)
    assert "old" in text
    assert "new" in text


def test_keys_jump_from_change_to_change_and_from_file_to_file() -> None:
    desk = shown(Size(80, 12))
    assert "@@ 40" in desk.text

    desk.press("n")
    assert "@@ 91" in desk.text
    desk.press("p")
    assert "@@ 40" in desk.text
    desk.press("n", "n", "n")
    assert "@@ 91" in desk.text

    desk.press("right")
    assert "file 2 of 4" in desk.text
    desk.press("left", "left")
    assert "logo.png" in desk.text
    assert "deleted: no lines to show" in desk.text


def test_what_is_copied_has_no_numbers_and_no_borders() -> None:
    files = read_patch(PATCH)

    assert shown().press("y").effects == [CopyText(files[0].raw)]
    assert shown().press("right", "c").effects == [CopyText('KEYS = "schlüssel"\n\tindented\n')]
    assert new_text(files[0].hunks[1]) == "    def verify(self) -> None:\n        pass\n"
    assert shown().press("left", "c").effects == [Toast("there is no text to copy", "warn")]


def test_while_a_run_works_its_branch_is_looked_at_and_again_on_demand() -> None:
    desk = Desk("diff", scene=sample_scene([RUNNING], goal="JWT"))
    assert "looking at the changes" in desk.text
    assert [type(each) for each in desk.effects] == [AsyncWork]

    desk.send(Found(PATCH, cut=True))
    assert "app/auth/tokens.py" in desk.text
    assert "file 1 of 4  cut" in desk.text

    desk.press("r")
    assert [type(each) for each in desk.effects] == [AsyncWork, AsyncWork]


def test_at_its_end_a_run_shows_what_its_report_has() -> None:
    desk = Desk("diff", scene=sample_scene([RUNNING], goal="JWT")).send(Found("", cut=False))
    assert "Nothing has changed." in desk.text

    desk.tell(REPORTED).send(RunOver())

    assert "file 1 of 4" in desk.text


def test_a_sessions_changes_are_looked_for_by_its_id() -> None:
    desk = Desk("repl").type("/diff 2026").press("enter")

    assert desk.top.id == "diff"
    assert "looking at the changes" in desk.text


def test_hostile_text_in_a_patch_reaches_no_terminal() -> None:
    bad = PATCH.replace("SECRET", "\x1b]0;owned\x07\u202e")
    scene = sample_scene([replace(REPORTED, report=replace(ENDED.report, diff=bad))], goal="x")

    text = Desk("diff", scene=scene).text

    assert "\x1b" not in text
    assert "\u202e" not in text

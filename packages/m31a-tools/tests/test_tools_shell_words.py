"""Recognising what a command does, well enough to warn and to refuse."""

import pytest

from m31a_tools.shell_words import commits, destroys, is_plain, normalised, simple_commands

COMMITS = [
    "git commit",
    "git commit -am 'x'",
    "git  commit --amend",
    "git -C sub commit",
    "git -c user.name=x commit -m y",
    "git --no-pager commit",
    "git --git-dir=.git commit",
    "git --git-dir .git commit",
    "/usr/bin/git commit",
    "cd x && git commit -m y",
    "git add . ; git commit -m y",
    "git add .\ngit commit -m y",
    "(git commit -m y)",
    "GIT_AUTHOR_NAME=x git commit",
    "env A=1 git commit",
    "sudo git commit",
    "timeout 5 git commit",
    "sh -c 'git commit -m x'",
    'bash -c "cd a && git commit"',
    "if true; then git commit; fi",
    "true || git commit",
    "echo x | git commit -F -",
    "git \\\ncommit",
    "x=$(git commit)",
    "echo `git commit`",
    "! git commit",
    "time git commit",
    "eval 'git commit'",
    "nice -n 5 git commit",
    "find . -exec git commit ;",
    "git 'commit'",
]
COMMITS_NOT = [
    "git status",
    "git log --grep commit",
    "git log commit",
    "git show commit",
    "git commit-tree x",
    "git commit-graph write",
    "echo git commit",
    "grep -r 'git commit' docs",
    "cat git commit",
    "gitcommit",
    "git",
    "git --version",
    "# git comm",
    "ls git/commit",
    "git config commit.gpgsign false",
    "",
]


@pytest.mark.parametrize("command", COMMITS)
def test_a_commit_is_recognised(command: str) -> None:
    assert commits(command)


@pytest.mark.parametrize("command", COMMITS_NOT)
def test_what_is_no_commit_is_left_alone(command: str) -> None:
    assert not commits(command)


DESTROYS = {
    "rm -r x": "rm -r",
    "rm -rf x": "rm -r",
    "rm -fR x": "rm -r",
    "rm --recursive x": "rm -r",
    "rm x -r": "rm -r",
    "/bin/rm -rf x": "rm -r",
    "\\rm -rf x": "rm -r",
    "sudo rm -rf /": "rm -r",
    "ls; rm -rf x": "rm -r",
    "find . -name x | xargs rm -rf": "rm -r",
    "find . -exec rm -rf {} +": "rm -r",
    "find . -name '*.o' -delete": "find -delete",
    "git checkout .": "git checkout",
    "git checkout -- a": "git checkout",
    "git checkout main": "git checkout",
    "git checkout -f": "git checkout",
    "git restore a": "git restore",
    "git restore --staged --worktree a": "git restore",
    "git reset --hard": "git reset",
    "git reset --hard HEAD~3": "git reset",
    "git -C x reset --hard": "git reset",
    "git reset --merge": "git reset",
    "git clean -fd": "git clean",
    "git clean --force": "git clean",
    "git clean -xdf": "git clean",
    "git stash drop": "git stash",
    "git stash clear": "git stash",
    "git stash pop": "git stash",
    "git push --force": "git push",
    "git push -f origin main": "git push",
    "git push --force-with-lease": "git push",
    "git push origin +main": "git push",
    "git push origin --delete x": "git push",
    "git push --mirror": "git push",
    "git branch -D x": "git branch",
    "git branch -d -f x": "git branch",
    "git switch --discard-changes main": "git switch",
    "git switch -f main": "git switch",
    "git worktree remove x": "git worktree",
    "git rm a": "git rm",
    "git update-ref -d refs/heads/x": "git update-ref",
    "git reflog expire --all": "git reflog",
    "git gc --prune=now": "git gc",
    "git filter-branch x": "git filter-branch",
    "git rebase -i main": "git rebase",
    "shred x": "shred",
    "dd if=/dev/zero of=x": "dd",
    "truncate -s 0 x": "truncate",
    "mkfs.ext4 /dev/sda1": "mkfs.ext4",
    "rsync -a --delete a b": "rsync --delete",
    "bash -c 'rm -rf x'": "rm -r",
    "X=1 rm -rf x": "rm -r",
}
HARMLESS = [
    "rm x",
    "rm -f x",
    "ls -r",
    "git status",
    "git reset",
    "git reset a.py",
    "git reset --soft HEAD~1",
    "git clean -n",
    "git checkout -b x",
    "git restore --staged a",
    "git stash",
    "git stash list",
    "git push",
    "git branch -d x",
    "git branch",
    "git switch main",
    "git worktree list",
    "git log --force",
    "git gc",
    "git",
    "echo rm -rf x",
    "find . -name x",
    "grep -rf patterns .",
    "rsync -a a b",
    "make clean",
    "",
    "'",
    '"',
    "\\",
    ";;;",
    "$(",
]


@pytest.mark.parametrize(("command", "name"), DESTROYS.items())
def test_what_can_destroy_work_is_named(command: str, name: str) -> None:
    assert destroys(command) == (name,)


@pytest.mark.parametrize("command", HARMLESS)
def test_the_rest_is_not_called_destructive(command: str) -> None:
    assert destroys(command) == ()


def test_several_parts_are_each_named_once() -> None:
    assert destroys("rm -r a; git clean -f; rm -r b") == ("rm -r", "git clean")


def test_nesting_ends() -> None:
    command = "eval " * 50 + "git commit"
    list(simple_commands(command))
    list(simple_commands("$(" * 2000 + ")" * 2000))
    list(simple_commands("`" * 5000))


def test_blanks_outside_quotes_do_not_matter() -> None:
    assert normalised("  a \t b\n") == "a b"
    assert normalised("a 'b  c' \"d  e\" f\\  g") == "a 'b  c' \"d  e\" f\\  g"
    assert normalised("a\n b") == "a\n b"
    assert normalised("") == normalised("   ") == ""
    assert normalised("a\\") == "a\\"


def test_words_alone_are_plain() -> None:
    assert is_plain("pytest -q tests/test_a.py::test_b")
    assert not is_plain("a;b")

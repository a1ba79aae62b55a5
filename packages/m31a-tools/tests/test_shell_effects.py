"""Recognising what a command does, well enough to warn and to refuse."""

import pytest

from m31a_tools.command_rules import normalised
from m31a_tools.shell.judge import read_command

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
    assert read_command(command).commits


@pytest.mark.parametrize("command", COMMITS_NOT)
def test_what_is_no_commit_is_left_alone(command: str) -> None:
    assert not read_command(command).commits


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
    "rm $flags x": "rm",
    'rm "$x"': "rm",
    "git reset --har": "git reset",
    "git -c alias.x='reset --hard' x": "git reset",
    "git tag -f v1": "git tag",
    "git branch -M a b": "git branch",
    "git checkout-index -f -a": "git checkout-index",
    "git mv -f a b": "git mv",
    "git read-tree -u --reset HEAD": "git read-tree",
    "git sparse-checkout set x": "git sparse-checkout",
    "git submodule deinit -f x": "git submodule",
    "git notes remove": "git notes",
    "git remote remove origin": "git remote",
    "git bisect reset": "git bisect",
    "git repack -ad": "git repack",
    "git prune": "git prune",
    "git push origin :main": "git push",
    "chmod -R 700 x": "chmod -R",
    "tar --remove-files -cf a b": "tar --remove-files",
    "rsync --remove-source-files a b": "rsync --delete",
    "su -c 'rm -r x'": "rm -r",
    "runuser -u me --command='rm -r x'": "rm -r",
    "flock lock -c 'rm -r x'": "rm -r",
    "watch 'rm -r x'": "rm -r",
    "unshare -r rm -r x": "rm -r",
    "xargs -I % rm -r %": "rm -r",
    "git difftool -x 'rm -r x'": "rm -r",
    "time ! rm -r x": "rm -r",
    "killall x": "killall",
}
HARMLESS = [
    "rm x",
    "rm -f x",
    "rm -- -r",
    "git reset -- --hard",
    "git clean -nfd",
    "git rm --cached x",
    "git tag -l",
    "git stash push",
    "git bisect good",
    "git worktree prune-not",
    "git notes add",
    "git remote -v",
    "git sparse-checkout list",
    "git submodule status",
    "dd if=x",
    "tar -xf x",
    "fd x",
    "chmod +x x",
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
    assert read_command(command).destroys == (name,)


@pytest.mark.parametrize("command", HARMLESS)
def test_the_rest_is_not_called_destructive(command: str) -> None:
    assert read_command(command).destroys == ()


def test_several_parts_are_each_named_once() -> None:
    assert read_command("rm -r a; git clean -f; rm -r b").destroys == ("rm -r", "git clean")


def test_blanks_outside_quotes_do_not_matter() -> None:
    assert normalised("  a \t b\n") == "a b"
    assert normalised("a 'b  c' \"d  e\" f\\  g") == "a 'b  c' \"d  e\" f\\  g"
    assert normalised("a\n b") == "a\n b"
    assert normalised("") == normalised("   ") == ""
    assert normalised("a\\") == "a\\"


NETWORK = {
    "curl https://user@a.example.org:8/x": ("curl", "a.example.org"),
    "wget 'http://[::1]/x'": ("wget", "::1"),
    "git clone git@b.example.org:x/y": ("git clone", "b.example.org"),
    "git -C x push https://c.example.org/x": ("git push", "c.example.org"),
    "git remote add x https://d.example.org/x": ("git remote", "d.example.org"),
    "git archive --remote=x HEAD": ("git archive", ""),
    "git lfs pull": ("git lfs", ""),
    "pip3.11 install x": ("pip install", ""),
    "python3 -m pip download x": ("pip download", ""),
    "python3 -m uv sync": ("uv sync", ""),
    "npm i x": ("npm i", ""),
    "npm --prefix x install": ("npm install", ""),
    "npm $x": ("npm", ""),
    "yarn": ("yarn install", ""),
    "cargo install x": ("cargo install", ""),
    "openssl s_client -connect x": ("openssl", ""),
    "rsync -a a host:b": ("rsync", ""),
    "cat < /dev/tcp/127.0.0.1/80": ("/dev/tcp", ""),
}


@pytest.mark.parametrize(("command", "expected"), NETWORK.items())
def test_use_of_the_network_is_named_with_its_host(command: str, expected: tuple[str, str]) -> None:
    reading = read_command(command)
    name, host = expected
    assert reading.network == (name,)
    assert reading.hosts == ((host,) if host else ())


@pytest.mark.parametrize(
    "command",
    [
        *("git status", "git remote -v", "git remote", "npm test", "pip list", "pip", "yarn test"),
        *("python -m pytest", "python x.py -m pip install", "cargo build", "openssl sha256 x"),
        *("docker ps", "rsync -a a b", "echo curl http://x", "hg status", "uv --version"),
    ],
)
def test_the_rest_is_not_said_to_use_the_network(command: str) -> None:
    assert read_command(command).network == ()


WRITES = {
    "echo x > a >> b 2> c": ["a!", "b", "c!"],
    "echo x > /dev/null 2>&1": [],
    "a |& tee b c": ["b!", "c!"],
    "tee -a b": ["b"],
    "cp a b c": ["c!"],
    "cp -t d a": ["d!"],
    "cp --target-directory=d a": ["d!"],
    "mv a b": ["a!", "b!"],
    "sed -i s/a/b/ f g": ["f!", "g!"],
    "sed -i -e s/a/b/ f": ["f!"],
    "sed s/a/b/ f": [],
    "perl -pi -e s/a/b/ f": ["f!"],
    "dd if=a of=b": ["b!"],
    "dd if=a of=b$x": ["?!"],
    "curl -o a x": ["a!"],
    "curl -oa x": ["a!"],
    "wget --output-document=a x": ["a!"],
    "find . -fprint a": ["a!"],
    "tar cf a.tar b": ["a.tar!"],
    "tar -czf a.tar b": ["a.tar!"],
    "tar -xf a.tar": [],
    "tar xf a.tar -C d": ["d!"],
    "truncate -s 0 a": ["a!"],
    "touch -d now a": ["a"],
    "mkdir -m 700 a": ["a"],
    "chmod 600 a": ["a"],
    "cd s && echo > a": ["a!", "s/a!"],
    "cd s; cd t; echo > ../a": ["../a!", "s/../a!", "t/../a!", "s/t/../a!"],
    "(cd /x; echo > a)": ["a!", "/x/a!"],
    "cd $x; echo > a": ["?!"],
    "cd; echo > a": ["?!"],
    "cd -; echo > a": ["?!"],
    "pushd s; popd; echo > a": ["?!"],
    "f() { echo > a; }; f": ["?!"],
    "while x; do echo > a; cd ..; done": ["?!"],
    "while x; do echo > a; done": ["a!"],
    "echo > $x": ["?!"],
    "echo > ~/x": ["~/x!?"],
    "echo > /etc/$x": ["/etc/!?"],
    "echo > ../$x": ["../!?"],
    "echo > a$x": ["?!"],
    "ls > >(cat)": [],
}


@pytest.mark.parametrize(("command", "expected"), WRITES.items())
def test_what_is_written_is_found(command: str, expected: list[str]) -> None:
    found = [
        (target.path or "?") + "!" * target.loses + "?" * (not target.exact and bool(target.path))
        for target in read_command(command).targets
    ]
    assert found == expected


def test_the_folder_a_command_starts_in_counts() -> None:
    def targets(folder: str) -> list[str]:
        return [target.path for target in read_command("echo > a", folder).targets]

    assert targets(".") == targets("./") == ["a"]
    assert targets("sub/") == ["sub/a"]
    assert targets("/x") == ["/x/a"]


WORDS = {
    "a 'b c' \"d e\" f\\ g": ["a", "b c", "d e", "f g"],
    'a "x\\n\\"y\\$z"': ["a", 'x\\n"y$z'],
    "a $'x\\n\\'\\x41\\101\\u0042'": ["a", "x\n'AAB"],
    "a 'x'\"y\"z": ["a", "xyz"],
    "a ''": ["a", ""],
    "a $": ["a", "$"],
    "a b#c": ["a", "b#c"],
    "a 2>&1 b": ["a", "b"],
    "> x a b": ["a", "b"],
    "a > x b": ["a", "b"],
    "a {} -1 +2 x=y": ["a", "{}", "-1", "+2", "x=y"],
}


@pytest.mark.parametrize(("command", "expected"), WORDS.items())
def test_words_are_what_a_shell_would_make_of_them(command: str, expected: list[str]) -> None:
    (found,) = read_command(command).commands
    assert sorted(word.text for word in found.words) == sorted(expected)
    assert all(word.fixed for word in found.words)


@pytest.mark.parametrize("command", ["a $'\\cx'", "a $'\\x00'", "a $'\\xff'", "a $'\\u00e9'"])
def test_characters_that_depend_on_the_shell_are_not_guessed(command: str) -> None:
    assert read_command(command).unclear

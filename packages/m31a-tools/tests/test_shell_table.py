r"""Commands with what becomes of them in every mode, decided and really dispatched.

Each row begins with a letter:

A  rules allow all of it
C  no rule speaks of it; it may run in a sandbox, and nowhere else without a question
D  no rule speaks of it; it destroys, reaches out, or writes outside: always a question
U  it cannot be judged: always a question, whatever rules allow
Q  a rule asks about it, or it might be something that a rule denies
X  it is denied, whatever else is allowed
"""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from m31a_tools import (
    Action,
    Allow,
    AskFirst,
    Bash,
    Call,
    Choice,
    Defer,
    Deny,
    Grant,
    Mode,
    Outcome,
    Policy,
    Rule,
    Workspace,
    decide,
    default_toolbox,
    dispatch,
)
from m31a_tools.bash import BashArgs
from m31a_tools.shell.judge import read_command
from m31a_tools.shell.options import names
from m31a_tools.testing import RecordingAsker

ALLOWED = (
    *("git status", "git log *", "git diff *", "pytest *", "ls *", "cat *", "grep *"),
    *("make test && make lint", "rm -rf build", "npm install *", "npm *", "python -m unittest *"),
    *("find *", "python *", "sort *", "cp *"),
)
RULES = (
    *(Rule(action=Action.ALLOW, tool="Bash", command=command) for command in ALLOWED),
    Rule(action=Action.ALLOW, tool="Bash", path="/out/"),
    Rule(action=Action.ASK, tool="Bash", command="git push *"),
    Rule(action=Action.DENY, tool="Bash", command="curl *"),
    Rule(action=Action.DENY, tool="*", path=".env"),
)

TABLE = r"""
A git status
A git  status
A 'git' status
A g"it" statu\s
A $'git' status
A git \<nl>  status
A git status # and a remark
A (git status)
A { git status; }
A ! git status
A git status; git log -3
A git status && git log --oneline -n 5 || git diff
A git status | cat
A git status & git log
A git status<nl>git log
A if git status; then git log; fi
A while git status; do git log; break; done
A for i in 1 2; do git log; done
A case x in x) git log;; esac
A git status 2>&1
A git status >/dev/null 2>&1
A git status > out/status.txt
A git status &> out/all.txt
A git log >> out/log.txt
A git log > out/a 2> out/b
A git log < README.md
A cat <<< hello
A cat <<'E'<nl>$(rm -rf x) `rm y`<nl>E
A cat <<"E"<nl>a | b > c<nl>E
A cat <<E<nl>plain text<nl>E
A cat <<-'E'<nl><tab>x<nl><tab>E
C cat $(git status)x | cat -
A pytest
A pytest -q tests/test_a.py::test_b
A pytest 'with blank' "and more"
A pytest tests/*.py
A pytest x=1 a:b @c %d +e
A cd sub && pytest
A cd sub; pytest; cd other
A true && pytest
A echo begin; pytest; echo end
A set -e; pytest
A set -euo pipefail; pytest
A timeout 5 pytest
A timeout -k 3 -s KILL 5m pytest -q
A timeout --signal=KILL 5 pytest
A nice -n 5 pytest
A nice -n5 pytest
A nohup pytest &
A setsid pytest
A stdbuf -oL pytest
A command pytest
A env pytest
A sh -c pytest
A bash -c 'pytest -q'
A bash -lc "cd sub && pytest"
A bash -euc pytest
A sh -c 'sh -c "pytest -q"'
A eval pytest -q
A eval 'git status; git log'
A trap 'git status' EXIT; pytest
A make test && make lint
A make  test  &&  make lint
A rm -rf build
A rm -rf build && pytest
A rm -rf 'build'
A python -m unittest -v
A bash <<'E'<nl>pytest -q<nl>E
C f() { pytest -q; }; f
A find . -name '*.py' -print
A npm test
A npm run build
A grep -rn "curl x" docs
A grep -rn curl docs
A sort -u a b
A git log --format='%H %s'
A git log -p --stat HEAD~3..HEAD
A [ -f a ] && pytest
A [[ -n x ]] && pytest
A test -f a || pytest
A coproc pytest
C make
C make test
C make lint && make test
C ./configure --prefix=x
C pytest $HOME
C pytest "$FILE"
C pytest ${x}
C pytest $(git status)
C pytest `git status`
C pytest {a,b}
C pytest {1..3}
C pytest *
C pytest *.py
C pytest -*
C pytest --x=*
C pytest ?
C pytest [ab]
C pytest ~
C pytest <(git log)
C X=1 pytest
C PATH=/tmp/x git status
C for PATH in ./x; do git status; done
C echo ${PATH:=./x}; git status
C LD_PRELOAD=./x.so git status
C X=1; git status
C export PATH=. ; git status
C declare -x A=1; git status
C readonly a=1; git status
C unset PATH; git status
C env X=1 pytest
C env -u HOME X=1 pytest
C env -i pytest
C env -C sub pytest
C ./pytest -q
C /tmp/pytest
C Pytest
C pytestx
C pytest-evil
C git status --short
C git statusx
C git -C sub status
C git --git-dir=x/y status
C git --work-tree=sub status
C git -c color.ui=never status
C git -c core.pager=less log
C git -c core.pager='!touch x' log
C git -c core.fsmonitor=./x status
C git -c alias.x='!touch y' x
C git -c alias.lg='log -3' lg
C git -c diff.external=./x diff
C git --exec-path=./evil log
C git --exec-path=. status
C git lg
C git difftool -x ./x
C git grep -O./x y
C git diff --output=x
C git bisect run ./x
C git rev-parse HEAD; touch x
C git submodule foreach ./x
C git status > x
C git status > x/out/y
C git status >> notes
C git status > "$x"
C git status > out/$x
D cd out && git status > ../x
C for f in a b; do sed 's/a/b/' "$f" > "$f.new"; done
C git status; touch x
C git status && touch x
C git status || touch x
C git status | tee x
C git status & touch x
C git status<nl>touch x
C git status $(touch x)
C git status `touch x`
C git log "$(touch x)"
C cat <(touch x)
C cat > x <<'E'<nl>text<nl>E
C cat <<E<nl>$(touch x)<nl>E
C cat <<< "$(touch x)"
C if touch x; then git status; fi
C x=$(touch y) git status
C x=$(touch y)
C echo ${x:-$(touch y)}
C echo $((1 + $(touch y)))
C echo $((x + 1))
C (( x++ )); pytest
C [[ $x -eq 1 ]] && pytest
C [[ -v x ]] && pytest
C for ((i=0;i<3;i++)); do pytest; done
C a[$i]=1; pytest
C let x=1
C sudo pytest
C sudo -u nobody pytest
C doas pytest
C xargs pytest
C xargs -n 1 -P4 pytest -q
C xargs -I{} pytest {}
C find . -exec pytest {} ;
C find . -execdir pytest {} +
C find . -fprint x
C python -c 'print(1)'
C python -c 'import os; os.remove("x")'
C python -
C python
C python -m unittest -c
C python -ic 1
C perl -e 'unlink x'
C node -e 'x()'
C ruby -e 'x'
C awk '{print $1}' f
C awk 'BEGIN{system("touch x")}'
C sed -n 1,5p f
C sed -i s/a/b/ f
C sed 's/x/touch y/e' f
C source x.sh
C . ./x.sh && pytest
C sh x.sh
C bash -x x.sh a b
C exec pytest
C time pytest
C strace -f pytest
C busybox touch x
C unknown-wrapper pytest
C sort --compress-program=./x a
C read x; pytest
C shopt -s expand_aliases
C touch x
C mkdir -p a/b
C mv a b
C cp a b; mv b c
C rm x
C rm -f x
C tee a b
C echo x > y
C echo x >| y
C > y
C : > y
C ls > y
C sleep 1 &
C kill 1
A cp a .gitignore
C make test && make lint;
C make test && make lint && make x
C trap - EXIT
C trap 'touch x' EXIT
C f() { touch x; }; f
C pytest() { touch x; }; pytest
C su -c 'pytest'
C flock lock pytest
C flock lock -c 'touch x'
C cat /etc/passwd > y
C git
C git --version
C git --exec-path
C command -v pytest
C command -V pytest
C xargs
C xargs -I{} pytest -k x={}
C sudo -i
C sudo -s
C bash --version
C bash --norc -o errexit x.sh
C bash -- x.sh
C python x.py -c y
C sed -n '/x/p' f
A sort -o x y
C > x
C ls 2> x
C select x in a b; do touch y; done
C until touch x; do touch y; done
C touch a{b,c}
C touch "a $b c"
C date --set=x
C flock 9
C ( touch x ) > y
C { touch x; } > y
C git stash
C git add -A
C git checkout -b x
C git apply x.patch
C git config core.editor x
D rm -r x
D rm -rf build/
D rm -rf ~
D rm -rf /
D rm -fr x
D rm -f -R x
D rm --recur x
D rm x -r
D rm -rf build; cd ..
D cd sub && rm -rf build
D rm $x
D xargs rm
D cat list | xargs rm -f
D git status; rm -rf ~
D git status && sudo rm -rf x
D sh -c 'rm -rf x'
D sh -c "sh -c 'rm -rf x'"
D eval rm -rf x
D eval 'rm -rf x'
D trap 'rm -rf x' EXIT
D timeout 5 rm -rf x
D env rm -rf x
D X=1 rm -rf x
D \rm -rf x
D "rm" -rf x
D $'\x72m' -rf x
D /bin/rm -rf x
D busybox rm -rf x
D find . -delete
D find . -name x -exec rm -rf {} +
D find . -name x -ok rm -r {} ;
U $(rm -rf x)x
D echo $(rm -rf x)
D echo "`rm -rf x`"
D echo `echo \`rm -rf x\``
D echo "`echo \"a\" \`rm -rf x\``"
D env time -p ! X=1 rm -rf x
D su - me -c 'rm -rf x'
D su --command='rm -rf x'
D git -c core.pager='rm -rf x' log
D git -c core.editor='rm -rf y' tag x
D git rebase --exec='rm -rf x' main
D cat <(rm -rf x)
D cat <<E<nl>$(rm -rf x)<nl>E
D x=$(rm -rf y)
D if true; then rm -rf x; fi
D f() { rm -rf x; }; f
D ls > log -rf | rm > log -rf x
D rm > log -rf x
D true && rm > log -rf x
D bash <<'E'<nl>rm -rf x<nl>E
D git checkout .
D git checkout -- a
D git checkout main
D git checkout -B main
D git restore a
D git restore -SW a
D git reset --hard
D git reset --har
D git reset --merge
D git -C sub reset --hard
D git clean -fd
D git clean -xdf
D git stash drop
D git stash clear
D git branch -D x
D git branch -M x
D git branch --force x y
D git tag -d x
D git worktree remove x
D git rm a
D git update-ref refs/heads/x HEAD
D git reflog expire --all
D git gc --prune=now
D git filter-branch --tree-filter 'x' HEAD
D git rebase main
D git rebase -x 'touch x' main
D git switch --discard-changes x
D git -c alias.x='!rm -rf y' x
D git -c alias.x='reset --hard' x
D git submodule foreach 'rm -rf x'
D git bisect run rm -rf x
D dd if=/dev/zero of=x
D shred x
D truncate -s 0 x
D mkfs.ext4 x
D rsync -a --delete a b
D chmod -R 777 .
D chown -R nobody .
D wget http://x
D git fetch
D git pull
D git clone https://example.org/x
D git ls-remote
D git submodule update --init
D pip install x
D pip3 install -r requirements.txt
D python -m pip install x
D uv pip install x
D npx x
D cargo install x
D go get x
D apt-get install x
D ssh host ls
D scp a host:b
D nc -l 80
D docker run x
D rsync -a a host:b
D git status > /etc/passwd
D git status > ../x
D git status > ~/x
D git status > out/../../x
D git status >> /home/me/x
D cd .. && git status > x
D cd /; git status > x
D cp a /etc/x
D cp -t /etc a
D mv a ../b
D tee /etc/x
D touch ../x
D sed -i s/a/b/ ../f
D ln -s a /usr/bin/b
D mkdir /x
D tar -xf a.tar -C /x
D echo x > /dev/tcp/1.2.3.4/80
D cat < /dev/tcp/1.2.3.4/80
A npm install x
A npm install
D npm publish
D npm ci
D npm exec x
U $x
U $x status
U ${x} -rf y
U `x`
U $(x) y
U "$EDITOR" f
U ~/bin/x
U ./*/x
U {a,b} c
U <nonl>git $x
U git $(x) status
U git --unknown-option status
U git -c "$x" status
U sh
U bash -s
U cat x | sh
U git --config-env
U git -C
U git "--git-dir=$x" status
U bash "-$x"
U bash -o errexit
U flock $x rm y
U flock x -c "$y"
U su -c "$x"
U script
U a >&
U a >&"x y"
C env
U a <<E
U a <<E b<nl>x<nl>E
U a <<"E F"<nl>x<nl>E F
U e`git status`val touch x
U 2>&1`git status`a
U git status \ # x
U git status "$'x
U if git status; then ) fi
U git rebase --exec="$x" main
U ${x:-<(touch y)}
U echo ${x:-<(touch y)}
U [[ x =~ `touch y` ]]
U time { git status; }
U echo 'rm x' | bash
U sh -c "$x"
U bash -c $x
U bash <(cat x)
U eval "$x"
U eval $x
U source <(x) ; <bad>(
U sh "$x"
U ((
U git status;;;(
U git status )
U "git status
U 'git status
U git status &&
U git status |
U if git status
U git status \<nl>&& ( touch x
U gi\<nl>t status
U alias ls='rm -rf x'
U hash -p ./evil git
U enable -f x y
U parallel rm
U sudo -Z rm x
U timeout $t rm x
U nice --unknown x rm
U xargs sh -c
U xargs -I{} sh -c {}
U read 'a[$(touch x)]'
U printf -v 'a[$(touch x)]' y
U unset 'a[$(touch x)]'
U echo ${x@P}
U echo ${x:-`touch y`}
U cat <<E<nl>`touch x`<nl>E
U su
U watch "$x"
U find . -exec {} ;
U find . -exec sh -c {} ;
U echo "$\<nl>(touch x)"
U echo "$\<nl>{x:-`touch y`}"
U echo $\<nl>{x}
U $\<nl>'\x72m' x
U cat <<E<nl>$\<nl>(touch x)<nl>E
U cat <<E<nl>$x $\<nl>(touch x)<nl>E
A cat <<E<nl>$x \$(touch x)<nl>E
U git status | > x$\<nl> touch y
U env -S 'rm x'
U git submodule foreach "$x"
Q git push
Q git push origin main
Q git status; git push
Q git -C x push
Q git push --force
Q git push origin +main
Q sh -c 'git push'
Q python -c 'run("curl x")'
Q perl -e 'system "curl x"'
Q strange curl x
Q nohup-like curl
X curl x
X curl
X git status; curl x
X git status && curl x
X git status | curl -d @- x
X (curl x)
X if true; then curl x; fi
X A=1 curl x
X env A=1 curl x
X sudo -u root curl x
X timeout 5 curl x
X xargs -n 1 curl
X sh -c 'curl x'
X bash -lc "sh -c 'curl x'"
X eval curl x
X find . -exec curl {} ;
X /usr/bin/curl x
X ./curl x
X CURL x
X c\url x
X 'c'ur"l" x
X $'\143url' x
X cat `curl x`
X cat $(curl x)
X cat <(curl x)
X cat <<E<nl>$(curl x)<nl>E
X curl x; $y
X $y; curl x
X ((; curl x
X echo ${x@P}; curl x
X { { { $y; }; }; }; curl x
X cat .env
X cat ./.env
X cat sub/.env
X cat < .env
X git status > .env
X cp .env x
X grep -f .env x
X grep --file=.env x
X git status > .git/hooks/pre-commit
X git status > .GIT/config
X echo x > .m31a/session.json
X cd .git && git status > config
X tee .git/hooks/x
X cp x .git/hooks/pre-commit
X rm -rf .git
X git commit -m x
X git status; git commit
X git -c alias.ci=commit ci -m x
X sh -c 'git commit'
"""


def rows() -> Iterator[tuple[str, str]]:
    for line in TABLE.strip("\n").split("\n"):
        letter, command = line.split(" ", 1)
        command = command.replace("<nl>", "\n").replace("<tab>", "\t")
        yield letter, command.removeprefix("<nonl>")


ROWS = list(dict.fromkeys(rows()))
BY_MODE = {
    Mode.RULES: {"A": "yes", "C": "no", "D": "no", "U": "ask", "Q": "ask", "X": "no"},
    Mode.ASK: {"A": "yes", "C": "ask", "D": "ask", "U": "ask", "Q": "ask", "X": "no"},
    Mode.SANDBOXED: {"A": "yes", "C": "yes", "D": "defer", "U": "defer", "Q": "defer", "X": "no"},
    Mode.DEFER: {"A": "yes", "C": "defer", "D": "defer", "U": "defer", "Q": "defer", "X": "no"},
    Mode.ALLOW_ALL: {"A": "yes", "C": "yes", "D": "yes", "U": "ask", "Q": "ask", "X": "no"},
    Mode.DENY_ALL: dict.fromkeys("ACDUQX", "no"),
}
WORDS = {Allow: "yes", AskFirst: "ask", Deny: "no", Defer: "defer"}


def policy(mode: Mode) -> Policy:
    return Policy(mode=mode, rules=RULES, confined=mode is Mode.SANDBOXED)


def test_the_table_is_large_enough() -> None:
    assert len(ROWS) >= 250
    assert {letter for letter, _ in ROWS} == set("ACDUQX")


@pytest.mark.parametrize(("letter", "command"), ROWS)
def test_a_command_meets_the_same_verdict_in_every_mode(letter: str, command: str) -> None:
    args = BashArgs(command=command)
    found = {mode: WORDS[type(decide(policy(mode), Bash(), args))] for mode in Mode}
    assert found == {mode: BY_MODE[mode][letter] for mode in Mode}
    if letter in "ACDQ":
        assert read_command(command).unclear == ()
    if letter == "U":
        assert read_command(command).unclear != ()


STAND_INS = names(
    "git pytest make ls cat grep rm npm python find sort cp mv touch mkdir tee rsync wget pip "
    "pip3 uv npx cargo go apt-get ssh scp nc docker dd shred truncate chmod chown ln tar sed awk "
    "perl node ruby sudo doas strace busybox sleep kill su flock unknown-wrapper parallel "
    "pytestx pytest-evil Pytest watch terraform"
)
REAL = ("bash", "sh", "env", "timeout", "nice", "nohup", "setsid", "stdbuf", "xargs")
STAND_IN = """#!/bin/sh
echo "${0##*/}" >> "$LOG"
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of programs that only note that they ran, and of real wrappers."""
    folder = tmp_path_factory.mktemp("programs")
    stand_in = folder / "stand-in"
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    for name in STAND_INS:
        (folder / name).symlink_to(stand_in)
    for name in REAL:
        found = next(path for base in ("/usr/bin", "/bin") if (path := Path(base, name)).exists())
        (folder / name).symlink_to(found)
    return folder


def is_harmless(command: str) -> bool:
    """Whether the stand-ins keep the command from doing anything outside its folder."""
    reading = read_command(command)
    outside = any(target.path.startswith(("/", "~", "..")) for target in reading.targets)
    absolute = any("/" in each.words[0].text for each in reading.commands)
    # The shell has a kill of its own, which no program on PATH stands in for.
    kills = any(each.words[0].text == "kill" for each in reading.commands)
    return not (outside or absolute or kills or reading.sockets or reading.unclear)


@pytest.mark.anyio
@pytest.mark.parametrize(("letter", "command"), ROWS)
async def test_the_verdict_is_the_same_for_real_and_nothing_unseen_runs(
    letter: str, command: str, tmp_path: Path, programs: Path
) -> None:
    root, log = tmp_path / "project", tmp_path / "log"
    for folder in ("sub", "other", "out", ".git"):
        (root / folder).mkdir(parents=True)
    (root / "README.md").touch()
    environment = {"PATH": str(programs), "LOG": str(log), "HOME": str(tmp_path), "LC_ALL": "C"}
    workspace = Workspace(root=root, environment=environment)
    asker = RecordingAsker(Choice(grant=Grant.DENY))
    modes = (Mode.RULES, Mode.ALLOW_ALL) if is_harmless(command) else (Mode.RULES,)
    for mode in modes:
        call = Call(id="1", name="Bash", arguments=json.dumps({"command": command}))
        with anyio.fail_after(30):
            result = await dispatch(
                call,
                toolbox=default_toolbox(workspace),
                policy=policy(mode),
                asker=asker,
                workspace=workspace,
            )
        ran = set(log.read_text().split()) if log.exists() else set()
        expected = BY_MODE[mode][letter]
        assert result.decision is not None
        assert (result.decision.outcome is Outcome.ALLOWED) == (expected == "yes")
        assert result.decision.asked == (expected == "ask")
        if expected != "yes":
            assert ran == set()
        seen = {Path(each.words[0].text).name for each in read_command(command).commands}
        assert ran <= seen
        assert list((root / ".git").iterdir()) == []
        log.unlink(missing_ok=True)

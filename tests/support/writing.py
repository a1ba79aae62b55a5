"""A hundred ways to write a file from a command line, for a phase that may only look."""

MARK = "WRITTEN"
"""A name that each of them makes, somewhere."""
HERE = "{project}"
"""Stands for the path of the user's folder."""

_WHERE = (
    MARK,
    f"./{MARK}",
    f"deep/{MARK}",
    f"{HERE}/{MARK}",
    f"/proc/self/cwd/{MARK}",
    f"$PWD/{MARK}",
    "sums.py",
    f"{HERE}/sums.py",
    f".git/{MARK}",
    f"{HERE}/.git/hooks/post-checkout",
)
_HOW = (
    "echo x > {to}",
    "printf x >> {to}",
    "echo x | tee {to}",
    "cp test_sums.py {to}",
    "ln -sf test_sums.py {to}",
    "python3 -c \"open('{to}', 'w').write('x')\"",
)
_ONCE = (
    f"cat > {MARK} <<'END'\nx\nEND",
    f"(sleep 0; touch {MARK}) &",
    f"nohup sh -c 'touch {MARK}' >/dev/null 2>&1 & wait",
    f"setsid touch {MARK}",
    f"bash -c 'echo x > {MARK}'",
    f"sh -c \"$(printf 'touch %s' {MARK})\"",
    f"eval 'touch {MARK}'",
    f"exec 3> {MARK}; echo x >&3",
    f"dd if=/dev/zero of={MARK} bs=1 count=1",
    f"truncate -s 1 {MARK}",
    f"install -m 644 test_sums.py {MARK}",
    "sed -i s/a/b/ sums.py",
    "perl -pi -e s/a/b/ sums.py",
    "mv sums.py moved.py",
    "rm -f sums.py",
    "chmod 777 sums.py",
    "touch -d yesterday sums.py",
    f"mkdir -p {MARK}/deep",
    "find . -name sums.py -delete",
    "find . -name sums.py -exec truncate -s 0 {} +",
    f"ls | xargs -I% cp % {MARK}",
    f'awk \'BEGIN {{ print "x" > "{MARK}" }}\'',
    f"python3 -c \"import os; os.symlink('sums.py', '{MARK}')\"",
    "python3 -c \"import pathlib; pathlib.Path('sums.py').unlink()\"",
    "python3 -c \"import shutil; shutil.rmtree('.')\"",
    f"ln -s {HERE} out; echo x > out/{MARK}",
    "git add -A",
    "git commit --allow-empty -m x",
    "git -c user.name=x -c user.email=x@x.invalid commit --allow-empty -m x",
    "git branch stray",
    "git tag stray",
    "git update-ref refs/heads/stray HEAD",
    "git stash",
    "git checkout -b stray",
    "git reset --hard HEAD~0",
    "git rm -f sums.py",
    "git config core.editor true",
    "git worktree add ../stray",
    "git symbolic-ref HEAD refs/heads/stray",
    f"git -C {HERE} commit --allow-empty -m x",
    f"git --git-dir {HERE}/.git update-ref refs/heads/stray HEAD",
    f"GIT_DIR={HERE}/.git git tag stray",
    "git gc --prune=now",
    "git notes add -m x",
    "git apply <<'END'\n--- a/sums.py\n+++ b/sums.py\n@@ -1 +1 @@\n-def add(a, b):\n+x\nEND",
)


def routes(project: str) -> tuple[str, ...]:
    """At least a hundred commands, each of which would change something."""
    each = [how.replace("{to}", to) for to in _WHERE for how in _HOW]
    return tuple(command.replace(HERE, project) for command in (*each, *_ONCE))

"""Programs that run others, and how their words are read."""

import re
from dataclasses import dataclass

from m31a_tools.shell.options import names


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How a wrapper is written: its options, and the words before the program."""

    valued: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    skips: int = 0
    through: bool = False


def _wrapper(
    valued: str = "", flags: str = "", skips: int = 0, *, through: bool = False
) -> Wrapper:
    return Wrapper(names(valued), names(flags), skips, through)


# Other options than these make the whole unclear: what follows could be their value.
WRAPPERS: dict[str, Wrapper] = {
    "timeout": _wrapper(
        "-s -k --signal --kill-after",
        "-v -p -f --verbose --foreground --preserve-status",
        1,
        through=True,
    ),
    "nice": _wrapper("-n --adjustment", "-1 -2 -3 -4 -5 -6 -7 -8 -9", through=True),
    "ionice": _wrapper("-c -n --class --classdata", "-t --ignore", through=True),
    "nohup": _wrapper(through=True),
    "setsid": _wrapper("", "-c -f -w --ctty --fork --wait", through=True),
    "stdbuf": _wrapper("-i -o -e --input --output --error", through=True),
    "time": _wrapper("-f -o --format --output", "-p -a -v -q --portability --append --verbose"),
    "coproc": _wrapper(through=True),
    "command": _wrapper("", "-p", through=True),
    "builtin": _wrapper(through=True),
    "exec": _wrapper("-a", "-c -l"),
    "env": _wrapper(
        "-u -C --unset --chdir", "-i -0 -v - --ignore-environment --null --debug", through=True
    ),
    "sudo": _wrapper(
        "-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot",
        "-A -b -E -e -H -i -K -k -n -P -S -s -B --askpass --background --preserve-env --login "
        "--set-home --non-interactive --stdin --shell --reset-timestamp",
    ),
    "doas": _wrapper("-u -C -a", "-n -s -L"),
    "pkexec": _wrapper("--user", "--disable-internal-agent --keep-cwd"),
    "xargs": _wrapper(
        "-I -n -P -d -L -s -a -E --replace --max-args --max-procs --delimiter --max-lines "
        "--max-chars --arg-file --eof",
        "-0 -r -t -p -x -i -l -e -o --null --no-run-if-empty --verbose --interactive --exit "
        "--open-tty",
    ),
    "chroot": _wrapper("--userspec --groups", "--skip-chdir", 1),
    "taskset": _wrapper("", "-c -p -a --cpu-list", 1),
    "chrt": _wrapper("-T -P -D", "-b -f -i -o -r -d -a -v", 1),
    "flock": _wrapper(
        "-w -E --timeout --wait --conflict-exit-code",
        "-s -x -e -n -u -o -F --shared --exclusive --nonblock --no-fork --close --verbose",
        1,
    ),
    "strace": _wrapper(
        "-e -o -p -s -u -E -P -S -O -a -b -I -X", "-f -ff -c -C -q -qq -t -tt -T -v -y"
    ),
    "ltrace": _wrapper("-e -o -p -s -u -l -x -n -a -A -F -D", "-f -c -C -i -r -S -t -T"),
    "unshare": _wrapper(
        "-S -G -R -w --setuid --setgid --root --wd", "-m -u -i -n -p -U -C -T -f -r"
    ),
    "nsenter": _wrapper("-t --target -S -G", "-a -m -u -i -n -p -C -U -T -F"),
    "busybox": _wrapper(),
    "toybox": _wrapper(),
    "systemd-run": _wrapper("-p -u -t --unit --property", "--user --scope --pty --wait --quiet -q"),
    "watch": _wrapper("-n -s --interval", "-d -e -g -t -x -c -b --exec --no-title --color"),
}
SHELLS = names("sh bash dash zsh ksh mksh ash yash rbash")
INTERPRETER = re.compile(
    r"python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|php[\d.]*|lua[\d.]*|"
    r"luajit|tclsh|expect|osascript|pwsh|powershell|irb|Rscript|ghci|julia|fish|nu|elixir|guile|"
    r"groovy|jshell|sqlite3|psql|mysql|gdb|lldb|m4|[gmn]?awk|ed|ex|vim?|nvim|emacs|screen|tmux|"
    r"make|gmake",
    re.IGNORECASE,
)
# Options that give an interpreter its program, or a program a command to run.
PROGRAM_TEXT = re.compile(
    r"-[a-zA-Z]*[ceErRp]$|--(?:eval|exec|print|command|execute|expression|eval-command)\b"
)
SIDE_DOORS: dict[str, re.Pattern[str]] = {
    "tar": re.compile(r"-[a-zA-Z]*[IF]|--(?:to-c|check|use-c|info-s|new-vol|rsh|rmt)"),
    "rg": re.compile(r"--pre\b|--pre=|--hostname-bin"),
    "sort": re.compile(r"--compress-p|--comp"),
    "man": re.compile(r"-[PH]|--pager|--html"),
    "zip": re.compile(r"-T|--test|-TT|--unzip"),
    "rsync": re.compile(r"-e|--rsh|--rsync-path"),
    "ssh": re.compile(r"-o|-F"),
    "curl": re.compile(r"-K|--config"),
    "less": re.compile(r"\+|-k|--lesskey"),
    "cmake": re.compile(r"-E|-P"),
    "fd": re.compile(r"-[xX]|--exec"),
    "ip": re.compile(r"netns|-b"),
    "split": re.compile(r"--filter|--fil"),
    "date": re.compile(r"-s|--set"),
    "printf": re.compile(r"-v"),
}
SED_SAFE = re.compile(r"-[nErsz]+|--(?:quiet|silent|regexp-extended)|[\d,$]*[pdq=]|/[^/\\]*/[pdq]")

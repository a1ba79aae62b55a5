"""The environment a command may see."""

import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|AUTH|BEARER|PRIVATE|(?:^|_)(?:PASS|PAT|PWD)$"
)
# A password inside an address: scheme://user:password@host
_SECRET_VALUE = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
# These have every Python below a measured one measured too: who measures M31A does
# not mean the project's commands, and its complaints would stand among their output.
_DROPPED_PREFIXES = ("M31A_", "GIT_", "BASH_FUNC_", "COVERAGE_PROCESS_")
_DROPPED = frozenset(
    {
        "BASH_ENV",
        "BASHOPTS",
        "SHELLOPTS",
        "ENV",
        "PROMPT_COMMAND",
        "CDPATH",
        "GLOBIGNORE",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSH_AGENT_PID",
        "GPG_AGENT_INFO",
        "OLDPWD",
    }
)
_KEPT = frozenset({"PWD"})
_SET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "PAGER": "cat",
    "DEBIAN_FRONTEND": "noninteractive",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "NPM_CONFIG_YES": "true",
    "TERM": "dumb",
}


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` for a command: no secrets, no prompts, no pagers, nothing that steers git or bash.

    Dropped are names that speak of keys, tokens, passwords and the like, addresses with a
    password in them, agent and bus sockets, and all of `M31A_*` and `GIT_*`.
    """
    kept = {name: value for name, value in environ.items() if not _dropped(name, value)}
    return kept | _SET


def _dropped(name: str, value: str) -> bool:
    upper = name.upper()
    if upper in _KEPT:
        return False
    return (
        upper in _DROPPED
        or upper.startswith(_DROPPED_PREFIXES)
        or _SECRET_NAME.search(upper) is not None
        or _SECRET_VALUE.search(value) is not None
    )

"""Keys and passwords in a text: by their formats, and by entropy beside a telling name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2

_FORMATS = {
    "Anthropic key": r"sk-ant-[\w-]{24,200}",
    "OpenRouter key": r"sk-or-v1-[0-9a-f]{48,80}",
    "OpenAI key": r"sk-(?:proj-|svcacct-|admin-)[\w-]{32,250}|sk-[A-Za-z0-9]{40,64}",
    "GitHub token": r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{60,255}",
    "GitLab token": r"gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,64}",
    "Slack token": r"xox[abeoprs]-[A-Za-z0-9-]{20,250}|xapp-\d-[A-Za-z0-9-]{20,250}",
    "Slack webhook": r"hooks\.slack\.com/services/T\w{8,12}/B\w{8,12}/\w{20,32}",
    "AWS key id": r"(?:AKIA|ASIA)[A-Z2-7]{16}",
    "Google API key": r"AIza[\w-]{35}",
    "Google OAuth secret": r"GOCSPX-[\w-]{28}",
    "Google access token": r"ya29\.[\w-]{40,400}",
    "Stripe key": r"[rs]k_live_[A-Za-z0-9]{20,250}",
    "Stripe webhook secret": r"whsec_[A-Za-z0-9+/]{32,64}",
    "SendGrid key": r"SG\.[\w-]{22}\.[\w-]{43}",
    "Twilio key": r"SK[0-9a-f]{32}",
    "npm token": r"npm_[A-Za-z0-9]{36}",
    "PyPI token": r"pypi-AgE[\w-]{50,250}",
    "Hugging Face token": r"hf_[A-Za-z]{34}",
    "Groq key": r"gsk_[A-Za-z0-9]{50,60}",
    "xAI key": r"xai-[A-Za-z0-9]{70,90}",
    "Replicate token": r"r8_[A-Za-z0-9]{37}",
    "DigitalOcean token": r"do[opr]_v1_[0-9a-f]{64}",
    "Shopify token": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "Databricks token": r"dapi[0-9a-f]{32}",
    "Docker token": r"dckr_pat_[\w-]{27}",
    "HashiCorp Vault token": r"hv[sb]\.[\w-]{24,250}",
    "Linear key": r"lin_api_[A-Za-z0-9]{40}",
    "Telegram bot token": r"\d{8,10}:AA[\w-]{33}",
    "age secret key": r"AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "Azure storage key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "JSON web token": r"eyJ[\w-]{10,500}\.eyJ[\w-]{10,2000}\.[\w-]{20,700}",
}
_PRIVATE_KEY = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_KNOWN = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    + "|".join(f"(?P<f{at}>{pattern})" for at, pattern in enumerate(_FORMATS.values()))
    + r")(?![A-Za-z0-9_])|(?P<private>"
    + _PRIVATE_KEY
    + r")"
)
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_KEY_LINES = re.compile(r"(?:\r?\n[A-Za-z0-9+/=]{16,100}){1,200}")
_LONGEST_KEY = 12_000
_KINDS = tuple(_FORMATS)
_IN_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>{}$]{1,60}:(?P<value>[^\s/:@'\"<>{}$]{8,100})@"
)
_ASSIGNED = re.compile(
    r"(?i)(?:api_?-?key|access_?-?key|secret|token|passw(?:or)?d|passphrase|credential|private_?-?key"
    r"|auth_?-?key|signing_?-?key|encryption_?-?key)[\w-]{0,20}[\"'\]]{0,2}\s{0,4}(?:=>|:=|[:=])\s{0,4}"
    r"(?:(?P<quote>[\"'`])(?P<quoted>[A-Za-z0-9+/=_.~!@#%^&*-]{16,200})(?P=quote)"
    r"|(?P<bare>[A-Za-z0-9+/=_.~-]{20,200})[ \t]*(?=$|[\r\n]))",
)
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|changeme|change[_-]me|your[_-]|dummy|sample|redacted|insert|replace"
    r"|x{5}|\*{4}|0{8}|1{8}|123456789|abcdefgh|deadbeef|<|\{|\$"
)
_WORDS = re.compile(r"[A-Za-z]{2,}\d{0,3}(?:[-_./=][A-Za-z]{2,}\d{0,3})*|[\w.]+\.[\w.]*")
_ENTROPY_BITS = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A place in a text that looks like a secret."""

    kind: str
    start: int
    end: int
    value: str

    @property
    def masked(self) -> str:
        """Enough of it to be found again, too little to be used."""
        return f"{self.value[:4]}…({len(self.value)} characters)"


def find_secrets(text: str) -> tuple[Secret, ...]:
    """What looks like a secret in `text`, first to last, none inside another.

    Placeholders, names and values of low entropy are left alone.
    """
    found: list[Secret] = []
    end = 0
    for secret in sorted(_candidates(text), key=lambda one: (one.start, -one.end)):
        if secret.start >= end:
            found.append(secret)
            end = secret.end
    return tuple(found)


def redact(text: str) -> str:
    """`text` with every secret replaced by a word that says what stood there."""
    parts: list[str] = []
    at = 0
    for secret in find_secrets(text):
        parts += [text[at : secret.start], f"[{secret.kind} removed]"]
        at = secret.end
    return "".join([*parts, text[at:]]) if parts else text


def _candidates(text: str) -> Iterator[Secret]:
    for match in _KNOWN.finditer(text):
        group = match.lastgroup or "private"
        if group == "private":
            end = _end_of_key(text, match.end())
            yield Secret(
                kind="private key", start=match.start(), end=end, value=text[match.start() : end]
            )
        elif not _PLACEHOLDER.search(match[0]) and _entropy(match[0]) > 3:
            yield _secret(_KINDS[int(group[1:])], match, group)
    for match in _IN_ADDRESS.finditer(text):
        if not _PLACEHOLDER.search(match["value"]) and _is_random(match["value"]):
            yield _secret("password in an address", match, "value")
    for match in _ASSIGNED.finditer(text):
        group = "quoted" if match["quoted"] is not None else "bare"
        if not _PLACEHOLDER.search(match[group]) and _is_random(match[group]):
            yield _secret("secret", match, group)


def _end_of_key(text: str, start: int) -> int:
    """Where a private key ends whose first line ends at `start`; it may be cut off."""
    closing = _KEY_END.search(text, start, start + _LONGEST_KEY)
    if closing is not None and "-----BEGIN" not in text[start : closing.start()]:
        return closing.end()
    body = _KEY_LINES.match(text, start)
    return body.end() if body is not None else start


def _secret(kind: str, match: re.Match[str], group: str) -> Secret:
    return Secret(kind=kind, start=match.start(group), end=match.end(group), value=match[group])


def _is_random(value: str) -> bool:
    """Whether it looks drawn, not written: digits and letters mixed, of high entropy."""
    if sum(char.isdigit() for char in value) < 2 or not any(char.isalpha() for char in value):
        return False
    if _WORDS.fullmatch(value):
        return False
    return _entropy(value) >= min(_ENTROPY_BITS, log2(len(value)) - 0.6)


def _entropy(value: str) -> float:
    """Bits a character, by how often each stands in the value."""
    shares = (value.count(char) / len(value) for char in set(value))
    return -sum(share * log2(share) for share in shares)

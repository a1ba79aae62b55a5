"""From what a server did to the error that says so. Pure: status, headers and bytes in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from m31a_providers.errors import (
    MalformedReply,
    OutOfCredit,
    ProviderError,
    RateLimited,
    RequestRejected,
    Stalled,
    StreamBroken,
    Unauthorized,
    Unavailable,
    Unreachable,
    WindowExceeded,
)
from m31a_providers.retry import retry_after_s
from m31a_providers.secret import Scrubber

_WINDOW = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|n_ctx"
    r"|(prompt|input|request|conversation) (is )?too (long|large)|too many (input )?tokens",
    re.IGNORECASE,
)
_CREDIT = re.compile(r"credit|payment|billing|balance", re.IGNORECASE)
_QUOTA_SPENT = re.compile(r"insufficient.{0,10}(quota|credit|balance|funds)", re.IGNORECASE)
_MODERATION = re.compile(r"moderation|flagged|content policy", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded", re.IGNORECASE)
_TAGS = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)

# Words that stand where a status should be, in errors inside a stream that began with 200.
_STATUS_OF_WORD = (
    (re.compile(r"insufficient.quota|billing|payment"), 402),
    (re.compile(r"rate.?limit|too.many|exhausted"), 429),
    (re.compile(r"overloaded"), 529),
    (re.compile(r"authentication|unauthorized|invalid.api.key"), 401),
    (re.compile(r"permission|forbidden"), 403),
    (re.compile(r"not.found"), 404),
    (re.compile(r"invalid|context.length|bad.request|unsupported"), 400),
)
_MOST_SAID_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Source:
    """The server that errors speak of."""

    provider: str
    address: str
    scrubber: Scrubber

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """The error for an answer whose status is not 200."""
        word, reason = _said_in(body)
        if 300 <= status < 400:
            target = headers.get("location", "").partition("?")[0]
            reason = f"it redirects to {target}, which is not followed"
        if headers.get("x-should-retry") == "false":
            return self._rejected(status, reason)
        wait_s = retry_after_s(headers.get("retry-after"), headers.get("retry-after-ms"))
        return self._error(status, word, reason, wait_s)

    def reported(self, error: object) -> ProviderError:
        """The error for an error object inside an answer that began well."""
        word, reason = _words_of(error)
        return self._error(_status_in(error, word), word, reason, None)

    def unreachable(self, reason: str) -> Unreachable:
        """No connection came about."""
        return Unreachable(
            provider=self.provider, address=self.address, reason=self.scrubber.clean(reason)
        )

    def broken(self, reason: str, partial: str = "") -> StreamBroken:
        """The connection ended before the answer did."""
        return StreamBroken(
            provider=self.provider,
            address=self.address,
            reason=self.scrubber.clean(reason),
            partial=partial,
        )

    def stalled(self, limit: str, seconds: float) -> Stalled:
        """A time limit passed."""
        return Stalled(
            provider=self.provider,
            address=self.address,
            limit=limit,
            seconds=seconds,
        )

    def malformed(self, reason: str) -> MalformedReply:
        """The answer is no answer of a model."""
        return MalformedReply(
            provider=self.provider,
            address=self.address,
            reason=self.scrubber.clean(reason),
        )

    def _error(
        self, status: int, word: str, raw_reason: str, wait_s: float | None
    ) -> ProviderError:
        provider, address = self.provider, self.address
        reason = self.scrubber.clean(raw_reason)
        said = f"{word} {raw_reason}"
        if status == 402 or _is_about_money(status, said):
            return OutOfCredit(provider=provider, address=address, reason=reason)
        if status == 429:
            return RateLimited(
                provider=provider,
                address=address,
                reason=reason,
                retry_after_s=wait_s,
            )
        if status == 413 or _WINDOW.search(said):
            return WindowExceeded(provider=provider, address=address, reason=reason)
        if status in (408, 425) or status >= 500 or _OVERLOADED.search(said):
            return Unavailable(
                provider=provider,
                address=address,
                status=status,
                reason=reason,
                retry_after_s=wait_s,
            )
        if status in (401, 403) and not _MODERATION.search(said):
            return Unauthorized(provider=provider, address=address, status=status, reason=reason)
        return self._rejected(status, raw_reason)

    def _rejected(self, status: int, reason: str) -> RequestRejected:
        return RequestRejected(
            provider=self.provider,
            address=self.address,
            status=status,
            reason=self.scrubber.clean(reason),
        )


def _is_about_money(status: int, said: str) -> bool:
    if status in (401, 403):
        return bool(_CREDIT.search(said))
    # Some servers speak of billing in every passing rate limit; only a spent quota is final.
    return status == 429 and bool(_QUOTA_SPENT.search(said))


def _status_in(error: object, word: str) -> int:
    if isinstance(error, dict):
        for field in ("code", "status", "status_code"):
            try:
                status = int(error.get(field) or 0)
            except (TypeError, ValueError):
                continue
            if 400 <= status < 600:
                return status
    lowered = word.lower()
    return next((status for known, status in _STATUS_OF_WORD if known.search(lowered)), 500)


def _said_in(body: bytes) -> tuple[str, str]:
    """(code word, sentence) of an error body, be it JSON of any shape, HTML or text."""
    try:
        decoded: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        text = body[:_MOST_SAID_CHARS].decode("utf-8", "replace")
        return "", _TAGS.sub(" ", text)
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    if isinstance(decoded, dict) and decoded.get("error"):
        decoded = decoded["error"]
    return _words_of(decoded)


def _words_of(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", "" if error is None else str(error)
    word = " ".join(str(error[key]) for key in ("type", "code", "status") if error.get(key))
    said = error.get("message") or error.get("detail") or error.get("error") or ""
    metadata = error.get("metadata")
    # OpenRouter says "Provider returned error" and puts the provider's own words here.
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    sentence = said if isinstance(said, str) else msgspec.json.encode(said).decode()
    return word, f"{sentence} ({raw})" if isinstance(raw, str) and raw else sentence

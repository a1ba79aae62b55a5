"""What can go wrong with a model server, named by what the caller can do about it.

ProviderError
├── UnknownProvider      name an address
├── BadSetting           correct it
├── Unreachable          start the server, look at the address or the network
├── Unauthorized         give a valid key
├── OutOfCredit          pay, or use another provider
├── RateLimited          wait, or use another provider
├── Unavailable          wait, or use another provider
├── RequestRejected      change the request: model, options
├── WindowExceeded       shorten the conversation
├── StreamBroken         ask again
├── Stalled              ask again, or allow more time
├── MalformedReply       report it to whoever runs the server
└── NotRecorded          record the conversation anew
"""

from dataclasses import dataclass


@dataclass(kw_only=True, eq=False, repr=False)
class ProviderError(Exception):
    """A model server did not do what was asked; the message says what, where, and what next.

    No field and no message ever holds a key: texts of a server are cleared of it first.
    """

    provider: str
    """The provider's name."""
    address: str = ""
    """Scheme, host and path; never credentials, never a query."""
    partial: str = ""
    """Text of the answer that had come before the failure; it is never a whole answer."""

    def __str__(self) -> str:
        """One sentence: what happened, to what, what to do next."""
        return self._sentence()

    def _sentence(self) -> str:
        return f"{self._server} failed."

    @property
    def _server(self) -> str:
        return f"{self.provider} at {self.address}" if self.address else self.provider


@dataclass(kw_only=True, eq=False, repr=False)
class UnknownProvider(ProviderError):
    """The name stands for no built-in server and no address was given."""

    known: tuple[str, ...]

    def _sentence(self) -> str:
        return (
            f"Provider {self.provider!r} is not one of {', '.join(self.known)} and has no "
            "base_url: give its address."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class BadSetting(ProviderError):
    """An address, key or header that no request can be made with."""

    setting: str
    reason: str

    def _sentence(self) -> str:
        return f"The {self.setting} of provider {self.provider!r} cannot be used: {self.reason}."


@dataclass(kw_only=True, eq=False, repr=False)
class Unreachable(ProviderError):
    """No connection came about."""

    reason: str

    def _sentence(self) -> str:
        return (
            f"{self._server} cannot be reached ({self.reason}): "
            "check that the server runs and that the address is right."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class Unauthorized(ProviderError):
    """The server does not accept the key, or wants one."""

    status: int
    reason: str = ""

    def _sentence(self) -> str:
        said = _said(self.reason)
        return f"{self._server} refused the key (HTTP {self.status}{said}): set a valid one."


@dataclass(kw_only=True, eq=False, repr=False)
class OutOfCredit(ProviderError):
    """The account has no money left."""

    reason: str = ""

    def _sentence(self) -> str:
        return (
            f"{self._server} wants payment first{_said(self.reason)}: "
            "add credit or choose another provider."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class RateLimited(ProviderError):
    """Too many requests or tokens for now."""

    reason: str = ""
    retry_after_s: float | None = None
    """What the server asked for; `None` when it did not say."""

    def _sentence(self) -> str:
        wait = "later" if self.retry_after_s is None else f"in {self.retry_after_s:.0f} s"
        return (
            f"{self._server} limits the rate{_said(self.reason)}: "
            f"try again {wait} or choose another provider."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class Unavailable(ProviderError):
    """The server has trouble of its own."""

    status: int
    reason: str = ""
    retry_after_s: float | None = None

    def _sentence(self) -> str:
        return (
            f"{self._server} is in trouble (HTTP {self.status}{_said(self.reason)}): "
            "try again later or choose another provider."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class RequestRejected(ProviderError):
    """The server understood and will not: an unknown model, an option it does not take."""

    status: int
    reason: str = ""

    def _sentence(self) -> str:
        return (
            f"{self._server} rejected the request (HTTP {self.status}{_said(self.reason)}): "
            "check the address, the model and its options."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class WindowExceeded(ProviderError):
    """The conversation is longer than the model can read."""

    reason: str = ""

    def _sentence(self) -> str:
        return (
            f"{self._server} finds the conversation too long{_said(self.reason)}: "
            "shorten it or choose a model with a larger window."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class StreamBroken(ProviderError):
    """The connection ended before the answer did."""

    reason: str

    def _sentence(self) -> str:
        return f"{self._server} broke off its answer ({self.reason}): try again."


@dataclass(kw_only=True, eq=False, repr=False)
class Stalled(ProviderError):
    """A time limit passed."""

    limit: str
    """The field of `Timeouts` that would allow more."""
    seconds: float

    def _sentence(self) -> str:
        return (
            f"{self._server} did not answer within {self.limit} = {self.seconds:g}: "
            "try again or allow more time."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class MalformedReply(ProviderError):
    """What came back is no answer of a model."""

    reason: str

    def _sentence(self) -> str:
        return (
            f"{self._server} sent what cannot be read ({self.reason}): "
            "check that the address leads to a model server and that its kind is right."
        )


@dataclass(kw_only=True, eq=False, repr=False)
class NotRecorded(ProviderError):
    """A recording or a script has no answer to this request."""

    asked: str

    def _sentence(self) -> str:
        return (
            f"{self.provider} has no answer left for {self.asked}: "
            "record the conversation anew or add a rule."
        )


def _said(reason: str) -> str:
    return f", it says: {reason}" if reason else ""
